/*
 * image.commit: room in the index → engine commit under the user's name, with labels of an image →
 * index. An earlier attempt's image is found by its name, its label of the request and its MAC.
 *
 * The engine pauses a running container while it copies and lets it go on by itself, also when
 * nobody waits for the answer. Should it not have come to that, the next attempt sees to it: the
 * journal holds the container of a request that found it running.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/auto.h"
#include "common/log.h"
#include "common/members.h"
#include "schemas/units.h"
#include "worker/describe.h"
#include "worker/locks.h"
#include "worker/policy.h"
#include "worker/requests/requests.h"
#include "worker/store_containers.h"
#include "worker/store_images.h"

#define UNFINISHED_S 120 /* so long an interrupted commit may go on in the engine */

struct commit {
    const struct owned *owned;
    char name[IMAGE_NAME_MAX + 1]; /* with its tag */
    char engine_name[ENGINE_IMAGE_SIZE];
    struct policy_limits limits;
};

int image_name_of_commit(const struct job *job, char ret_name[IMAGE_NAME_MAX + 1],
                         struct error *err)
{
    const char *asked = text_at(job->request.args, "name");
    int length =
        snprintf(ret_name, IMAGE_NAME_MAX + 1, "%s%s", asked, strchr(asked, ':') ? "" : ":latest");
    if (length > IMAGE_NAME_MAX)
        return fail(err, FAULT_INVALID, "the image's name is too long with its tag \":latest\"");
    return 0;
}

static int begin(const struct runner *runner, const struct job *job, struct commit *commit,
                 struct error *err)
{
    policy_limits(runner->policy, job->request.user, timestamp_now(), &commit->limits);
    if (image_name_of_commit(job, commit->name, err) < 0)
        return -1;
    engine_image_of(job->request.user, commit->name, commit->engine_name);
    return 0;
}

/* What an interrupted attempt may have left paused goes on. *ret_image is what it made, or NULL. */
static int take_up(struct runner *runner, const struct job *job, const struct commit *commit,
                   json_t **ret_image, struct error *err)
{
    for (int waited = 0; job->resumed; waited++) {
        json_auto_t *image = NULL;
        json_auto_t *container = NULL;
        if (engine_container_inspect(runner->engine, commit->owned->id, &container, err) < 0)
            return -1;
        bool paused = job->container[0] && strcmp(container_state(container), "paused") == 0;
        if (paused && waited < UNFINISHED_S) {
            sleep(1);
            continue;
        }
        if (paused &&
            engine_container_act(runner->engine, ENGINE_UNPAUSE, commit->owned->id, NULL, err) < 0)
            return -1;
        if (engine_image_inspect(runner->engine, commit->engine_name, &image, err) < 0)
            return err->fault == FAULT_NOT_FOUND ? 0 : -1;
        if (image_is_ours(runner, image, job->request.user, commit->name, job->request.id))
            *ret_image = TAKE(image);
        return 0;
    }
    return 0;
}

/* What the store is asked for; it borrows from `commit`. */
static int wish_for(struct runner *runner, const struct job *job, const struct commit *commit,
                    struct image_wish *ret_wish, struct error *err)
{
    const struct policy_limits *limits = &commit->limits;
    int64_t bytes = 0;
    if (limits->images_kept <= 0)
        return fail_by_rule(err, FAULT_DENIED, limits->images_kept_rule,
                            "no images of your own are granted to you; ask the administrator");
    if (engine_container_bytes(runner->engine, commit->owned->id, &bytes, err) < 0)
        return -1;
    *ret_wish = (struct image_wish){
        .name = commit->name,
        .replace = flag_at(job->request.args, "replace"),
        .bytes = bytes,
        .most_images = limits->images_kept,
        .most_bytes = limits->image_bytes,
        .images_rule = limits->images_kept_rule,
        .bytes_rule = limits->image_bytes_rule,
    };
    return 0;
}

static int reserve(struct runner *runner, const struct job *job, const struct commit *commit,
                   struct error *err)
{
    struct image_wish wish;
    if (wish_for(runner, job, commit, &wish, err) < 0)
        return -1;
    verdict_allowed(job->decided, commit->limits.images_kept_rule, "an image of your own");
    return store_image_reserve(runner->store, &job->request, &wish, err);
}

