/* The way back from a recreate that came to nothing, and the last step of one that did not. */
#include "worker/requests/recreate.h"

#include <string.h>

#include "common/auto.h"
#include "common/log.h"
#include "common/members.h"
#include "worker/locks.h"
#include "worker/store_containers.h"

int recreate_drop_new(struct runner *runner, const struct job *job, const struct change *change,
                      struct error *err)
{
    json_auto_t *found = NULL;
    if (engine_container_inspect(runner->engine, change->engine_name, &found, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    if (!container_is_ours(runner, found, change->user, change->name, job->request.id))
        return 0;
    const char *id = text_at(found, "Id");
    return container_destroy(runner, id, err);
}

/* First its state, then the name, which is all that tells it. */
int recreate_put_back(struct runner *runner, const struct job *job, const struct change *change,
                      struct error *err)
{
    json_auto_t *present = NULL;
    bool ran = false;
    if (recreate_drop_new(runner, job, change, err) < 0 ||
        engine_container_inspect(runner->engine, change->id, &present, err) < 0)
        return -1;
    if (container_is_aside(runner, present, change->user, change->name, &ran)) {
        if (ran && engine_container_act(runner->engine, ENGINE_START, change->id, NULL, err) < 0) {
            if (fault_fate(err->fault) == FATE_RETRY)
                return -1;
            log_warning("user=%s: %s is back, but stopped: %s", change->user, change->name,
                        err->text);
        }
        if (engine_container_rename(runner->engine, change->id, change->engine_name, err) < 0)
            return -1;
    }
    return store_release_ports(runner->store, &job->request, change->name, err);
}

int recreate_finish(struct runner *runner, const char *old_id, struct error *err)
{
    return container_destroy(runner, old_id, err);
}

bool recreate_is_done(const struct job *job, const json_t *entry)
{
    const char *made_by = text_at(entry, "request");
    return made_by && strcmp(made_by, job->request.id) == 0;
}

int request_recreate_undo(struct runner *runner, const struct job *job, struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    json_auto_t *present = NULL, *entry = NULL;
    bool ran = false;
    if (!job->container[0])
        return 0;
    if (runner_identity(runner, err) < 0 ||
        lock_take(runner->config->state, LOCK_CONTAINER, job->container, false, &lock, err) < 0)
        return -1;
    if (engine_container_inspect(runner->engine, job->container, &present, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    const json_t *labels = json_object_get(json_object_get(present, "Config"), "Labels");
    const char *name = text_at(labels, "dcm.name");
    if (!name || !container_is_aside(runner, present, job->request.user, name, &ran))
        return 0;
    if (store_container(runner->store, job->request.user, name, &entry, err) < 0 &&
        err->fault != FAULT_NOT_FOUND)
        return -1;
    if (recreate_is_done(job, entry))
        return recreate_finish(runner, job->container, err);
    struct change change = {.user = job->request.user, .name = name, .id = job->container};
    engine_name_of(change.user, name, change.engine_name);
    return recreate_put_back(runner, job, &change, err);
}
