/* What becomes of a container: Docker 20.10's transitions, refusals and events. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/members.h"
#include "tests/standin/standin.h"

#define KILLED 137

bool is_running(const json_t *container)
{
    return flag_at(json_object_get(container, "State"), "Running");
}

bool is_paused(const json_t *container)
{
    return flag_at(json_object_get(container, "State"), "Paused");
}

void set_state(json_t *container, const char *status, json_int_t exit_code)
{
    static json_int_t pid = 1000;
    json_t *state = json_object_get(container, "State");
    bool paused = strcmp(status, "paused") == 0;
    bool running = paused || strcmp(status, "running") == 0;
    bool was_running = is_running(container);
    char time[TIME_SIZE];

    time_text(time);
    json_object_set_new(state, "Status", json_string(status));
    json_object_set_new(state, "Running", json_boolean(running));
    json_object_set_new(state, "Paused", json_boolean(paused));
    json_object_set_new(state, "ExitCode", json_integer(exit_code));
    if (running == was_running)
        return;
    json_object_set_new(state, "Error", json_string(""));
    json_object_set_new(state, "Pid", json_integer(running ? ++pid : 0));
    json_object_set_new(state, running ? "StartedAt" : "FinishedAt", json_string(time));
}

/* NULL after a refusal. */
static json_t *the_container(const struct standin *standin, const struct call *call,
                             struct http_reply *reply)
{
    json_t *container = find_container(standin, call->target);
    if (!container)
        refuse(reply, 404, "No such container: %s", call->target);
    return container;
}

static bool start(struct standin *standin, json_t *container, struct http_reply *reply)
{
    json_auto_t *ports = published(container);
    const char *network = text_at(json_object_get(container, "HostConfig"), "NetworkMode");

    if (!ports_are_free(standin, container, ports, reply))
        return false;
    if (!network_join(standin, container)) {
        refuse(reply, 404, "network %s not found", network);
        return false;
    }
    hold_ports(standin, container, ports, true);
    set_state(container, "running", 0);
    standin_event(standin, container, "start");
    log_line(standin, container, false, "a line of standard output\n");
    log_line(standin, container, true, "a line of standard error\n");
    return true;
}

static void end(struct standin *standin, json_t *container, json_int_t exit_code)
{
    json_auto_t *ports = published(container);

    hold_ports(standin, container, ports, false);
    network_leave(container);
    set_state(container, "exited", exit_code);
    standin_event(standin, container, "die");
    http_finish(container_id(container));
}

static void halt(struct standin *standin, json_t *container)
{
    standin_event(standin, container, "kill");
    end(standin, container, KILLED);
    standin_event(standin, container, "stop");
}

void start_container(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    json_t *container = the_container(standin, call, reply);

    if (!container)
        return;
    if (is_paused(container))
        refuse(reply, 409, "cannot start a paused container, try unpause instead");
    else if (is_running(container))
        reply->status = 304;
    else if (start(standin, container, reply))
        reply->status = 204;
}

void stop_container(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    json_t *container = the_container(standin, call, reply);

    if (!container)
        return;
    reply->status = is_running(container) ? 204 : 304;
    if (is_running(container))
        halt(standin, container);
}

void restart_container(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    json_t *container = the_container(standin, call, reply);

    if (!container)
        return;
    if (is_running(container))
        halt(standin, container);
    if (start(standin, container, reply)) {
        standin_event(standin, container, "restart");
        reply->status = 204;
    }
}

void pause_container(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    json_t *container = the_container(standin, call, reply);

    if (!container)
        return;
    if (is_paused(container)) {
        refuse(reply, 409, "Container %s is already paused", container_id(container));
    } else if (!is_running(container)) {
        refuse(reply, 409, "Container %s is not running", container_id(container));
    } else {
        set_state(container, "paused", 0);
        standin_event(standin, container, "pause");
        reply->status = 204;
    }
}

void unpause_container(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    json_t *container = the_container(standin, call, reply);

    if (!container)
        return;
    if (!is_paused(container)) {
        refuse(reply, 500, "Container %s is not paused", container_id(container));
    } else {
        set_state(container, "running", 0);
        standin_event(standin, container, "unpause");
        reply->status = 204;
    }
}

void remove_container(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    json_t *container = the_container(standin, call, reply);

    if (!container)
        return;
    if (is_running(container) && !query_flag(call, "force")) {
        refuse(reply, 409,
               "You cannot remove a running container %s. Stop the container before attempting "
               "removal or force remove",
               container_id(container));
        return;
    }
    json_incref(container);
    if (is_running(container))
        end(standin, container, KILLED);
    standin_event(standin, container, "destroy");
    json_object_del(standin->names, container_name(container));
    json_object_del(standin->logs, container_id(container));
    json_object_del(standin->containers, container_id(container));
    json_decref(container);
    reply->status = 204;
}

void rename_container(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    json_t *container = the_container(standin, call, reply);
    char name[NAME_MAX_SIZE];

    if (!container)
        return;
    snprintf(name, sizeof(name), "/%s", query_text(call, "name"));
    const char *other = text_at(standin->names, name + 1);
    if (other && strcmp(other, container_id(container)) == 0) {
        refuse(reply, 400, "Renaming a container with the same name as its current name");
    } else if (other) {
        refuse(reply, 409,
               "Conflict. The container name \"%s\" is already in use by container \"%s\". You "
               "have to remove (or rename) that container to be able to reuse that name.",
               name, other);
    } else {
        json_object_del(standin->names, container_name(container));
        json_object_set_new(container, "Name", json_string(name));
        json_object_set_new(standin->names, name + 1, json_string(container_id(container)));
        standin_event(standin, container, "rename");
        reply->status = 204;
    }
}

/* Has it to run again after the engine's own restart? Who stopped it does not want that. */
static bool comes_back(const json_t *container)
{
    const json_t *host_config = json_object_get(container, "HostConfig");
    const json_t *policy = json_object_get(host_config, "RestartPolicy");
    const char *name = text_at(policy, "Name");

    return name && (strcmp(name, "unless-stopped") == 0 || strcmp(name, "always") == 0);
}

/* POST /standin/restart {"away_ms":500}: the engine dies and comes back, and with it what ran or
 * was paused, if its restart policy says so. The engine's streams broke off before, so that nobody
 * hears of it, but who asks later what happened. */
void restart_engine(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    const char *id;
    json_t *container;

    standin->mute = true;
    json_object_foreach(standin->containers, id, container)
    {
        if (!is_running(container))
            continue;
        end(standin, container, KILLED);
        struct http_reply unseen = {0};
        if (comes_back(container) && !start(standin, container, &unseen))
            free(unseen.body.data);
    }
    standin->mute = false;
    reply->status = 204;
    reply->away_ms = (long)number_at(call->body, "away_ms") + 1;
}

/* POST /standin/exit/<container> {"code":3}: its command ends by itself. */
void exit_container(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    json_t *container = the_container(standin, call, reply);

    if (!container)
        return;
    if (is_running(container))
        end(standin, container, number_at(call->body, "code"));
    reply->status = 204;
}
