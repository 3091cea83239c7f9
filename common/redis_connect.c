/* Reaching Redis: addresses, logging in, failures. */
#include "common/redis_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"

#define DEFAULT_PORT 6379

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

int redis_fail_reply(const struct redis_link *link, const char *text, struct error *err)
{
    for (size_t i = 0; i < COUNT(conditions); i++)
        if (strncmp(text, conditions[i].prefix, strlen(conditions[i].prefix)) == 0)
            return fail(err, FAULT_DEPENDENCY, "store %s: %s (%s)", link->name,
                        conditions[i].advice, text);
    return fail(err, FAULT_INTERNAL, "store %s: %s", link->name, text);
}

void redis_disconnect(struct redis_link *link)
{
    if (link->context)
        redisFree(link->context);
    link->context = NULL;
    link->owed = 0;
    link->has_functions = false;
}

/* A context that failed is finished. */
int redis_fail_connection(struct redis_link *link, struct error *err)
{
    const redisContext *context = link->context;
    enum fault fault = FAULT_DEPENDENCY;
    const char *why = context ? context->errstr : "out of memory";

    if (context && context->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK))
        why = "no answer in time";
    else if (context && context->err == REDIS_ERR_PROTOCOL)
        fault = FAULT_INTERNAL; /* what talks there is no Redis that we understand */
    fail(err, fault, "store %s: %s", link->name, why);
    redis_disconnect(link);
    return -1;
}

struct timeval redis_milliseconds(int ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000L};
}

/* One command on a context that is there. NULL, and *err, for failures and error replies. */
redisReply *redis_exchange(struct redis_link *link, size_t argc, const char *const argv[],
                           struct error *err)
{
    /* hiredis lacks a const; it only reads. */
    const char **arguments = (const char **)(uintptr_t)argv;
    AUTO(redis_reply)
    redisReply *reply = redisCommandArgv(link->context, (int)argc, arguments, NULL);

    if (!reply) {
        redis_fail_connection(link, err);
        return NULL;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        redis_fail_reply(link, reply->str, err);
        return NULL;
    }
    return TAKE(reply);
}

/* AUTH or SELECT. Whatever is wrong with these is wrong with the store or the URL. */
static int prepare(struct redis_link *link, size_t argc, const char *const argv[],
                   struct error *err)
{
    AUTO(redis_reply) redisReply *reply = redis_exchange(link, argc, argv, err);

    if (reply)
        return 0;
    if (err)
        err->fault = FAULT_DEPENDENCY;
    redis_disconnect(link);
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
    struct timeval timeout = redis_milliseconds(link->timeout_ms);

    if (url->host[0])
        return redisConnectWithTimeout(url->host, url->port ? url->port : DEFAULT_PORT, timeout);
    return redisConnectUnixWithTimeout(link->name, timeout);
}

static int connect_link(struct redis_link *link, struct error *err)
{
    link->context = open_context(link);
    if (!link->context || link->context->err)
        return redis_fail_connection(link, err);
    fcntl(link->context->fd, F_SETFD, FD_CLOEXEC); /* hiredis 0.14 does not */
    if (redisSetTimeout(link->context, redis_milliseconds(link->timeout_ms)) != REDIS_OK)
        return redis_fail_connection(link, err);
    if (link->url.host[0])
        redisEnableKeepAlive(link->context);
    if (link->tls && redis_begin_tls(link, err) < 0) {
        redis_disconnect(link);
        return -1;
    }
    return log_in(link, err);
}

/* Nobody asked it anything: an idle connection that is readable has been closed by the server. */
static bool is_stale(const redisContext *context)
{
    struct pollfd idle = {.fd = context->fd, .events = POLLIN};
    return poll(&idle, 1, 0) != 0;
}

/* Whatever they say: who sent those commands has gone on. */
static void read_owed(struct redis_link *link)
{
    while (link->owed > 0) {
        void *answer = NULL;
        if (redisGetReply(link->context, &answer) != REDIS_OK) {
            redis_disconnect(link);
            return;
        }
        AUTO(redis_reply) redisReply *reply = answer;
        if (reply->type == REDIS_REPLY_ERROR)
            link->has_functions = false; /* perhaps they are gone: the next is waited for */
        link->owed--;
    }
}

int redis_ensure_connected(struct redis_link *link, struct error *err)
{
    read_owed(link);
    if (link->context && is_stale(link->context))
        redis_disconnect(link);
    return link->context ? 0 : connect_link(link, err);
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
    static const char *const schemes[] = {"redis", "rediss", "unix", NULL};
    AUTO(redis_link) struct redis_link *link = calloc(1, sizeof(*link));

    if (!link)
        return fail(err, FAULT_INTERNAL, "out of memory");
    link->timeout_ms = options->timeout_ms;
    link->functions = options->functions;
    if (url_parse(options->url, schemes, &link->url, err) < 0 || check_url(link, err) < 0)
        return fail_while(err, "store");
    link->tls = strcmp(link->url.scheme, "rediss") == 0;
    if (link->tls && redis_check_tls(err) < 0)
        return fail_while(err, "store");
    signal(SIGPIPE, SIG_IGN); /* hiredis 0.14 writes without MSG_NOSIGNAL */
    *ret_link = TAKE(link);
    return 0;
}

void redis_link_free(struct redis_link *link)
{
    if (!link)
        return;
    redis_disconnect(link);
    url_clear(&link->url);
    free(link);
}
