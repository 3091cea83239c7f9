/* The keeper's work on users' own images: the engine against the index. */
#include <string.h>

#include "common/auto.h"
#include "common/log.h"
#include "common/members.h"
#include "schemas/units.h"
#include "worker/describe.h"
#include "worker/keeper_private.h"
#include "worker/locks.h"
#include "worker/requests/requests.h"
#include "worker/store_images.h"
#include "worker/store_keeper.h"

#define LEFT_S 600 /* an image without a name this young may be about to get it */

/* The engine has gone on with a commit after that had ended without it, or was parked. An image
 * that it has taken the name from is nameless by now, and the index follows. */
static int remove_given_up(struct runner *keeper, const char *user, const char *name,
                           const char *engine_name, bool shown, struct error *err)
{
    log_warning("user=%s: the image %s is of a commit that was given up; removed", user, name);
    if (engine_image_remove(keeper->engine, engine_name, err) < 0)
        return err->fault == FAULT_CONFLICT ? 0 : -1;
    return shown ? store_image_release(keeper->store, user, name, NULL, err) : 0;
}

int keeper_settle_image(struct runner *keeper, const char *user, const char *name,
                        struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    AUTO(own_image) struct own_image own = {0};
    json_auto_t *image = NULL;
    char engine_name[ENGINE_IMAGE_SIZE];
    if (lock_take(keeper->config->state, LOCK_IMAGES, user, false, &lock, err) < 0)
        return -1;
    if (own_image_find(keeper, user, name, &own, err) < 0 && err->fault != FAULT_NOT_FOUND)
        return err->fault == FAULT_CONFLICT ? 0 : -1;
    engine_image_of(user, name, engine_name);
    if (engine_image_inspect(keeper->engine, engine_name, &image, err) < 0 &&
        err->fault != FAULT_NOT_FOUND)
        return -1;
    if (!image_has_tag(image, engine_name) || !image_is_ours(keeper, image, user, name, NULL)) {
        if (!own.entry)
            return 0;
        log_warning("user=%s: the image %s was removed by hand", user, name);
        return store_image_release(keeper->store, user, name, NULL, err);
    }
    const char *known = text_at(json_object_get(own.entry, "image"), "id");
    const char *id = text_at(image, "Id");
    const json_t *labels = json_object_get(json_object_get(image, "Config"), "Labels");
    bool given_up = false;
    if (known && id && strcmp(known, id) == 0)
        return 0;
    if (image_is_given_up(keeper, labels, &given_up, err) < 0)
        return -1;
    if (given_up)
        return remove_given_up(keeper, user, name, engine_name, own.entry != NULL, err);
    json_auto_t *part =
        describe_image(name, id, user, number_at(image, "Size"), text_at(image, "Created"));
    log_warning("user=%s: the index had lost the image %s; restored", user, name);
    return store_image_bind(keeper->store, user, text_at(labels, "dcm.request"), part, err);
}

static bool is_untagged(const json_t *image)
{
    const char *tag = json_string_value(json_array_get(json_object_get(image, "RepoTags"), 0));
    return !tag || strcmp(tag, "<none>:<none>") == 0;
}

static int add(json_t *found, enum difference kind, const char *user, const char *name,
               const char *id, struct error *err)
{
    json_t *item = json_pack("{s:s, s:s, s:s?, s:s, s:s?}", "kind", difference_name(kind), "remedy",
                             difference_remedy(kind), "user", user, "name", name, "id", id);
    return json_array_append_new(found, item) ? fail(err, FAULT_INTERNAL, "out of memory") : 0;
}

/* The index shows images that the engine has not, or not any more. */
static int look_at_entry(const json_t *entry, const json_t *in_engine, json_t *found,
                         struct error *err)
{
    const json_t *image = json_object_get(entry, "image");
    const char *name = text_at(image, "name"), *id = text_at(image, "id");
    const char *user = text_at(entry, "user");
    char engine_name[ENGINE_IMAGE_SIZE];
    if (!name_is_user(user) || !name_is_image(name))
        return 0;
    engine_image_of(user, name, engine_name);
    const char *there = text_at(in_engine, engine_name);
    if (there && id && strcmp(there, id) == 0)
        return 0;
    return add(found, DIFFERENCE_IMAGE, user, name, id, err);
}

/* One that bears marks of ours: known by the index, or left over without a name. */
static int look_at_image(struct runner *keeper, const json_t *image, const json_t *known,
                         json_t *found, struct error *err)
{
    struct labels changes = {.kind = KIND_CHANGES};
    const json_t *labels = json_object_get(image, "Labels");
    const char *user = text_at(labels, "dcm.user"), *name = text_at(labels, "dcm.name");
    const char *id = text_at(image, "Id");
    char engine_name[ENGINE_IMAGE_SIZE];
    int64_t age = timestamp_now() / 1000 - number_at(image, "Created");
    bool is_left = id && age > LEFT_S && is_untagged(image);
    if (is_left && labels_verify(keeper->keyring, keeper->identity, labels, &changes))
        return add(found, DIFFERENCE_IMAGE_LEFT, user, name ? name : "", id, err);
    if (!name_is_user(user) || !name_is_image(name) ||
        !image_is_ours(keeper, image, user, name, NULL))
        return 0; /* not ours, whatever it says */
    if (is_untagged(image))
        return is_left ? add(found, DIFFERENCE_IMAGE_LEFT, user, name, id, err) : 0;
    engine_image_of(user, name, engine_name);
    if (!image_has_tag(image, engine_name) || json_object_get(known, engine_name))
        return 0; /* of another name by now, or compared from the other side */
    return add(found, DIFFERENCE_IMAGE, user, name, id, err);
}

/* The images that bear each name in the engine, and the names that the index knows. */
static void note_names(const json_t *images, const json_t *entries, json_t *in_engine,
                       json_t *known)
{
    size_t i = 0, j = 0;
    json_t *item = NULL, *tag = NULL;
    char engine_name[ENGINE_IMAGE_SIZE];
    json_array_foreach(images, i, item)
    {
        json_array_foreach(json_object_get(item, "RepoTags"), j, tag)
            json_object_set(in_engine, json_string_value(tag), json_object_get(item, "Id"));
    }
    json_array_foreach(entries, i, item)
    {
        const char *name = text_at(json_object_get(item, "image"), "name");
        if (!name_is_user(text_at(item, "user")) || !name_is_image(name))
            continue;
        engine_image_of(text_at(item, "user"), name, engine_name);
        json_object_set_new(known, engine_name, json_true());
    }
}

int keeper_survey_images(struct runner *keeper, json_t *found, struct error *err)
{
    json_auto_t *entries = NULL, *images = NULL;
    json_auto_t *in_engine = json_object(), *known = json_object();
    size_t i = 0;
    json_t *item = NULL;
    if (runner_identity(keeper, err) < 0 ||
        store_images_of_server(keeper->store, &entries, err) < 0 ||
        engine_image_list(keeper->engine, true, &images, err) < 0)
        return -1;
    note_names(images, entries, in_engine, known);
    json_array_foreach(entries, i, item)
    {
        if (look_at_entry(item, in_engine, found, err) < 0)
            return -1;
    }
    json_array_foreach(images, i, item)
    {
        if (look_at_image(keeper, item, known, found, err) < 0)
            return -1;
    }
    return 0;
}
