#include "common/redis_link.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/url.h"

#define DEFAULT_PORT 6379
#define MOST_TEXT_ARGUMENTS 32
#define STREAM_COUNT "256" /* entries in one answer */

struct redis_link {
    struct url url;
    char name[128]; /* for messages: no credentials */
    int timeout_ms;
    const char *functions;
    redisContext *context; /* NULL while unconnected */
};

static void auto_reply(redisReply **slot)
{
    if (*slot)
        freeReplyObject(*slot);
}

/* What Redis says, as the first words of an error reply, about itself rather than about the
 * command: worth another try once somebody has done something about it. */
static const struct {
    const char *prefix;
    const char *advice;
} conditions[] = {
    {"LOADING", "it is still loading its data: wait"},
    {"BUSY ", "a script holds it up: SCRIPT KILL or FUNCTION KILL"},
    {"READONLY", "it is a replica: name the primary in the configuration"},
    {"MASTERDOWN", "its primary is down: bring that back, or promote a replica"},
    {"OOM", "its memory is full: raise maxmemory"},
    {"MISCONF", "it cannot save to its disk: see its log"},
    {"NOREPLICAS", "too few replicas follow it: see min-replicas-to-write"},
    {"NOAUTH", "it wants a user and a password: put them into the URL"},
    {"WRONGPASS", "it refuses our user or password: mend the URL"},
    {"NOPERM", "our account lacks a permission: see ACL SETUSER"},
    {"ERR max number of clients", "it has too many clients: raise maxclients"},
};

static int fail_by_reply(const struct redis_link *link, const char *text, struct error *err)
{
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
        if (strncmp(text, conditions[i].prefix, strlen(conditions[i].prefix)) == 0)
            return fail(err, FAULT_DEPENDENCY, "store %s: %s (%s)", link->name,
                        conditions[i].advice, text);
    return fail(err, FAULT_INTERNAL, "store %s: %s", link->name, text);
}

static void disconnect(struct redis_link *link)
{
    if (link->context)
        redisFree(link->context);
    link->context = NULL;
}

/* A context that failed is finished. */
static int fail_connection(struct redis_link *link, struct error *err)
{
    const redisContext *context = link->context;
    enum fault fault = FAULT_DEPENDENCY;
    const char *why = context ? context->errstr : "out of memory";

    if (context && context->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK))
        why = "no answer in time";
    else if (context && context->err == REDIS_ERR_PROTOCOL)
        fault = FAULT_INTERNAL; /* what talks there is no Redis that we understand */
    fail(err, fault, "store %s: %s", link->name, why);
    disconnect(link);
    return -1;
}

static struct timeval milliseconds(int ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000L};
}

/* One command on a context that is there. NULL, and *err, for failures and error replies. */
static redisReply *exchange(struct redis_link *link, size_t argc, const char *const argv[],
                            struct error *err)
{
    /* hiredis lacks a const; it only reads. */
    const char **arguments = (const char **)(uintptr_t)argv;
    AUTO(reply) redisReply *reply = redisCommandArgv(link->context, (int)argc, arguments, NULL);

    if (!reply) {
        fail_connection(link, err);
        return NULL;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        fail_by_reply(link, reply->str, err);
        return NULL;
    }
    return TAKE(reply);
}

/* AUTH or SELECT. Whatever is wrong with these is wrong with the store or the URL. */
static int prepare(struct redis_link *link, size_t argc, const char *const argv[],
                   struct error *err)
{
    AUTO(reply) redisReply *reply = exchange(link, argc, argv, err);

    if (reply)
        return 0;
    if (err)
        err->fault = FAULT_DEPENDENCY;
    disconnect(link);
    return -1;
}

static int log_in(struct redis_link *link, struct error *err)
{
    const struct url *url = &link->url;
    bool names_user = url->user && url->user[0];

    if (url->password) {
        const char *with_user[] = {"AUTH", url->user, url->password};
        const char *without[] = {"AUTH", url->password};
        if (prepare(link, names_user ? 3 : 2, names_user ? with_user : without, err) < 0)
            return -1;
    }
    if (url->host[0] && url->path && url->path[0]) {
        const char *select[] = {"SELECT", url->path};
        return prepare(link, 2, select, err);
    }
    return 0;
}

static redisContext *open_context(const struct redis_link *link)
{
    const struct url *url = &link->url;
    struct timeval timeout = milliseconds(link->timeout_ms);

    if (url->host[0])
        return redisConnectWithTimeout(url->host, url->port ? url->port : DEFAULT_PORT, timeout);
    return redisConnectUnixWithTimeout(link->name, timeout);
}

static int connect_link(struct redis_link *link, struct error *err)
{
    link->context = open_context(link);
    if (!link->context || link->context->err)
        return fail_connection(link, err);
    fcntl(link->context->fd, F_SETFD, FD_CLOEXEC); /* hiredis 0.14 does not */
    if (redisSetTimeout(link->context, milliseconds(link->timeout_ms)) != REDIS_OK)
        return fail_connection(link, err);
    if (link->url.host[0])
        redisEnableKeepAlive(link->context);
    return log_in(link, err);
}

