/* What a user has: containers, images and the newest requests. */
#include "submitter/mailbox_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/result.h"
#include "schemas/units.h"

#define FIRST_LISTED "-200" /* the newest 200 requests */

/* An entry as lists show it; NULL for one that does not count any more, or is damaged. */
static json_t *container_of_entry(const char *text, int64_t now)
{
    json_auto_t *entry = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    json_int_t until = number_at(entry, "until");
    json_t *container = json_object_get(entry, "container");
    json_t *server = json_object_get(entry, "server");

    if ((until != 0 && until <= now) || !json_is_string(server) ||
        container_check(container, "container", NULL) == -1)
        return NULL;
    return json_pack("{s:O, s:O}", "server", server, "container", container);
}

/* When it was created; what is being created comes last. */
static const char *age_key(const json_t *item)
{
    const json_t *container = json_object_get(item, "container");
    const json_t *created =
        json_object_get(container ? container : json_object_get(item, "image"), "created");
    return json_is_string(created) ? json_string_value(created) : "~";
}

static int compare_age(const void *left, const void *right)
{
    return strcmp(age_key(*(json_t *const *)left), age_key(*(json_t *const *)right));
}

/* The store keeps a hash in no order. A new array; `unsorted` keeps its items. */
static json_t *sort_by_age(json_t *unsorted)
{
    size_t count = json_array_size(unsorted);
    json_t **items = calloc(count + 1, sizeof(json_t *));
    json_t *sorted = json_array();

    if (!items || !sorted) {
        free(items);
        return sorted;
    }
    for (size_t i = 0; i < count; i++)
        items[i] = json_array_get(unsorted, i);
    qsort(items, count, sizeof(json_t *), compare_age);
    for (size_t i = 0; i < count; i++)
        json_array_append(sorted, items[i]);
    free(items);
    return sorted;
}

static int list_containers(struct mailbox *mailbox, const char *user, json_t **ret_list,
                           struct error *err)
{
    char key[KEY_SIZE];
    json_auto_t *reply = NULL, *list = json_array();

    key_of_user(key, KEY_CONTAINERS, user, NULL);
    if (redis_link_text(mailbox->link, &reply, err, "HGETALL", key, NULL) == -1)
        return -1;

    int64_t now = timestamp_now();
    for (size_t i = 1; i < json_array_size(reply); i += 2) { /* name, entry, name, entry, … */
        json_t *item = container_of_entry(json_string_value(json_array_get(reply, i)), now);
        if (item)
            json_array_append_new(list, item);
    }
    *ret_list = sort_by_age(list);
    return 0;
}

static void add_image(json_t *list, json_t *server, json_t *image)
{
    if (json_is_string(server) && image_check(image, "image", NULL) == 0)
        json_array_append_new(list, json_pack("{s:O, s:O}", "server", server, "image", image));
}

/* What the administrator grants to this user (or EVERYBODY), by server. A name that is there
 * already is not added twice. */
static int add_granted(struct mailbox *mailbox, const char *user, json_t *seen, json_t *list,
                       struct error *err)
{
    char key[KEY_SIZE];
    json_auto_t *reply = NULL;

    key_of_user(key, KEY_GRANTED, user, NULL);
    if (redis_link_text(mailbox->link, &reply, err, "HGETALL", key, NULL) == -1)
        return -1;
    for (size_t i = 0; i + 1 < json_array_size(reply); i += 2) { /* server, images, … */
        json_t *server = json_array_get(reply, i);
        const char *text = json_string_value(json_array_get(reply, i + 1));
        json_auto_t *images = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
        for (size_t j = 0; j < json_array_size(images); j++) {
            json_t *image = json_array_get(images, j);
            const char *name = text_at(image, "name");
            AUTO(string) char *place = NULL;
            if (!name || asprintf(&place, "%s %s", json_string_value(server), name) == -1 ||
                json_object_get(seen, place))
                continue;
            json_object_set_new(seen, place, json_true());
            add_image(list, server, image);
        }
    }
    return 0;
}

static int list_images(struct mailbox *mailbox, const char *user, json_t **ret_list,
                       struct error *err)
{
    char key[KEY_SIZE];
    json_auto_t *texts = NULL, *list = json_array(), *own = json_array(), *seen = json_object();

    key_of_user(key, KEY_IMAGES, user, NULL);
    if (add_granted(mailbox, EVERYBODY, seen, list, err) == -1 ||
        add_granted(mailbox, user, seen, list, err) == -1 ||
        redis_link_text(mailbox->link, &texts, err, "HVALS", key, NULL) == -1)
        return -1;
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const char *text = json_string_value(json_array_get(texts, i));
        json_auto_t *entry = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
        add_image(own, json_object_get(entry, "server"), json_object_get(entry, "image"));
    }
    json_auto_t *sorted = sort_by_age(own);
    json_array_extend(list, sorted);
    *ret_list = TAKE(list);
    return 0;
}

static int list_requests(struct mailbox *mailbox, const char *user, json_t **ret_list,
                         struct error *err)
{
    char key[KEY_SIZE];
    json_auto_t *ids = NULL, *list = json_array();

    key_of_user(key, KEY_REQUESTS, user, NULL);
    if (redis_link_text(mailbox->link, &ids, err, "ZRANGE", key, FIRST_LISTED, "-1", NULL) == -1)
        return -1;

    size_t i;
    json_t *id;
    json_array_foreach(ids, i, id)
    {
        struct error reason = {0};
        json_t *result = NULL;
        if (!identifier_is_valid(json_string_value(id)))
            continue;
        /* A record may have expired before its entry in the list; one damaged hides no other. */
        if (mailbox_record(mailbox, user, json_string_value(id), &result, &reason) == 0)
            json_array_append_new(list, result);
        else if (reason.fault == FAULT_DEPENDENCY)
            return fail(err, reason.fault, "%s", reason.text);
    }
    *ret_list = TAKE(list);
    return 0;
}

int mailbox_list(struct mailbox *mailbox, const char *user, enum listing listing, json_t **ret_list,
                 struct error *err)
{
    static int (*const lists[])(struct mailbox *, const char *, json_t **, struct error *) = {
        [LIST_CONTAINERS] = list_containers,
        [LIST_REQUESTS] = list_requests,
        [LIST_IMAGES] = list_images,
        [LIST_LIMITS] = mailbox_list_limits,
    };
    return lists[listing](mailbox, user, ret_list, err);
}
