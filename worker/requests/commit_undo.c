/*
 * Leave nothing of a commit that has failed for good: no image of its, no room for one, and nothing
 * paused. What the engine still makes of it afterwards is removed by the keeper.
 */
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/result.h"
#include "worker/locks.h"
#include "worker/requests/requests.h"
#include "worker/store_images.h"

static int go_on(struct runner *runner, const char *container, struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    json_auto_t *inspected = NULL;
    bool left = false;
    if (!container[0])
        return 0;
    if (lock_take(runner->config->state, LOCK_CONTAINER, container, false, &lock, err) < 0 ||
        journal_left_paused(runner->journal, container, &left, err) < 0)
        return -1;
    if (!left)
        return 0;
    if (engine_container_inspect(runner->engine, container, &inspected, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    if (strcmp(container_state(inspected), "paused") != 0)
        return 0;
    return engine_container_act(runner->engine, ENGINE_UNPAUSE, container, NULL, err);
}

/* Does the index show, under this name, the image of this very request? */
static int is_shown(struct runner *runner, const struct job *job, const char *name, bool *ret_shown,
                    struct error *err)
{
    json_auto_t *entry = NULL;
    if (store_image(runner->store, job->request.user, name, &entry, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    const char *request = text_at(entry, "request");
    *ret_shown = request && strcmp(request, job->request.id) == 0;
    return 0;
}

static int remove_image(struct runner *runner, const struct job *job, const char *name,
                        struct error *err)
{
    char engine_name[ENGINE_IMAGE_SIZE];
    json_auto_t *image = NULL;
    engine_image_of(job->request.user, name, engine_name);
    if (engine_image_inspect(runner->engine, engine_name, &image, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    if (!image_is_ours(runner, image, job->request.user, name, job->request.id))
        return 0;
    return engine_image_remove(runner->engine, engine_name, err);
}

int request_commit_undo(struct runner *runner, const struct job *job, struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    const char *user = job->request.user;
    char name[IMAGE_NAME_MAX + 1];
    bool shown = false;
    if (image_name_of_commit(job, name, err) < 0)
        return 0; /* which no attempt got past */
    if (go_on(runner, job->container, err) < 0 || runner_identity(runner, err) < 0 ||
        lock_take(runner->config->state, LOCK_IMAGES, user, false, &lock, err) < 0 ||
        remove_image(runner, job, name, err) < 0 || is_shown(runner, job, name, &shown, err) < 0)
        return -1;
    return store_image_release(runner->store, user, shown ? name : NULL, job->request.id, err);
}

int image_is_given_up(struct runner *runner, const json_t *labels, bool *ret_is, struct error *err)
{
    AUTO(journal_entry) struct journal_entry entry = {0};
    const char *request = text_at(labels, "dcm.request");
    if (journal_find(runner->journal, request ? request : "", &entry, err) < 0)
        return -1;
    *ret_is = entry.parked ||
              (entry.state == JOURNAL_ENDED && strcmp(result_state(entry.result), "done") != 0);
    return 0;
}
