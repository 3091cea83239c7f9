/* What becomes of a container: Docker 20.10's transitions, refusals and events. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/standin/standin.h"

#define START_FAILED 128 /* the exit code of what never ran */
#define KILLED 137

bool is_running(const json_t *container)
{
    return json_is_true(json_object_get(json_object_get(container, "State"), "Running"));
}

static bool is_paused(const json_t *container)
{
    return json_is_true(json_object_get(json_object_get(container, "State"), "Paused"));
}

static void set_state(json_t *container, const char *status, json_int_t exit_code)
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

/* Bindings of ports that the container exposes; others the engine does not publish. */
static json_t *published(const json_t *container)
{
    json_t *ports = json_object();
    const char *port;
    json_t *bindings;
    const json_t *exposed = json_object_get(json_object_get(container, "Config"), "ExposedPorts");

    json_object_foreach(json_object_get(json_object_get(container, "HostConfig"), "PortBindings"),
                        port, bindings)
    {
        if (json_object_get(exposed, port))
            json_object_set(ports, port, bindings);
    }
    return ports;
}

struct binding {
    const char *address;
    const char *port;
    char key[32]; /* "8080/tcp" */
};

static struct binding read_binding(const char *container_port, const json_t *binding)
{
    const char *address = json_string_value(json_object_get(binding, "HostIp"));
    const char *port = json_string_value(json_object_get(binding, "HostPort"));
    const char *protocol = strchr(container_port, '/');
    struct binding result = {address && *address ? address : "0.0.0.0", port ? port : "", ""};

    snprintf(result.key, sizeof(result.key), "%s%s", result.port, protocol ? protocol : "/tcp");
    return result;
}

/* Who has this binding: a container's id, "" for a program of the host, NULL for nobody. */
static const char *holder_of(const struct standin *standin, const struct binding *binding)
{
    const char *address;
    json_t *holder;

    json_object_foreach(json_object_get(standin->ports, binding->key), address, holder)
    {
        if (strcmp(address, "0.0.0.0") == 0 || strcmp(binding->address, "0.0.0.0") == 0 ||
            strcmp(address, binding->address) == 0)
            return json_string_value(holder);
    }
    return NULL;
}

static bool ports_are_free(const struct standin *standin, json_t *container, json_t *ports,
                           struct http_reply *reply)
{
    const char *port;
    json_t *list;
    size_t i;
    json_t *item;
    char endpoint[65];

    new_id(endpoint);
    json_object_foreach(ports, port, list)
    {
        json_array_foreach(list, i, item)
        {
            struct binding binding = read_binding(port, item);
            const char *holder = holder_of(standin, &binding);
            if (!holder)
                continue;
            json_t *message = json_sprintf(
                *holder ? "driver failed programming external connectivity on endpoint %s (%s): "
                          "Bind for %s:%s failed: port is already allocated"
                        : "driver failed programming external connectivity on endpoint %s (%s): "
                          "Error starting userland proxy: listen tcp4 %s:%s: bind: address "
                          "already in use",
                container_name(container), endpoint, binding.address, binding.port);
            json_t *state = json_object_get(container, "State");
            json_object_set(state, "Error", message);
            json_object_set_new(state, "ExitCode", json_integer(START_FAILED));
            refuse(reply, 500, "%s", json_string_value(message));
            json_decref(message);
            return false;
        }
    }
    return true;
}

static void hold_ports(struct standin *standin, json_t *container, json_t *ports, bool hold)
{
    const char *port;
    json_t *list;
    size_t i;
    json_t *item;

    json_object_foreach(ports, port, list)
    {
        json_array_foreach(list, i, item)
        {
            struct binding binding = read_binding(port, item);
            json_t *holders = json_object_get(standin->ports, binding.key);
            if (!holders) {
                holders = json_object();
                json_object_set_new(standin->ports, binding.key, holders);
            }
            if (hold)
                json_object_set_new(holders, binding.address, json_string(container_id(container)));
            else
                json_object_del(holders, binding.address);
        }
    }
    json_object_set_new(json_object_get(container, "NetworkSettings"), "Ports",
                        hold ? json_deep_copy(ports) : json_object());
}

static bool start(struct standin *standin, json_t *container, struct http_reply *reply)
{
    json_auto_t *ports = published(container);
    const char *network =
        json_string_value(json_object_get(json_object_get(container, "HostConfig"), "NetworkMode"));

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
    if (is_running(container)) {
        standin_event(standin, container, "kill");
        end(standin, container, KILLED);
        standin_event(standin, container, "stop");
    }
}

void restart_container(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    json_t *container = the_container(standin, call, reply);

    if (!container)
        return;
    if (is_running(container))
        end(standin, container, KILLED);
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

/* POST /standin/exit/<container> {"code":3}: its command ends by itself. */
void exit_container(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    json_t *container = the_container(standin, call, reply);

    if (!container)
        return;
    if (is_running(container))
        end(standin, container, json_integer_value(json_object_get(call->body, "code")));
    reply->status = 204;
}
