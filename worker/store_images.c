/* Users' own images in the index (schemas/store/60_images.lua). */
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/keys.h"
#include "worker/store_containers.h"
#include "worker/store_images.h"
#include "worker/store_keeper.h"
#include "worker/store_private.h"

#define LIFE_MS "3600000" /* a commit that takes longer than an hour is no more */

int store_call_images(struct store *store, const char *function, const char *user,
                      const char *request_id, const char *first, const char *second,
                      json_t **ret_answer, struct error *err)
{
    char images[KEY_SIZE], users[KEY_SIZE];
    json_auto_t *reply = NULL;
    key_of_user(images, KEY_IMAGES, user, NULL);
    key_of_server(users, KEY_IMAGE_USERS, store->server);
    struct store_call call = {
        .function = function,
        .keys = {images, users},
        .arguments = {user, store->server, request_id ? request_id : "", first, second},
    };
    if (store_call(store, &call, &reply, err))
        return -1;
    return store_read_answer(function, reply, ret_answer, err);
}

char *store_image_wish_text(const struct image_wish *wish, struct error *err)
{
    json_auto_t *document =
        json_pack("{s:s, s:b, s:I, s:{s:I, s:I}, s:{s:s*, s:s*}}", "name", wish->name, "replace",
                  wish->replace, "bytes", (json_int_t)wish->bytes, "most", "images",
                  (json_int_t)wish->most_images, "image_bytes", (json_int_t)wish->most_bytes,
                  "rules", "images", wish->images_rule, "image_bytes", wish->bytes_rule);
    return store_text(document, err);
}

int store_image_reserve(struct store *store, const struct request *request,
                        const struct image_wish *wish, struct error *err)
{
    AUTO(string) char *text = store_image_wish_text(wish, err);
    if (!text)
        return -1;
    return store_call_images(store, "image_reserve", request->user, request->id, LIFE_MS, text,
                             NULL, err);
}

int store_image_bind(struct store *store, const char *user, const char *request_id,
                     const json_t *image, struct error *err)
{
    AUTO(string) char *text = store_text(image, err);
    if (!text)
        return -1;
    return store_call_images(store, "image_bind", user, request_id, text, NULL, NULL, err);
}

int store_image_release(struct store *store, const char *user, const char *name,
                        const char *request_id, struct error *err)
{
    return store_call_images(store, "image_release", user, request_id, name ? name : "", NULL, NULL,
                             err);
}

/* Is it this image? By name "latest" is implied; ids may be short and begin with "sha256:". */
static bool is_meant(const json_t *image, const char *reference)
{
    const char *name = text_at(image, "name");
    const char *id = text_at(image, "id");
    size_t length = strlen(reference);
    if (!name || !id)
        return false;
    if (strncmp(name, reference, length) == 0 &&
        (name[length] == '\0' || strcmp(name + length, ":latest") == 0))
        return true;
    const char *digits = strncmp(reference, "sha256:", 7) == 0 ? reference + 7 : reference;
    return name_is_image_id(reference) && strncmp(id, "sha256:", 7) == 0 &&
           strncmp(id + 7, digits, strlen(digits)) == 0;
}

/* The user's bound images, as an array of entries. */
static int read_images(struct store *store, const char *user, json_t **ret_entries,
                       struct error *err)
{
    char key[KEY_SIZE];
    json_auto_t *texts = NULL;
    json_auto_t *entries = json_array();
    key_of_user(key, KEY_IMAGES, user, NULL);
    if (redis_link_text(store->link, &texts, err, "HVALS", key, NULL))
        return -1;
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const char *text = json_string_value(json_array_get(texts, i));
        json_t *entry = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
        if (json_object_get(entry, "image") && json_object_get(entry, "server"))
            json_array_append(entries, entry);
        json_decref(entry);
    }
    *ret_entries = TAKE(entries);
    return 0;
}

int store_image(struct store *store, const char *user, const char *reference, json_t **ret_entry,
                struct error *err)
{
    json_auto_t *entries = NULL;
    size_t i = 0;
    json_t *entry = NULL;
    if (read_images(store, user, &entries, err))
        return -1;
    json_array_foreach(entries, i, entry)
    {
        if (is_meant(json_object_get(entry, "image"), reference)) {
            *ret_entry = json_incref(entry);
            return 0;
        }
    }
    return fail(err, FAULT_NOT_FOUND, "you have no image %s: see images", reference);
}

int store_images_of_server(struct store *store, json_t **ret_entries, struct error *err)
{
    char key[KEY_SIZE];
    json_auto_t *users = NULL;
    json_auto_t *found = json_array();
    key_of_server(key, KEY_IMAGE_USERS, store->server);
    if (redis_link_text(store->link, &users, err, "SMEMBERS", key, NULL))
        return -1;
    for (size_t i = 0; i < json_array_size(users); i++) {
        json_t *user = json_array_get(users, i);
        json_auto_t *entries = NULL;
        size_t j = 0;
        json_t *entry = NULL;
        if (read_images(store, json_string_value(user), &entries, err))
            return -1;
        json_array_foreach(entries, j, entry)
        {
            const char *server = text_at(entry, "server");
            if (!server || strcmp(server, store->server) != 0)
                continue;
            json_object_set(entry, "user", user);
            json_array_append(found, entry);
        }
    }
    *ret_entries = TAKE(found);
    return 0;
}
