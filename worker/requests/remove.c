/* container.remove */
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "worker/locks.h"
#include "worker/requests/requests.h"
#include "worker/store_containers.h"

/* How its result shows it. */
static json_t *last_sight(const json_t *entry)
{
    json_t *container = json_deep_copy(json_object_get(entry, "container"));
    json_object_set_new(container, "state", json_string("stopped"));
    json_object_del(container, "waits_for");
    return container;
}

static int take_down(struct runner *runner, const struct job *job, const struct owned *owned,
                     json_t *result, struct error *err)
{
    json_auto_t *container = last_sight(owned->entry);
    /* The journal first: should we die here, the next attempt knows what to look for. */
    if (journal_removal(runner->journal, job->request.id, owned->id, container, err) < 0)
        return -1;
    json_object_set(result, "container", container);
    return container_destroy(runner, owned->id, err);
}

/* An earlier attempt got as far as the journal: the container is gone, or going. */
static int finish_removal(struct runner *runner, const struct job *job, json_t *result,
                          struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    json_auto_t *entry = NULL;
    const char *user = job->request.user;
    const char *reference = text_at(job->request.args, "container");
    if (lock_take(runner->config->state, LOCK_CONTAINER, job->container, false, &lock, err) < 0 ||
        container_destroy(runner, job->container, err) < 0)
        return -1;
    if (job->removed)
        json_object_set(result, "container", job->removed);
    if (store_container(runner->store, user, reference, &entry, err) < 0) {
        if (err->fault != FAULT_NOT_FOUND)
            return -1;
        /* Perhaps it got as far as the store, and the network is left; no entry has our id. */
        return container_release(runner, user, reference, job->request.id, err);
    }
    const json_t *container = json_object_get(entry, "container");
    const char *id = text_at(container, "id");
    const char *name = text_at(container, "name");
    if (!id || !name || strcmp(id, job->container) != 0)
        return 0;      /* the name is another container's by now */
    if (!job->removed) /* begun by a worker that did not note it */
        json_object_set_new(result, "container", last_sight(entry));
    return container_release(runner, user, name, NULL, err);
}

static int check_state(const struct job *job, const struct owned *owned, struct error *err)
{
    const char *state = container_state(owned->inspected);
    bool force = flag_at(job->request.args, "force");
    if (force || strcmp(state, "stopped") == 0)
        return 0;
    return fail(err, FAULT_CONFLICT, "%s is %s: stop it first, or use remove -f", owned->name,
                state);
}

int judge_remove(struct runner *runner, const struct job *job, struct verdicts *verdicts,
                 struct error *err)
{
    AUTO(owned) struct owned owned = {0};
    if (owned_judge(runner, job, verdicts, &owned, err) < 0)
        return -1;
    if (!owned.entry || check_state(job, &owned, err) == 0)
        return 0;
    return verdict_refused(verdicts, err, "container %s as it is", owned.name);
}

int request_remove(struct runner *runner, struct job *job, json_t *result, struct error *err)
{
    AUTO(owned) struct owned owned = {0};
    AUTO(lock) struct lock lock = {.file = -1};
    if (job->resumed && job->container[0])
        return finish_removal(runner, job, result, err);
    if (owned_find(runner, job, &owned, err) < 0 ||
        lock_take(runner->config->state, LOCK_CONTAINER, owned.id, false, &lock, err) < 0)
        return -1;
    /* Again, now that nobody else changes it. */
    owned_clear(&owned);
    if (owned_find(runner, job, &owned, err) < 0 || check_state(job, &owned, err) < 0)
        return -1;
    if (take_down(runner, job, &owned, result, err) < 0)
        return -1;
    return container_release(runner, job->request.user, owned.name, NULL, err);
}
