/* Many commands, one round trip. */
#include "common/redis_internal.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"

static int send_all(struct redis_link *link, const struct redis_command *commands, size_t count,
                    bool functions, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        size_t argc = commands[i].argc;
        const char **argv = calloc(argc + 1, sizeof(*argv));
        if (!argv) {
            redis_disconnect(link); /* what has been appended must not be sent */
            return fail(err, FAULT_INTERNAL, "out of memory");
        }
        argv[0] = "FCALL";
        memcpy(argv + 1, commands[i].argv, argc * sizeof(*argv));
        int status = redisAppendCommandArgv(link->context, (int)(functions ? argc + 1 : argc),
                                            functions ? argv : argv + 1, NULL);
        free(argv);
        if (status != REDIS_OK)
            return redis_fail_connection(link, err);
    }
    return 0;
}

int redis_link_tell(struct redis_link *link, const struct redis_command *call, struct error *err)
{
    int done = 0;

    if (redis_ensure_connected(link, err) < 0)
        return -1;
    if (!link->has_functions) {
        int result = redis_link_function(link, call->argc, call->argv, NULL, err);
        link->has_functions = result == 0 && link->context;
        return result;
    }
    if (send_all(link, call, 1, true, err) < 0)
        return -1;
    while (!done)
        if (redisBufferWrite(link->context, &done) != REDIS_OK)
            return redis_fail_connection(link, err);
    link->owed++;
    return 0;
}

/* All replies are read also when one is an error: the next command's would be taken for it. */
static int read_all(struct redis_link *link, size_t count, json_t *replies, struct error *err)
{
    struct error first = {.fault = FAULT_NONE};

    for (size_t i = 0; i < count; i++) {
        void *answer = NULL;
        if (redisGetReply(link->context, &answer) != REDIS_OK)
            return redis_fail_connection(link, err);
        AUTO(redis_reply) redisReply *reply = answer;
        if (first.fault != FAULT_NONE)
            continue;
        if (reply->type == REDIS_REPLY_ERROR)
            redis_fail_reply(link, reply->str, &first);
        else if (json_array_append_new(replies, redis_json_from(reply)) < 0)
            fail(&first, FAULT_INTERNAL, "store %s: an answer is not UTF-8 text", link->name);
    }
    if (first.fault != FAULT_NONE && err)
        *err = first;
    return first.fault == FAULT_NONE ? 0 : -1;
}

int redis_exchange_two(struct redis_link *link, const struct redis_command *first,
                       const struct redis_command *then, json_t **ret_first, json_t **ret_then,
                       struct error *err)
{
    json_auto_t *replies = json_array(), *answers = json_array();
    struct error refusal = {.fault = FAULT_NONE};

    if (send_all(link, first, 1, false, err) < 0 ||
        (then && send_all(link, then, 1, false, err) < 0))
        return -1;
    int status = read_all(link, 1, replies, err);
    if (then && link->context) /* or its reply would be taken for the next command's */
        read_all(link, 1, answers, &refusal);
    if (status < 0)
        return -1;
    *ret_first = json_incref(json_array_get(replies, 0));
    if (then && json_array_size(answers) > 0)
        *ret_then = json_incref(json_array_get(answers, 0));
    return 0;
}

static int exchange_all(struct redis_link *link, const struct redis_command *commands, size_t count,
                        bool functions, json_t **ret_replies, struct error *err)
{
    json_auto_t *replies = json_array();

    if (redis_ensure_connected(link, err) < 0 ||
        send_all(link, commands, count, functions, err) < 0 ||
        read_all(link, count, replies, err) < 0)
        return -1;
    if (ret_replies)
        *ret_replies = TAKE(replies);
    return 0;
}

int redis_link_pipeline(struct redis_link *link, const struct redis_command *commands, size_t count,
                        json_t **ret_replies, struct error *err)
{
    return exchange_all(link, commands, count, false, ret_replies, err);
}

int redis_link_pipeline_functions(struct redis_link *link, const struct redis_command *calls,
                                  size_t count, json_t **ret_replies, struct error *err)
{
    struct error first = {.fault = FAULT_NONE};

    if (exchange_all(link, calls, count, true, ret_replies, &first) == 0)
        return 0;
    if (link->functions && strstr(first.text, "Function not found") &&
        redis_load_functions(link, &first) == 0 &&
        exchange_all(link, calls, count, true, ret_replies, &first) == 0)
        return 0;
    if (err)
        *err = first;
    return -1;
}
