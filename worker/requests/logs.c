/*
 * container.logs: the engine's log, as output events on the request's stream. Without `follow` the
 * runner sends what there is. With it, a child of the runner goes on until the container stops or
 * nobody reads any more, and records the result; it has connections of its own.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/auto.h"
#include "common/log.h"
#include "common/members.h"
#include "common/prefork.h"
#include "schemas/result.h"
#include "worker/audit.h"
#include "worker/requests/requests.h"
#include "worker/store_requests.h"

#define FOLLOWERS_MOST 16 /* of one runner */
#define FOLLOWERS_EACH 4  /* of these for one user */
#define TAIL_MOST 10000   /* lines, where the user names no number */
#define TURNS_UNREAD 15   /* seconds between two looks whether anybody still reads */

struct tap {
    struct store *store;
    const struct request *request;
    bool follow;
    int turns;
    const char *stream; /* of what is held: "stdout" or "stderr" */
    size_t held;
    struct error *err; /* filled where the store did not take it */
    bool lost;
    unsigned char bytes[EVENT_OUTPUT_MAX];
};

static int flush(struct tap *tap)
{
    if (tap->held == 0 || tap->lost)
        return 0;
    size_t held = tap->held;
    tap->held = 0;
    if (store_output(tap->store, tap->request, tap->stream, tap->bytes, held, tap->err) < 0)
        tap->lost = true;
    return tap->lost ? -1 : 0;
}

/* Once a second, without output: is anybody still there? */
static int look_around(struct tap *tap)
{
    struct error err;
    bool followed = true;
    if (prefork_stopping)
        return 1;
    if (!tap->follow || ++tap->turns < TURNS_UNREAD)
        return 0;
    tap->turns = 0;
    return store_followed(tap->store, tap->request, &followed, &err) < 0 || !followed;
}

static int pour(const char *stream, const void *data, size_t length, void *context)
{
    struct tap *tap = context;
    const unsigned char *bytes = data;
    if (!data)
        return flush(tap) < 0 || look_around(tap);
    if (tap->stream && strcmp(tap->stream, stream) != 0 && flush(tap) < 0)
        return 1;
    tap->stream = stream;
    while (length > 0) {
        size_t part = sizeof tap->bytes - tap->held;
        if (part > length)
            part = length;
        memcpy(tap->bytes + tap->held, bytes, part);
        tap->held += part;
        bytes += part;
        length -= part;
        if (tap->held == sizeof tap->bytes && flush(tap) < 0)
            return 1;
    }
    return 0;
}

static int copy_logs(struct engine *engine, struct store *store, const struct job *job,
                     const char *id, bool tty, struct error *err)
{
    const json_t *tail = json_object_get(job->request.args, "tail");
    bool follow = flag_at(job->request.args, "follow");
    struct tap *tap = calloc(1, sizeof *tap);
    if (!tap)
        return fail(err, FAULT_DEPENDENCY, "out of memory");
    *tap = (struct tap){.store = store, .request = &job->request, .follow = follow, .err = err};
    struct engine_logs logs = {.id = id,
                               .tty = tty,
                               .follow = follow,
                               .tail = tail ? (long)json_integer_value(tail) : TAIL_MOST};
    int status = engine_container_logs(engine, &logs, pour, tap, err);
    if (status == 0 && (flush(tap) < 0 || tap->lost))
        status = -1;
    free(tap);
    return status;
}

static int follow(const struct runner *runner, const struct job *job, const char *id, bool tty,
                  json_t *result, struct error *err)
{
    struct error fault = {0};
    AUTO(engine) struct engine *engine = NULL;
    AUTO(store) struct store *store = NULL;
    const char *server = runner->config->server;
    if (engine_new(runner->config->engine, &engine, err) < 0 ||
        store_new(runner->config->store, server, runner->mark, &store, err) < 0)
        return -1;
    if (copy_logs(engine, store, job, id, tty, &fault) < 0)
        result_set_failed(result, server, &fault);
    else
        result_set_done(result, server);
    store_begin(store); /* it has read for hours, and the store may be another one by now */
    if (store_end(store, &job->request, job->hash, result, err) < 0)
        return -1;
    audit_request(runner, job, result);
    return 0;
}

/* What is inherited is closed: the locks that the runner holds, among them this request's, on which
 * a second delivery of it would wait, and the socket by which the link sees a runner's end. */
static void leave_the_runner(pid_t runner)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != runner)
        _exit(EXIT_FAILURE);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    log_part("follower");
}

static struct follower {
    pid_t pid; /* 0: none */
    char user[USER_NAME_MAX + 1];
    char request[IDENTIFIER_SIZE];
} followers[FOLLOWERS_MOST];

/* Children that have ended make room for others. */
static void bury_followers(void)
{
    for (pid_t ended; (ended = waitpid(-1, NULL, WNOHANG)) > 0;)
        for (size_t i = 0; i < FOLLOWERS_MOST; i++)
            if (followers[i].pid == ended)
                followers[i].pid = 0;
}

static bool is_followed(const char *request)
{
    for (size_t i = 0; i < FOLLOWERS_MOST; i++)
        if (followers[i].pid && strcmp(followers[i].request, request) == 0)
            return true;
    return false;
}

/* One user's do not take all. */
static int find_place(const char *user, struct follower **ret_place, struct error *err)
{
    struct follower *place = NULL;
    size_t own = 0;
    for (size_t i = 0; i < FOLLOWERS_MOST; i++) {
        if (!followers[i].pid)
            place = &followers[i];
        else
            own += strcmp(followers[i].user, user) == 0;
    }
    if (own >= FOLLOWERS_EACH)
        return fail(err, FAULT_QUOTA, "you follow too many logs at once: end some of them");
    if (!place)
        return fail(err, FAULT_QUOTA,
                    "too many logs are being followed on this server: try again later");
    *ret_place = place;
    return 0;
}

static int fork_follower(const struct runner *runner, const struct job *job,
                         const struct owned *owned, bool tty, json_t *result, struct error *err)
{
    struct follower *place = NULL;
    bury_followers();
    if (is_followed(job->request.id))
        return REQUEST_GOES_ON; /* a second delivery of it ends nothing */
    if (find_place(job->request.user, &place, err) < 0)
        return -1;
    pid_t self = getpid(), pid = fork();
    if (pid < 0)
        return fail(err, FAULT_DEPENDENCY, "fork: %s", strerror(errno));
    if (pid == 0) {
        leave_the_runner(self);
        if (follow(runner, job, owned->id, tty, result, err) < 0)
            log_warning("the end of a followed log was not recorded: %s", err->text);
        _exit(EXIT_SUCCESS); /* no handlers: they are the runner's */
    }
    place->pid = pid;
    snprintf(place->user, sizeof place->user, "%s", job->request.user);
    snprintf(place->request, sizeof place->request, "%s", job->request.id);
    return REQUEST_GOES_ON;
}

int request_logs(struct runner *runner, struct job *job, json_t *result, struct error *err)
{
    AUTO(owned) struct owned owned = {0};
    if (owned_find(runner, job, &owned, err) < 0)
        return -1;
    const json_t *config = json_object_get(owned.inspected, "Config");
    bool tty = flag_at(config, "Tty");
    json_object_set(result, "container", json_object_get(owned.entry, "container"));
    if (!flag_at(job->request.args, "follow"))
        return copy_logs(runner->engine, runner->store, job, owned.id, tty, err);
    return fork_follower(runner, job, &owned, tty, result, err);
}
