/* container.remove */
#include <string.h>

#include "common/auto.h"
#include "common/log.h"
#include "worker/locks.h"
#include "worker/requests/requests.h"

/* The user's last container here takes the network with it, while nobody can join. */
static int release(struct runner *runner, const struct job *job, const char *name,
                   struct error *err)
{
    AUTO(lock) struct lock network = {.file = -1};
    char network_name[ENGINE_NAME_SIZE];
    bool last = false;
    const char *user = job->request.user;
    if (lock_take(runner->config->state, LOCK_NETWORK, user, false, &network, err) < 0 ||
        store_release(runner->store, user, name, NULL, &last, err) < 0)
        return -1;
    if (!last)
        return 0;
    engine_network_of(user, network_name);
    if (engine_network_remove(runner->engine, network_name, err) < 0) {
        if (fault_fate(err->fault) == FATE_RETRY)
            return -1;
        log_warning("the network of %s stays for now: %s", user, err->text);
    }
    return 0;
}

static int take_down(struct runner *runner, const struct job *job, const char *id,
                     struct error *err)
{
    /* The journal first: should we die here, the next attempt knows what to look for, and the
     * keeper does not take the container for one that was lost. */
    if (journal_container(runner->journal, job->request.id, id, err) < 0 ||
        journal_tombstone(runner->journal, id, err) < 0)
        return -1;
    return engine_container_remove(runner->engine, id, err);
}

/* An earlier attempt got as far as the engine: the container is gone, or going. */
static int finish_removal(struct runner *runner, const struct job *job, struct error *err)
{
    json_auto_t *entry = NULL;
    const char *reference = json_string_value(json_object_get(job->request.args, "container"));
    if (engine_container_remove(runner->engine, job->container, err) < 0)
        return -1;
    if (store_container(runner->store, job->request.user, reference, &entry, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    const json_t *container = json_object_get(entry, "container");
    const char *id = json_string_value(json_object_get(container, "id"));
    const char *name = json_string_value(json_object_get(container, "name"));
    if (!id || strcmp(id, job->container) != 0)
        return 0; /* the name is another container's by now */
    return release(runner, job, name, err);
}

int request_remove(struct runner *runner, struct job *job, json_t *result, struct error *err)
{
    AUTO(owned) struct owned owned = {0};
    AUTO(lock) struct lock lock = {.file = -1};
    if (job->resumed && job->container[0])
        return finish_removal(runner, job, err);
    if (owned_find(runner, job, &owned, err) < 0 ||
        lock_take(runner->config->state, LOCK_CONTAINER, owned.id, false, &lock, err) < 0)
        return -1;
    owned_clear(&owned);
    if (owned_find(runner, job, &owned, err) < 0)
        return -1;
    const char *state = container_state(owned.inspected);
    bool force = json_is_true(json_object_get(job->request.args, "force"));
    if (!force && strcmp(state, "stopped") != 0)
        return fail(err, FAULT_CONFLICT, "%s is %s: stop it first, or use remove -f", owned.name,
                    state);
    if (take_down(runner, job, owned.id, err) < 0 || release(runner, job, owned.name, err) < 0)
        return -1;
    json_t *container = json_deep_copy(json_object_get(owned.entry, "container"));
    json_object_set_new(container, "state", json_string("stopped"));
    json_object_set_new(result, "container", container);
    return 0;
}
