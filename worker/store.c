#include "worker/store_containers.h"
#include "worker/store_keeper.h"
#include "worker/store_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/keys.h"

#define TIMEOUT_MS 5000
#define FACTS_MAX 16 /* of one heartbeat */

static int prepare(struct store *store, const char *url, const char *server, struct error *err)
{
    store->url = strdup(url);
    store->server = strdup(server);
    if (!store->url || !store->server)
        return fail(err, FAULT_INTERNAL, "out of memory");
    if (!store->mark) {
        store->owns_mark = true;
        if (watermark_new(&store->mark, err) < 0)
            return -1;
    }
    struct redis_link_options options = {
        .url = store->url,
        .timeout_ms = TIMEOUT_MS,
        .functions = store_functions,
    };
    return redis_link_new(&options, &store->link, err);
}

int store_new(const char *url, const char *server, struct watermark *mark, struct store **ret_store,
              struct error *err)
{
    struct store *store = calloc(1, sizeof(*store));
    if (!store)
        return fail(err, FAULT_INTERNAL, "out of memory");
    store->mark = mark;
    if (prepare(store, url, server, err)) {
        store_free(store);
        return -1;
    }
    *ret_store = store;
    return 0;
}

void store_free(struct store *store)
{
    if (!store)
        return;
    redis_link_free(store->link);
    if (store->owns_mark)
        watermark_free(store->mark);
    free(store->url);
    free(store->server);
    free(store);
}

char *store_text(const json_t *document, struct error *err)
{
    char *text = json_dumps(document, JSON_COMPACT);
    if (!text)
        fail(err, FAULT_INTERNAL, "cannot write a document for the store");
    return text;
}

int store_call_containers_raw(struct store *store, const struct containers_call *about,
                              json_t **ret_reply, struct error *err)
{
    char containers[KEY_SIZE];
    char ports[KEY_SIZE];
    char leased[KEY_SIZE];
    char subnets[KEY_SIZE];
    char users[KEY_SIZE];
    key_of_user(containers, KEY_CONTAINERS, about->user, NULL);
    key_of_server(ports, KEY_PORTS, store->server);
    key_of_server(leased, KEY_LEASED, store->server);
    key_of_server(subnets, KEY_SUBNETS, store->server);
    key_of_server(users, KEY_USERS, store->server);
    struct store_call call = {
        .function = about->function,
        .keys = {containers, ports, leased, subnets, users},
        .arguments = {about->user, store->server, about->request_id ? about->request_id : "",
                      about->first, about->second, about->third, about->fourth},
    };
    return store_call(store, &call, ret_reply, err);
}

int store_call_containers(struct store *store, const struct containers_call *call,
                          json_t **ret_answer, struct error *err)
{
    json_auto_t *reply = NULL;
    if (store_call_containers_raw(store, call, &reply, err))
        return -1;
    return store_read_answer(call->function, reply, ret_answer, err);
}

int store_read_answer(const char *function, const json_t *reply, json_t **ret_answer,
                      struct error *err)
{
    const char *text = json_string_value(reply);
    json_auto_t *answer = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (!json_is_object(answer))
        return fail(err, FAULT_INTERNAL, "the store's %s gave no answer", function);
    if (json_object_get(answer, "refused"))
        return store_refuse(answer, err);
    if (ret_answer)
        *ret_answer = TAKE(answer);
    return 0;
}

static int parse_entry(const json_t *text, const char *user, json_t **ret_entry, struct error *err)
{
    json_t *entry = json_is_string(text)
                        ? json_loads(json_string_value(text), JSON_REJECT_DUPLICATES, NULL)
                        : NULL;
    if (!json_is_object(entry)) {
        json_decref(entry);
        return fail(err, FAULT_INTERNAL, "the index of %s holds an entry that is no object", user);
    }
    *ret_entry = entry;
    return 0;
}

