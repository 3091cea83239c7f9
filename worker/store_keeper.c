/* What the keeper reads and drops of this server's leases (schemas/store/90_keeper.lua). */
#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "schemas/keys.h"
#include "worker/store_keeper.h"
#include "worker/store_private.h"

/* A hash of this server's as an object of texts. */
static int read_hash(struct store *store, enum server_key which, json_t **ret_object,
                     struct error *err)
{
    char key[KEY_SIZE];
    json_auto_t *reply = NULL;
    json_t *object = json_object();
    key_of_server(key, which, store->server);
    if (redis_link_text(store->link, &reply, err, "HGETALL", key, NULL)) {
        json_decref(object);
        return -1;
    }
    for (size_t i = 0; i + 1 < json_array_size(reply); i += 2)
        json_object_set(object, json_string_value(json_array_get(reply, i)),
                        json_array_get(reply, i + 1));
    *ret_object = object;
    return 0;
}

int store_subnets(struct store *store, json_t **ret_subnets, struct error *err)
{
    return read_hash(store, KEY_SUBNETS, ret_subnets, err);
}

int store_leases(struct store *store, json_t **ret_leases, struct error *err)
{
    json_auto_t *texts = NULL;
    json_auto_t *all = json_object();
    const char *port = NULL;
    json_t *text = NULL;
    if (read_hash(store, KEY_PORTS, &texts, err))
        return -1;
    json_object_foreach(texts, port, text)
    {
        json_t *leases = json_loads(json_string_value(text), JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(leases)) {
            json_decref(leases);
            return fail(err, FAULT_INTERNAL, "the lease of port %s is no object", port);
        }
        json_object_set_new(all, port, leases);
    }
    *ret_leases = TAKE(all);
    return 0;
}

int store_drop_lease(struct store *store, const char *user, const char *name,
                     const char *request_id, const char *port, const char *address,
                     struct error *err)
{
    char protocol[8];
    size_t length = strcspn(port, "/");
    snprintf(protocol, sizeof protocol, "%.*s", (int)length, port);
    struct containers_call call = {
        .function = "drop_lease",
        .user = user,
        .request_id = request_id,
        .first = name,
        .second = protocol,
        .third = port + length + (port[length] == '/'),
        .fourth = address,
    };
    return store_call_containers(store, &call, NULL, err);
}
