#include "worker/store_asked.h"

#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "schemas/keys.h"
#include "schemas/result.h"
#include "worker/store_private.h"

#define ASKED_SIZE (USER_NAME_MAX + 1 + IDENTIFIER_SIZE)

/* Not guarded, and no change that counts: a question that a store has lost is asked again. */
int store_ask_holder(struct store *store, const struct request *request, const char *holder,
                     struct error *err)
{
    char key[KEY_SIZE], text[ASKED_SIZE];
    if (!name_is_server(holder))
        return 0; /* a publisher has written that: nobody can be asked */
    key_of_server(key, KEY_ASKED, holder);
    snprintf(text, sizeof(text), "%s %s", request->user, request->id);
    return redis_link_text(store->link, NULL, err, "SADD", key, text, NULL);
}

int store_asked(struct store *store, json_t **ret_asked, struct error *err)
{
    char key[KEY_SIZE];
    key_of_server(key, KEY_ASKED, store->server);
    return redis_link_text(store->link, ret_asked, err, "SMEMBERS", key, NULL);
}

int store_asked_read(const char *text, char ret_user[USER_NAME_MAX + 1],
                     char ret_id[IDENTIFIER_SIZE])
{
    size_t length = text ? strcspn(text, " ") : 0;
    if (length == 0 || length > USER_NAME_MAX || text[length] == '\0' ||
        !identifier_is_valid(text + length + 1))
        return -1;
    snprintf(ret_user, USER_NAME_MAX + 1, "%.*s", (int)length, text);
    snprintf(ret_id, IDENTIFIER_SIZE, "%s", text + length + 1);
    return name_is_user(ret_user) ? 0 : -1;
}

int store_forget_asked(struct store *store, const char *text, struct error *err)
{
    char key[KEY_SIZE];
    key_of_server(key, KEY_ASKED, store->server);
    return redis_link_text(store->link, NULL, err, "SREM", key, text, NULL);
}

static bool is_at(const json_t *fields, size_t index, const char *text)
{
    const char *found = json_string_value(json_array_get(fields, index));
    return found && strcmp(found, text) == 0;
}

int store_held(struct store *store, const char *user, const char *id, struct held *ret_held,
               struct error *err)
{
    char key[KEY_SIZE];
    json_auto_t *fields = NULL;
    AUTO(held) struct held held = {0};
    key_of_user(key, KEY_REQUEST, user, id);
    if (redis_link_text(store->link, &fields, err, "HMGET", key, "state", "server", "op", "epoch",
                        "result", NULL))
        return -1;
    const char *epoch = json_string_value(json_array_get(fields, 3));
    const char *text = json_string_value(json_array_get(fields, 4));
    if (!is_at(fields, 0, "running") || !is_at(fields, 1, store->server) ||
        op_from_name(json_string_value(json_array_get(fields, 2)), &held.op) < 0 || !epoch ||
        !text || result_decode(text, &held.result, NULL) < 0)
        return fail(err, FAULT_NOT_FOUND, "this server does not hold request %s", id);
    snprintf(held.epoch, sizeof(held.epoch), "%s", epoch);
    *ret_held = held;
    held.result = NULL;
    return 0;
}

int store_unclaim(struct store *store, const char *user, const char *id, struct held *held,
                  struct error *err)
{
    char record[KEY_SIZE];
    json_object_set_new(held->result, "state", json_string("queued"));
    json_object_set_new(held->result, "server", json_null());
    AUTO(string) char *text = store_text(held->result, err);
    if (!text)
        return -1;
    key_of_user(record, KEY_REQUEST, user, id);
    struct store_call call = {
        .function = "unclaim", .keys = {record}, .arguments = {store->server, held->epoch, text}};
    return store_call(store, &call, NULL, err);
}
