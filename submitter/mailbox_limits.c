/* What a user may do, as each server's keeper tells it, and what he has used of it. */
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/grant.h"
#include "schemas/keys.h"
#include "schemas/units.h"
#include "submitter/mailbox_private.h"

/* ---- used ---- */

/* What is bounded for all containers, or all images, together. */
enum measure { CONTAINERS, MEMORY, MILLICPUS, PIDS, IMAGES, IMAGE_BYTES, MEASURE_COUNT };
static const struct {
    const char *what, *part; /* of the grant that bounds it */
    const char *field;       /* of an index entry; NULL: each counts one */
} measures[MEASURE_COUNT] = {
    [CONTAINERS] = {"containers", NULL, NULL},
    [MEMORY] = {"memory", "total", "memory"},
    [MILLICPUS] = {"millicpus", "total", "millicpus"},
    [PIDS] = {"pids", "total", "pids"},
    [IMAGES] = {"images_kept", NULL, NULL},
    [IMAGE_BYTES] = {"image_bytes", NULL, "bytes"},
};

/* As the store counts them (dcm_1_reserve, dcm_1_image_reserve): what is reserved counts, until
 * that has run out. */
static int add_used(struct mailbox *mailbox, const char *user, enum user_key of, enum measure first,
                    enum measure last, json_int_t used[MEASURE_COUNT], struct error *err)
{
    char key[KEY_SIZE];
    json_auto_t *texts = NULL;
    int64_t now = timestamp_now();

    key_of_user(key, of, user, NULL);
    if (redis_link_text(mailbox->link, &texts, err, "HVALS", key, NULL) == -1)
        return -1;
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const char *text = json_string_value(json_array_get(texts, i));
        json_auto_t *entry = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
        const json_t *image = json_object_get(entry, "image");
        json_int_t until = number_at(entry, "until");
        if (!json_is_object(entry) || (until != 0 && until <= now))
            continue;
        for (enum measure measure = first; measure <= last; measure++) {
            const char *field = measures[measure].field;
            const json_t *number = field ? json_object_get(image ? image : entry, field) : NULL;
            used[measure] += field ? json_integer_value(number) : 1;
        }
    }
    return 0;
}

static void set_used(json_t *grant, const json_int_t used[MEASURE_COUNT])
{
    const char *what = text_at(grant, "what");
    const char *part = text_at(grant, "part");

    for (enum measure measure = 0; measure < MEASURE_COUNT; measure++) {
        const char *wanted = measures[measure].part;
        bool is_part = wanted ? part && strcmp(part, wanted) == 0 : !part;
        if (is_part && strcmp(what, measures[measure].what) == 0)
            json_object_set_new(grant, "used", json_integer(used[measure]));
    }
}

/* ---- granted ---- */

/* server → text, of the user or of EVERYBODY; the later one counts. */
static int read_limits(struct mailbox *mailbox, const char *user, json_t *by_server,
                       struct error *err)
{
    char key[KEY_SIZE];
    json_auto_t *reply = NULL;

    key_of_user(key, KEY_LIMITS, user, NULL);
    if (redis_link_text(mailbox->link, &reply, err, "HGETALL", key, NULL) == -1)
        return -1;
    for (size_t i = 0; i + 1 < json_array_size(reply); i += 2) {
        const char *server = json_string_value(json_array_get(reply, i));
        if (name_is_server(server))
            json_object_set(by_server, server, json_array_get(reply, i + 1));
    }
    return 0;
}

/* One that a newer server wrote and this version does not know is left out. */
static void add_limits(json_t *list, const char *server, const char *text,
                       const json_int_t used[MEASURE_COUNT])
{
    json_auto_t *grants = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;

    for (size_t i = 0; i < json_array_size(grants); i++) {
        json_t *grant = json_array_get(grants, i);
        if (grant_check(grant, NULL) == -1)
            continue;
        set_used(grant, used);
        json_array_append_new(list, json_pack("{s:s, s:O}", "server", server, "grant", grant));
    }
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The keys of an object in order; borrowed texts, the array is the caller's to free. */
static const char **sorted_keys(json_t *object)
{
    const char **keys = calloc(json_object_size(object) + 1, sizeof(char *));
    size_t count = 0;
    const char *key;
    json_t *unused;

    if (!keys)
        return NULL;
    json_object_foreach(object, key, unused) keys[count++] = key;
    qsort(keys, count, sizeof(char *), compare_names);
    return keys;
}

int mailbox_list_limits(struct mailbox *mailbox, const char *user, json_t **ret_list,
                        struct error *err)
{
    json_auto_t *by_server = json_object(), *list = json_array();
    json_int_t used[MEASURE_COUNT] = {0};

    if (read_limits(mailbox, EVERYBODY, by_server, err) == -1 ||
        read_limits(mailbox, user, by_server, err) == -1 ||
        add_used(mailbox, user, KEY_CONTAINERS, CONTAINERS, PIDS, used, err) == -1 ||
        add_used(mailbox, user, KEY_IMAGES, IMAGES, IMAGE_BYTES, used, err) == -1)
        return -1;
    const char **servers = sorted_keys(by_server);
    if (!servers)
        return fail(err, FAULT_INTERNAL, "out of memory");
    for (size_t i = 0; servers[i]; i++)
        add_limits(list, servers[i], text_at(by_server, servers[i]), used);
    free(servers);
    *ret_list = TAKE(list);
    return 0;
}
