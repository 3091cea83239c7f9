/*
 * What the files of redis_link share, and nobody else includes:
 *
 *   redis_connect.c  addresses, connecting, logging in; one command and its failures
 *   redis_tls.c      TLS, where hiredis has it
 *   redis_link.c     calls, functions, streams; replies → JSON
 *   redis_pipeline.c many commands in one round trip
 */
#ifndef DCM_COMMON_REDIS_INTERNAL_H
#define DCM_COMMON_REDIS_INTERNAL_H

#include <hiredis/hiredis.h>
#include <stdbool.h>

#include "common/redis_link.h"
#include "common/url.h"

struct redis_link {
    struct url url;
    bool tls;
    char name[128]; /* for messages: no credentials */
    int timeout_ms;
    const char *functions;
    redisContext *context; /* NULL while unconnected */
    size_t owed;           /* replies of that connection that nobody waits for */
    bool has_functions;    /* that connection's server has answered a call of one */
};

static inline void auto_redis_reply(redisReply **slot)
{
    if (*slot)
        freeReplyObject(*slot);
}

void redis_disconnect(struct redis_link *link);
struct timeval redis_milliseconds(int ms);

/* What an error reply says, in words. Returns -1. */
int redis_fail_reply(const struct redis_link *link, const char *text, struct error *err);
/* A context that failed is finished: disconnects, and returns -1. */
int redis_fail_connection(struct redis_link *link, struct error *err);

/* NULL for what is no UTF-8 text. New reference. */
json_t *redis_json_from(const redisReply *reply);
/* Have the server know our functions. */
int redis_load_functions(struct redis_link *link, struct error *err);

/* Connect, with AUTH and SELECT, unless the connection that is there is sound. What it owed has
 * been read then. */
int redis_ensure_connected(struct redis_link *link, struct error *err);

/* redis_tls.c: can this build do it at all? FAULT_INVALID. And on a connection that is new. */
int redis_check_tls(struct error *err);
int redis_begin_tls(struct redis_link *link, struct error *err);

/* One command on a link that is connected. NULL, and *err, for failures and error replies. */
redisReply *redis_exchange(struct redis_link *link, size_t argc, const char *const argv[],
                           struct error *err);
/* redis_pipeline.c: the same with another one behind it (NULL: none), of which an error is no
 * failure: *ret_then is NULL then. */
int redis_exchange_two(struct redis_link *link, const struct redis_command *first,
                       const struct redis_command *then, json_t **ret_first, json_t **ret_then,
                       struct error *err);

#endif
