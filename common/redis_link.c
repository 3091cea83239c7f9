/* Calls, functions, streams; replies become JSON. */
#include "common/redis_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"

#define MOST_TEXT_ARGUMENTS 32
#define STREAM_COUNT "256" /* entries in one answer */

static json_t *json_from_array(const redisReply *reply)
{
    json_auto_t *array = json_array();

    for (size_t i = 0; i < reply->elements; i++) {
        json_t *value = redis_json_from(reply->element[i]);
        if (json_array_append_new(array, value ? value : json_null()) < 0)
            return NULL;
    }
    return TAKE(array);
}

/* NULL for what is no UTF-8 text; within an array it is null, and hides nothing else. hiredis
 * limits the depth of arrays itself. */
json_t *redis_json_from(const redisReply *reply) // NOLINT(misc-no-recursion)
{
    switch (reply->type) {
    case REDIS_REPLY_INTEGER:
        return json_integer(reply->integer);
    case REDIS_REPLY_NIL:
        return json_null();
    case REDIS_REPLY_ARRAY:
        return json_from_array(reply);
    default: /* bulk strings, status lines, and errors within an array */
        return json_stringn(reply->str, reply->len);
    }
}

int redis_link_call(struct redis_link *link, size_t argc, const char *const argv[],
                    json_t **ret_reply, struct error *err)
{
    if (redis_ensure_connected(link, err) < 0)
        return -1;

    AUTO(redis_reply) redisReply *reply = redis_exchange(link, argc, argv, err);
    if (!reply)
        return -1;
    if (!ret_reply)
        return 0;

    json_t *value = redis_json_from(reply);
    if (!value)
        return fail(err, FAULT_INTERNAL, "store %s: the answer to %s is not UTF-8 text", link->name,
                    argv[0]);
    *ret_reply = value;
    return 0;
}

int redis_load_functions(struct redis_link *link, struct error *err)
{
    /* REPLACE: another process may be doing the same at this moment. */
    if (redis_link_text(link, NULL, err, "FUNCTION", "LOAD", "REPLACE", link->functions, NULL) < 0)
        return fail_while(err, "loading the store's functions");
    return 0;
}

int redis_link_function(struct redis_link *link, size_t argc, const char *const argv[],
                        json_t **ret_reply, struct error *err)
{
    const char **command = calloc(argc + 1, sizeof(*command));
    struct error first = {.fault = FAULT_NONE};
    int result;

    if (!command)
        return fail(err, FAULT_INTERNAL, "out of memory");
    command[0] = "FCALL";
    memcpy(command + 1, argv, argc * sizeof(*argv));

    result = redis_link_call(link, argc + 1, command, ret_reply, &first);
    if (result < 0 && link->functions && strstr(first.text, "Function not found")) {
        result = redis_load_functions(link, &first);
        if (result == 0)
            result = redis_link_call(link, argc + 1, command, ret_reply, &first);
    }
    if (result < 0 && err)
        *err = first;
    free(command);
    return result;
}

int redis_link_text(struct redis_link *link, json_t **ret_reply, struct error *err, ...)
{
    const char *command[MOST_TEXT_ARGUMENTS];
    size_t count = 0;
    const char *argument;
    va_list arguments;

    va_start(arguments, err);
    while ((argument = va_arg(arguments, const char *)) && count < MOST_TEXT_ARGUMENTS)
        command[count++] = argument;
    va_end(arguments);
    if (argument)
        return fail(err, FAULT_INTERNAL, "more than %d arguments for the store",
                    MOST_TEXT_ARGUMENTS);
    return redis_link_call(link, count, command, ret_reply, err);
}

/* [[stream, [entry, …]]], or null when nothing came. */
static json_t *entries_of(const json_t *reply)
{
    json_t *entries = json_array_get(json_array_get(reply, 0), 1);
    return entries ? json_incref(entries) : json_array();
}

struct reading {
    char wait[16];
    const char *argv[9];
    struct redis_command command;
};

static void plan_reading(struct reading *reading, const char *stream, const char *after,
                         int wait_ms)
{
    size_t argc = 0;

    reading->argv[argc++] = "XREAD";
    reading->argv[argc++] = "COUNT";
    reading->argv[argc++] = STREAM_COUNT;
    if (wait_ms > 0) { /* BLOCK 0 would wait for ever */
        snprintf(reading->wait, sizeof(reading->wait), "%d", wait_ms);
        reading->argv[argc++] = "BLOCK";
        reading->argv[argc++] = reading->wait;
    }
    reading->argv[argc++] = "STREAMS";
    reading->argv[argc++] = stream;
    reading->argv[argc++] = after;
    reading->command = (struct redis_command){argc, reading->argv};
}

int redis_link_read_stream(struct redis_link *link, const char *stream, const char *after,
                           int wait_ms, json_t **ret_entries, struct error *err)
{
    return redis_link_read_stream_then(link, stream, after, wait_ms, NULL, ret_entries, NULL, err);
}

int redis_link_read_stream_then(struct redis_link *link, const char *stream, const char *after,
                                int wait_ms, const struct redis_command *then, json_t **ret_entries,
                                json_t **ret_answer, struct error *err)
{
    json_auto_t *reply = NULL;
    struct reading reading;

    if (redis_ensure_connected(link, err) < 0)
        return -1;
    plan_reading(&reading, stream, after, wait_ms);
    if (wait_ms > 0)
        redisSetTimeout(link->context, redis_milliseconds(link->timeout_ms + wait_ms));
    int result = redis_exchange_two(link, &reading.command, then, &reply, ret_answer, err);
    if (wait_ms > 0 && link->context)
        redisSetTimeout(link->context, redis_milliseconds(link->timeout_ms));
    if (result == 0)
        *ret_entries = entries_of(reply);
    return result;
}
