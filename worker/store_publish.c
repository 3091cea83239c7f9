/* What users' programs read of the policy without asking: each server's word of it. */
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "schemas/keys.h"
#include "worker/store_keeper.h"
#include "worker/store_private.h"

/* One hash each, of server → JSON, under every user's own keys. */
static const struct {
    const char *part; /* of what is published for a user */
    enum user_key key;
} parts[] = {
    {"granted", KEY_GRANTED},
    {"limits", KEY_LIMITS},
};
#define PARTS COUNT(parts)

/* Read first: it is asked often and changes rarely, and a store that lost it gets it again. */
static int publish_part(struct store *store, const char *key, const json_t *part, struct error *err)
{
    json_auto_t *known = NULL;
    AUTO(string) char *text = store_text(part, err);
    if (!text || redis_link_text(store->link, &known, err, "HGET", key, store->server, NULL))
        return -1;
    if (json_is_string(known) && strcmp(json_string_value(known), text) == 0)
        return 0;
    return redis_link_text(store->link, NULL, err, "HSET", key, store->server, text, NULL);
}

/* The set first: who is not in it is not withdrawn from. */
static int publish(struct store *store, const char *users, const char *user, bool known,
                   const json_t *published, struct error *err)
{
    char key[KEY_SIZE];
    if (!known && redis_link_text(store->link, NULL, err, "SADD", users, user, NULL))
        return -1;
    for (size_t i = 0; i < PARTS; i++) {
        key_of_user(key, parts[i].key, user, NULL);
        if (publish_part(store, key, json_object_get(published, parts[i].part), err))
            return -1;
    }
    return 0;
}

static int withdraw(struct store *store, const char *users, const char *user, struct error *err)
{
    char key[KEY_SIZE];
    for (size_t i = 0; i < PARTS; i++) {
        key_of_user(key, parts[i].key, user, NULL);
        if (redis_link_text(store->link, NULL, err, "HDEL", key, store->server, NULL))
            return -1;
    }
    return redis_link_text(store->link, NULL, err, "SREM", users, user, NULL);
}

int store_publish(struct store *store, json_t *published, struct error *err)
{
    char users[KEY_SIZE];
    json_auto_t *members = NULL;
    json_auto_t *known = json_object();
    const char *user = NULL;
    json_t *facts = NULL;
    key_of_server(users, KEY_PUBLISHED, store->server);
    if (redis_link_text(store->link, &members, err, "SMEMBERS", users, NULL))
        return -1;
    for (size_t i = 0; i < json_array_size(members); i++) {
        user = json_string_value(json_array_get(members, i));
        if (!user)
            continue;
        json_object_set_new(known, user, json_true());
        if (!json_object_get(published, user) && withdraw(store, users, user, err))
            return -1;
    }
    json_object_foreach(published, user, facts)
    {
        bool is_known = json_object_get(known, user) != NULL;
        if (publish(store, users, user, is_known, facts, err))
            return -1;
    }
    return 0;
}