/* Nobody asked it anything: an idle connection that is readable has been closed by the server. */
static bool is_stale(const redisContext *context)
{
    struct pollfd idle = {.fd = context->fd, .events = POLLIN};
    return poll(&idle, 1, 0) != 0;
}

static int ensure_connected(struct redis_link *link, struct error *err)
{
    if (link->context && is_stale(link->context))
        disconnect(link);
    return link->context ? 0 : connect_link(link, err);
}

static json_t *json_from_reply(const redisReply *reply);

static json_t *json_from_array(const redisReply *reply)
{
    json_auto_t *array = json_array();

    for (size_t i = 0; i < reply->elements; i++)
        if (json_array_append_new(array, json_from_reply(reply->element[i])) < 0)
            return NULL;
    return TAKE(array);
}

/* NULL for what is no UTF-8 text. hiredis limits the depth of arrays itself. */
static json_t *json_from_reply(const redisReply *reply) // NOLINT(misc-no-recursion)
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
    if (ensure_connected(link, err) < 0)
        return -1;

    AUTO(reply) redisReply *reply = exchange(link, argc, argv, err);
    if (!reply)
        return -1;
    if (!ret_reply)
        return 0;

    json_t *value = json_from_reply(reply);
    if (!value)
        return fail(err, FAULT_INTERNAL, "store %s: the answer to %s is not UTF-8 text", link->name,
                    argv[0]);
    *ret_reply = value;
    return 0;
}

static int load_functions(struct redis_link *link, struct error *err)
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
        result = load_functions(link, &first);
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

int redis_link_read_stream(struct redis_link *link, const char *stream, const char *after,
                           int wait_ms, json_t **ret_entries, struct error *err)
{
    json_auto_t *reply = NULL;
    char wait[16];
    int result;

    if (wait_ms <= 0) { /* BLOCK 0 would wait for ever */
        result = redis_link_text(link, &reply, err, "XREAD", "COUNT", STREAM_COUNT, "STREAMS",
                                 stream, after, NULL);
    } else {
        if (ensure_connected(link, err) < 0)
            return -1;
        snprintf(wait, sizeof(wait), "%d", wait_ms);
        redisSetTimeout(link->context, milliseconds(link->timeout_ms + wait_ms));
        result = redis_link_text(link, &reply, err, "XREAD", "COUNT", STREAM_COUNT, "BLOCK", wait,
                                 "STREAMS", stream, after, NULL);
        if (link->context)
            redisSetTimeout(link->context, milliseconds(link->timeout_ms));
    }
    if (result == 0)
        *ret_entries = entries_of(reply);
    return result;
}

/* A TCP address needs a host and a database number or none, a socket's path nothing else. */
static int check_url(struct redis_link *link, struct error *err)
{
    const struct url *url = &link->url;
    bool is_socket = strcmp(url->scheme, "unix") == 0;

    if (is_socket) {
        if (url->host[0] || url->port || !url->path)
            return fail(err, FAULT_INVALID, "expected unix:///path/of/the/socket");
        snprintf(link->name, sizeof(link->name), "/%s", url->path);
        if (strlen(url->path) + 2 > sizeof(link->name))
            return fail(err, FAULT_INVALID, "the path of the store's socket is too long");
        return 0;
    }
    if (!url->host[0])
        return fail(err, FAULT_INVALID, "the store's URL names no host");
    if (url->path && url->path[strspn(url->path, "0123456789")])
        return fail(err, FAULT_INVALID, "the path of the store's URL must be a database's number");
    if (url->user && url->user[0] && !url->password)
        return fail(err, FAULT_INVALID, "the store's URL names a user but no password");
    snprintf(link->name, sizeof(link->name), "%s:%d", url->host,
             url->port ? url->port : DEFAULT_PORT);
    return 0;
}

int redis_link_new(const struct redis_link_options *options, struct redis_link **ret_link,
                   struct error *err)
{
    static const char *const schemes[] = {"redis", "unix", NULL};
    AUTO(redis_link) struct redis_link *link = calloc(1, sizeof(*link));

    if (!link)
        return fail(err, FAULT_INTERNAL, "out of memory");
    link->timeout_ms = options->timeout_ms;
    link->functions = options->functions;
    if (url_parse(options->url, schemes, &link->url, err) < 0 || check_url(link, err) < 0)
        return fail_while(err, "store");
    signal(SIGPIPE, SIG_IGN); /* hiredis 0.14 writes without MSG_NOSIGNAL */
    *ret_link = TAKE(link);
    return 0;
}

void redis_link_free(struct redis_link *link)
{
    if (!link)
        return;
    disconnect(link);
    url_clear(&link->url);
    free(link);
}

int redis_link_fd(const struct redis_link *link)
{
    return link->context ? link->context->fd : -1;
}
