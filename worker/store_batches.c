/* Who has a queue in the batch class: a hint from server to server, which each one's journal
 * outlasts. So no generation of the store is asked for. */
#include "worker/store_batches.h"
#include "common/auto.h"
#include "schemas/keys.h"
#include "worker/store_private.h"

int store_add_batch(struct store *store, const char *user, struct error *err)
{
    return redis_link_text(store->link, NULL, err, "SADD", KEY_BATCHES, user, NULL);
}

int store_remove_batch(struct store *store, const char *user, struct error *err)
{
    return redis_link_text(store->link, NULL, err, "SREM", KEY_BATCHES, user, NULL);
}

int store_batches(struct store *store, json_t **ret_users, struct error *err)
{
    return redis_link_text(store->link, ret_users, err, "SMEMBERS", KEY_BATCHES, NULL);
}
