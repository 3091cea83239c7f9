#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/log.h"
#include "worker/locks.h"
#include "worker/requests/requests.h"

void engine_name_of(const char *user, const char *name, char ret_name[ENGINE_NAME_SIZE])
{
    snprintf(ret_name, ENGINE_NAME_SIZE, "dcm.%s.%s", user, name);
}

void engine_network_of(const char *user, char ret_name[ENGINE_NAME_SIZE])
{
    snprintf(ret_name, ENGINE_NAME_SIZE, "dcm.%s", user);
}

const char *container_state(const json_t *inspected)
{
    const json_t *state = json_object_get(inspected, "State");
    if (json_is_true(json_object_get(state, "Paused")))
        return "paused";
    return json_is_true(json_object_get(state, "Running")) ? "running" : "stopped";
}

bool container_is_ours(const struct runner *runner, const json_t *inspected, const char *user,
                       const char *name, const char *request)
{
    char engine_name[ENGINE_NAME_SIZE];
    struct labels expected = {.kind = "container", .user = user, .name = name, .request = request};
    const char *actual = json_string_value(json_object_get(inspected, "Name"));
    const json_t *labels = json_object_get(json_object_get(inspected, "Config"), "Labels");
    engine_name_of(user, name, engine_name);
    /* The engine puts a slash before the names that it shows. */
    return actual && actual[0] == '/' && strcmp(actual + 1, engine_name) == 0 &&
           labels_verify(runner->keyring, runner->identity, labels, &expected);
}

int owned_find(struct runner *runner, const struct job *job, struct owned *ret_owned,
               struct error *err)
{
    const char *user = job->request.user;
    const char *reference = json_string_value(json_object_get(job->request.args, "container"));
    json_auto_t *entry = NULL;
    json_auto_t *inspected = NULL;
    if (runner_identity(runner, err) < 0 ||
        store_container(runner->store, user, reference, &entry, err) < 0)
        return -1;
    const json_t *container = json_object_get(entry, "container");
    const char *server = json_string_value(json_object_get(entry, "server"));
    const char *name = json_string_value(json_object_get(container, "name"));
    const char *id = json_string_value(json_object_get(container, "id"));
    if (!server || !name)
        return fail(err, FAULT_INTERNAL, "the index entry of '%s' is damaged", reference);
    if (strcmp(server, runner->config->server) != 0)
        return fail(err, FAULT_CONFLICT, "%s is on the server %s, which this one cannot reach",
                    name, server);
    if (!id)
        return fail(err, FAULT_CONFLICT, "%s is still being created: try again in a moment", name);
    if (engine_container_inspect(runner->engine, id, &inspected, err) < 0)
        return err->fault == FAULT_NOT_FOUND
                   ? fail(err, FAULT_NOT_FOUND, "%s no longer exists: it was removed by hand", name)
                   : -1;
    if (!container_is_ours(runner, inspected, user, name, NULL))
        return fail(err, FAULT_NOT_FOUND, "%s does not carry DCM's mark: tell your administrator",
                    name);
    ret_owned->name = name;
    ret_owned->id = json_string_value(json_object_get(inspected, "Id"));
    ret_owned->entry = TAKE(entry);
    ret_owned->inspected = TAKE(inspected);
    return 0;
}

void owned_clear(struct owned *owned)
{
    json_decref(owned->entry);
    json_decref(owned->inspected);
    *owned = (struct owned){0};
}

int container_release(struct runner *runner, const char *user, const char *name,
                      const char *request, struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    char network[ENGINE_NAME_SIZE];
    bool last = false;
    if (lock_take(runner->config->state, LOCK_NETWORK, user, false, &lock, err) < 0 ||
        store_release(runner->store, user, name, request, &last, err) < 0)
        return -1;
    if (!last)
        return 0;
    engine_network_of(user, network);
    if (engine_network_remove(runner->engine, network, err) == 0)
        return 0;
    if (fault_fate(err->fault) == FATE_RETRY)
        return -1;
    log_warning("the network of %s stays for now: %s", user, err->text);
    return 0;
}
