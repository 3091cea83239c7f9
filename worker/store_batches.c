/* Who has a queue in the batch class: a hint from server to server, which each one's journal
 * outlasts. So no generation of the store is asked for. */
#include "worker/store_batches.h"

#include <stdlib.h>

#include "schemas/keys.h"
#include "worker/store_private.h"

int store_add_batches(struct store *store, const json_t *users, struct error *err)
{
    size_t count = json_array_size(users);
    if (count == 0)
        return 0;
    const char **argv = calloc(count + 2, sizeof *argv);
    if (!argv)
        return fail(err, FAULT_DEPENDENCY, "out of memory");
    argv[0] = "SADD";
    argv[1] = KEY_BATCHES;
    for (size_t i = 0; i < count; i++)
        argv[i + 2] = json_string_value(json_array_get(users, i));
    int status = redis_link_call(store->link, count + 2, argv, NULL, err);
    free(argv);
    return status;
}

int store_remove_batch(struct store *store, const char *user, struct error *err)
{
    return redis_link_text(store->link, NULL, err, "SREM", KEY_BATCHES, user, NULL);
}

int store_batches(struct store *store, json_t **ret_users, struct error *err)
{
    return redis_link_text(store->link, ret_users, err, "SMEMBERS", KEY_BATCHES, NULL);
}
