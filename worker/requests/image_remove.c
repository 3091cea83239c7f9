/* image.remove */
#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/names.h"
#include "schemas/units.h"
#include "worker/locks.h"
#include "worker/policy.h"
#include "worker/requests/requests.h"
#include "worker/store_images.h"

#define NAMES_SIZE 160
#define LOST "lost" /* in place of the id of an image that the engine has not */

/* The names of the user's containers of this image, as far as there is room. */
static int users_of(struct runner *runner, const char *user, const json_t *image,
                    char ret_names[NAMES_SIZE], struct error *err)
{
    json_auto_t *containers = NULL;
    size_t i = 0;
    json_t *container = NULL;
    const char *id = text_at(image, "Id");
    struct labels expected = {.kind = "container", .user = user};
    size_t used = 0;
    ret_names[0] = '\0';
    if (engine_container_list(runner->engine, &containers, err) < 0)
        return -1;
    json_array_foreach(containers, i, container)
    {
        const json_t *labels = json_object_get(container, "Labels");
        const char *its_image = text_at(container, "ImageID");
        const char *name = text_at(labels, "dcm.name");
        if (!id || !its_image || strcmp(id, its_image) != 0 || !name || used >= NAMES_SIZE ||
            !labels_verify(runner->keyring, runner->identity, labels, &expected))
            continue;
        used +=
            (size_t)snprintf(ret_names + used, NAMES_SIZE - used, "%s%s", used ? ", " : "", name);
    }
    return 0;
}

/* The name under which the administrator grants it; NULL: it is no such image. */
static const char *granted_name(struct runner *runner, const char *user, const char *reference,
                                json_t **ret_image)
{
    struct error unheard = {0};
    if (!name_is_image_id(reference))
        return policy_check_image(runner->policy, user, timestamp_now(), reference, &unheard) == 0
                   ? reference
                   : NULL;
    return engine_image_inspect(runner->engine, reference, ret_image, &unheard) == 0
               ? image_granted_name(runner, user, *ret_image)
               : NULL;
}

/* Not the user's own. That the administrator has such an image is no secret if it is granted. */
static int refuse(struct runner *runner, const struct job *job, const char *reference,
                  struct error *err)
{
    json_auto_t *image = NULL;
    const char *name = granted_name(runner, job->request.user, reference, &image);
    return name ? fail_by_rule(err, FAULT_DENIED, "defaults.images",
                               "the image %.*s is the administrator's, not yours to remove",
                               (int)name_image_length(name), name)
                : -1;
}

static int check_unused(struct runner *runner, const struct job *job, const struct own_image *own,
                        struct error *err)
{
    char names[NAMES_SIZE];
    if (users_of(runner, job->request.user, own->inspected, names, err) < 0)
        return -1;
    return names[0] ? fail(err, FAULT_CONFLICT, "%s is in use by %s: remove these containers first",
                           own->name, names)
                    : 0;
}

int judge_image_remove(struct runner *runner, const struct job *job, struct verdicts *verdicts,
                       struct error *err)
{
    AUTO(own_image) struct own_image own = {0};
    const char *reference = text_at(job->request.args, "image");
    if (own_image_find(runner, job->request.user, reference, &own, err) < 0) {
        if (err->fault == FAULT_NOT_FOUND)
            refuse(runner, job, reference, err);
        return verdict_refused(verdicts, err, "image %s", reference);
    }
    if (own.inspected && check_unused(runner, job, &own, err) < 0)
        return verdict_refused(verdicts, err, "image %s", own.name);
    return verdict_allowed(verdicts, "", "image %s, your own", own.name);
}

/* Where the engine has lost it there is only its entry to take down. */
static int take_down(struct runner *runner, const struct job *job, const struct own_image *own,
                     struct error *err)
{
    char engine_name[ENGINE_IMAGE_SIZE];
    const char *id = text_at(own->inspected, "Id");
    if (own->inspected && check_unused(runner, job, own, err) < 0)
        return -1;
    /* Should we die now, the next attempt knows that the image's absence is our work. */
    if (journal_removal(runner->journal, job->request.id, id ? id + strlen("sha256:") : LOST,
                        json_object_get(own->entry, "image"), err) < 0)
        return -1;
    engine_image_of(job->request.user, own->name, engine_name);
    return own->inspected ? engine_image_remove(runner->engine, engine_name, err) : 0;
}

int request_image_remove(struct runner *runner, struct job *job, json_t *result, struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    AUTO(own_image) struct own_image own = {0};
    const char *user = job->request.user;
    const char *reference = text_at(job->request.args, "image");
    if (lock_take(runner->config->state, LOCK_IMAGES, user, false, &lock, err) < 0)
        return -1;
    if (own_image_find(runner, user, reference, &own, err) < 0) {
        if (err->fault != FAULT_NOT_FOUND)
            return -1;
        /* An earlier attempt got as far as the index. */
        if (!job->resumed || !job->container[0])
            return refuse(runner, job, reference, err);
        if (job->removed)
            json_object_set(result, "image", job->removed);
        return 0;
    }
    if (take_down(runner, job, &own, err) < 0)
        return -1;
    json_object_set(result, "image", json_object_get(own.entry, "image"));
    return store_image_release(runner->store, user, own.name, NULL, err);
}