static int find_by_name(struct store *store, const char *key, const char *user, const char *name,
                        json_t **ret_entry, struct error *err)
{
    json_auto_t *text = NULL;
    if (redis_link_text(store->link, &text, err, "HGET", key, name, NULL))
        return -1;
    if (json_is_null(text))
        return fail(err, FAULT_NOT_FOUND, "you have no container %s: see ps", name);
    return parse_entry(text, user, ret_entry, err);
}

static int find_by_port(struct store *store, const char *key, const char *user, const char *port,
                        json_t **ret_entry, struct error *err)
{
    json_auto_t *texts = NULL;
    if (redis_link_text(store->link, &texts, err, "HVALS", key, NULL))
        return -1;
    long wanted = strtol(port, NULL, 10);
    for (size_t i = 0; i < json_array_size(texts); i++) {
        json_auto_t *entry = NULL;
        if (parse_entry(json_array_get(texts, i), user, &entry, err))
            return -1;
        if (number_at(entry, "ssh_port") == wanted) {
            *ret_entry = TAKE(entry);
            return 0;
        }
    }
    return fail(err, FAULT_NOT_FOUND, "you have no container with SSH port %s: see ps", port);
}

int store_container(struct store *store, const char *user, const char *reference,
                    json_t **ret_entry, struct error *err)
{
    char key[KEY_SIZE];
    key_of_user(key, KEY_CONTAINERS, user, NULL);
    bool is_port = reference[0] >= '0' && reference[0] <= '9'; /* names begin with a letter */
    return (is_port ? find_by_port : find_by_name)(store, key, user, reference, ret_entry, err);
}

/* Add one user's entries here to the array. */
static int add_entries(struct store *store, const char *user, json_t *entries, struct error *err)
{
    struct containers_call call = {.function = "entries", .user = user};
    json_auto_t *texts = NULL;
    if (store_call_containers_raw(store, &call, &texts, err))
        return -1;
    for (size_t i = 0; i < json_array_size(texts); i++) {
        json_auto_t *entry = NULL;
        if (parse_entry(json_array_get(texts, i), user, &entry, err))
            return -1;
        if (json_object_set_new(entry, "user", json_string(user)) ||
            json_array_append(entries, entry))
            return fail(err, FAULT_INTERNAL, "out of memory");
    }
    return 0;
}

int store_containers_of_server(struct store *store, json_t **ret_entries, struct error *err)
{
    char key[KEY_SIZE];
    key_of_server(key, KEY_USERS, store->server);
    json_auto_t *users = NULL;
    if (redis_link_text(store->link, &users, err, "SMEMBERS", key, NULL))
        return -1;
    json_auto_t *entries = json_array();
    for (size_t i = 0; i < json_array_size(users); i++)
        if (add_entries(store, json_string_value(json_array_get(users, i)), entries, err))
            return -1;
    *ret_entries = TAKE(entries);
    return 0;
}

int store_heartbeat(struct store *store, const json_t *facts, struct error *err)
{
    char key[KEY_SIZE];
    char numbers[FACTS_MAX][24];
    key_of_server(key, KEY_SERVER, store->server);
    struct store_call call = {
        .function = "heartbeat", .keys = {KEY_SERVERS, key}, .arguments = {store->server}};
    size_t argc = 1;

    /* jansson iterates only over what it might change. */
    json_auto_t *copy = json_deep_copy(facts);
    if (json_object_size(copy) > FACTS_MAX)
        return fail(err, FAULT_INTERNAL, "more than %d facts in a heartbeat", FACTS_MAX);
    const char *name = NULL;
    json_t *value = NULL;
    size_t count = 0;
    json_object_foreach(copy, name, value)
    {
        char *number = numbers[count++];
        snprintf(number, sizeof(numbers[0]), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        call.arguments[argc++] = name;
        call.arguments[argc++] = json_is_string(value) ? json_string_value(value) : number;
    }
    return store_call(store, &call, NULL, err);
}