/* What is replaced loses its name to the new one, and goes unless containers need it. */
static void drop_replaced(struct runner *runner, const struct job *job, const json_t *replaced)
{
    struct error err = {0};
    const char *id = text_at(replaced, "Id");
    if (id && image_is_ours(runner, replaced, job->request.user, NULL, NULL) &&
        json_array_size(json_object_get(replaced, "RepoTags")) == 1 &&
        engine_image_remove(runner->engine, id, &err) < 0)
        log_info("the replaced image stays for now: %s", err.text);
}

static int make(struct runner *runner, const struct job *job, const struct commit *commit,
                json_t **ret_image, struct error *err)
{
    char id[ENGINE_ID_SIZE];
    json_auto_t *replaced = NULL;
    struct labels facts = {.kind = "image",
                           .user = job->request.user,
                           .name = commit->name,
                           .request = job->request.id};
    json_auto_t *config = NULL;
    if (image_config_of(runner, commit->owned->inspected, &facts, &config, err) < 0)
        return -1;
    struct engine_commit order = {.container = commit->owned->id,
                                  .name = commit->engine_name,
                                  .message = text_at(job->request.args, "message"),
                                  .config = config};
    if (image_check_layers(runner, commit->owned->inspected, err) < 0)
        return -1;
    if (engine_image_inspect(runner->engine, commit->engine_name, &replaced, err) < 0 &&
        err->fault != FAULT_NOT_FOUND)
        return -1;
    bool running = strcmp(container_state(commit->owned->inspected), "running") == 0;
    if (running && journal_container(runner->journal, job->request.id, commit->owned->id, err) < 0)
        return -1;
    if (engine_commit(runner->engine, &order, id, err) < 0 ||
        engine_image_inspect(runner->engine, id, ret_image, err) < 0)
        return -1;
    if (replaced)
        drop_replaced(runner, job, replaced);
    return 0;
}

static int put_on_record(struct runner *runner, const struct job *job, const struct commit *commit,
                         const json_t *image, json_t *result, struct error *err)
{
    json_t *part = describe_image(commit->name, text_at(image, "Id"), job->request.user,
                                  number_at(image, "Size"), text_at(image, "Created"));
    json_object_set_new(result, "image", part);
    image_warn_of_layers(image, result);
    return store_image_bind(runner->store, job->request.user, job->request.id, part, err);
}

static int commit_locked(struct runner *runner, const struct job *job, const struct commit *commit,
                         json_t *result, struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    json_auto_t *image = NULL;
    struct error unheard = {0};
    if (lock_take(runner->config->state, LOCK_IMAGES, job->request.user, false, &lock, err) < 0 ||
        take_up(runner, job, commit, &image, err) < 0)
        return -1;
    if (image)
        return put_on_record(runner, job, commit, image, result, err);
    if (reserve(runner, job, commit, err) < 0)
        return -1;
    if (make(runner, job, commit, &image, err) == 0)
        return put_on_record(runner, job, commit, image, result, err);
    if (fault_fate(err->fault) != FATE_RETRY)
        store_image_release(runner->store, job->request.user, NULL, job->request.id, &unheard);
    return -1;
}

int request_commit(struct runner *runner, struct job *job, json_t *result, struct error *err)
{
    AUTO(owned) struct owned owned = {0};
    AUTO(lock) struct lock lock = {.file = -1};
    struct commit commit = {.owned = &owned};
    if (begin(runner, job, &commit, err) < 0 || owned_find(runner, job, &owned, err) < 0 ||
        lock_take(runner->config->state, LOCK_CONTAINER, owned.id, false, &lock, err) < 0)
        return -1;
    owned_clear(&owned);
    if (owned_find(runner, job, &owned, err) < 0)
        return -1;
    return commit_locked(runner, job, &commit, result, err);
}

int judge_commit(struct runner *runner, const struct job *job, struct verdicts *verdicts,
                 struct error *err)
{
    AUTO(owned) struct owned owned = {0};
    struct commit commit = {.owned = &owned};
    struct image_wish wish;
    if (owned_judge(runner, job, verdicts, &owned, err) < 0)
        return -1;
    if (!owned.entry)
        return 0;
    if (image_check_layers(runner, owned.inspected, err) < 0 &&
        verdict_refused(verdicts, err, "one more layer on the image of %s", owned.name) < 0)
        return -1;
    if (begin(runner, job, &commit, err) < 0 || wish_for(runner, job, &commit, &wish, err) < 0)
        return verdict_refused(verdicts, err, "an image of your own");
    return store_image_consider(runner->store, &job->request, &wish, verdict_heard, verdicts, err);
}
