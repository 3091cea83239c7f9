/* The keeper's work on users' own images: the engine against the index. */
#include <string.h>

#include "common/auto.h"
#include "common/log.h"
#include "schemas/units.h"
#include "worker/describe.h"
#include "worker/keeper.h"
#include "worker/locks.h"
#include "worker/requests/requests.h"

#define SETTLING_S 600 /* an image without a name this young may be about to get it */

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* One image of a user's: index and engine side by side, while no request changes either. */
static int settle_image(struct runner *keeper, const char *user, const char *name,
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
    if (known && id && strcmp(known, id) == 0)
        return 0;
    json_auto_t *part =
        describe_image(name, id, user, json_integer_value(json_object_get(image, "Size")),
                       text_at(image, "Created"));
    const json_t *labels = json_object_get(json_object_get(image, "Config"), "Labels");
    log_warning("user=%s: the index had lost the image %s; restored", user, name);
    return store_image_bind(keeper->store, user, text_at(labels, "dcm.request"), part, err);
}

/* What a replaced image left goes once no container needs it; the engine knows that. */
static void sweep(struct runner *keeper, const json_t *image)
{
    struct error unheard = {0};
    const char *id = text_at(image, "Id");
    int64_t age = timestamp_now() / 1000 - json_integer_value(json_object_get(image, "Created"));
    if (id && age > SETTLING_S)
        engine_image_remove(keeper->engine, id, &unheard);
}

static bool is_untagged(const json_t *image)
{
    const char *tag = json_string_value(json_array_get(json_object_get(image, "RepoTags"), 0));
    return !tag || strcmp(tag, "<none>:<none>") == 0;
}

int keeper_compare_images(struct runner *keeper, struct error *err)
{
    json_auto_t *entries = NULL;
    json_auto_t *images = NULL;
    size_t i = 0;
    json_t *item = NULL;
    if (runner_identity(keeper, err) < 0 ||
        store_images_of_server(keeper->store, &entries, err) < 0 ||
        engine_image_list(keeper->engine, true, &images, err) < 0)
        return -1;
    json_array_foreach(entries, i, item)
    {
        const char *name = text_at(json_object_get(item, "image"), "name");
        const char *user = text_at(item, "user");
        if (name_is_user(user) && name_is_image(name) && settle_image(keeper, user, name, err) < 0)
            return -1;
    }
    json_array_foreach(images, i, item)
    {
        const json_t *labels = json_object_get(item, "Labels");
        const char *user = text_at(labels, "dcm.user");
        const char *name = text_at(labels, "dcm.name");
        struct labels changes = {.kind = KIND_CHANGES};
        if (is_untagged(item) && labels_verify(keeper->keyring, keeper->identity, labels, &changes))
            sweep(keeper, item);
        if (!name_is_user(user) || !name_is_image(name) ||
            !image_is_ours(keeper, item, user, name, NULL))
            continue; /* not ours, whatever it says */
        if (is_untagged(item))
            sweep(keeper, item);
        else if (settle_image(keeper, user, name, err) < 0)
            return -1;
    }
    return 0;
}
