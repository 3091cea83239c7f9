/*
 * A blocking connection to Redis: the only user of hiredis.
 *
 * Replies come as JSON values (bulk and status strings → string, integers → integer, nil → null,
 * arrays → array): everything that DCM stores is JSON or ASCII, and null in an array what is not. A
 * broken connection is replaced at the next call, with AUTH and SELECT applied again in one place.
 * A call that failed with FAULT_DEPENDENCY may or may not have run: every function that we store is
 * safe to repeat.
 */
#ifndef DCM_COMMON_REDIS_LINK_H
#define DCM_COMMON_REDIS_LINK_H

#include <jansson.h>
#include <stddef.h>

#include "common/error.h"

struct redis_link;

struct redis_link_options {
    const char *url; /* redis://[user:password@]host[:port][/db], rediss:// (TLS) or unix:///path;
                        borrowed */
    int timeout_ms;  /* for connecting and for each reply */
    const char *
        functions; /* a Lua function library, loaded when the server misses it; or NULL. Borrowed */
};

/* Does not connect yet. FAULT_INVALID for an ill-formed URL. */
int redis_link_new(const struct redis_link_options *options, struct redis_link **ret_link,
                   struct error *err);
void redis_link_free(struct redis_link *link); /* accepts NULL */
static inline void auto_redis_link(struct redis_link **slot)
{
    redis_link_free(*slot);
}

/* Send one command and wait for its reply. Arguments are text; they never pass through a format.
 * FAULT_DEPENDENCY: out of reach, loading, read-only or out of memory; FAULT_INTERNAL: any other
 * error reply. ret_reply may be NULL. */
int redis_link_call(struct redis_link *link, size_t argc, const char *const argv[],
                    json_t **ret_reply, struct error *err);

/* The same for FCALL: "Function not found" loads the library and tries again, once.
 * argv is {function, number of keys, key…, argument…}. */
int redis_link_function(struct redis_link *link, size_t argc, const char *const argv[],
                        json_t **ret_reply, struct error *err);

struct redis_command {
    size_t argc;
    const char *const *argv;
};
/* Send all commands, then read all replies: one round trip. *ret_replies is an array in their
 * order; it may be NULL. An error reply fails the call, once all have been read. */
int redis_link_pipeline(struct redis_link *link, const struct redis_command *commands, size_t count,
                        json_t **ret_replies, struct error *err);
/* The same for FCALL, as redis_link_function takes it: where the library is missing, all of them
 * are sent again. */
int redis_link_pipeline_functions(struct redis_link *link, const struct redis_command *calls,
                                  size_t count, json_t **ret_replies, struct error *err);

/* The same with one FCALL, without waiting: its reply is read before the next command, and dropped.
 * Whether it has been done nobody learns; what comes after it finds it done, or lost. The first on
 * a connection is waited for, lest all be lost where the library is missing. */
int redis_link_tell(struct redis_link *link, const struct redis_command *call, struct error *err);

/* XREAD BLOCK on one stream from after the entry `*after` (an id of at most 31 characters), for at
 * most wait_ms beyond the link's own timeout. The reply is an array of [id, [field, value, …]];
 * empty when nothing came. */
int redis_link_read_stream(struct redis_link *link, const char *stream, const char *after,
                           int wait_ms, json_t **ret_entries, struct error *err);
/* And what another command then answers, in the same round trip: `then` goes along, and is run when
 * the waiting is over. *ret_answer stays NULL where its reply is an error. */
int redis_link_read_stream_then(struct redis_link *link, const char *stream, const char *after,
                                int wait_ms, const struct redis_command *then, json_t **ret_entries,
                                json_t **ret_answer, struct error *err);

/* NULL-terminated convenience for fixed commands: redis_link_text(link, &reply, err, "GET", key,
 * NULL). */
int redis_link_text(struct redis_link *link, json_t **ret_reply, struct error *err, ...)
    __attribute__((sentinel));

#endif
