#include "tests/standin/http.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"

#define BACKLOG 128
#define EVENTS 64
#define READ_SIZE 65536

struct connection {
    struct connection *next;
    int fd;
    struct bytes input, output;
    int64_t due; /* monotonic ms until which the answer is held back; 0: not at all */
    bool drop;   /* when due */
    bool dead;
    char topic[HTTP_TOPIC_SIZE];
};

struct timer {
    struct timer *next;
    int64_t due;
    http_task *task;
    void *context;
    json_t *what;
};

/* One server a program; handlers publish without carrying it around. */
static struct {
    const char *path;
    int listener, epoll;
    int64_t back_at; /* when to listen again; 0: we do */
    struct connection *connections;
    struct timer *timers;
    http_handler *handler;
    void *context;
} server = {.listener = -1, .epoll = -1};

/* Send what can be sent, and ask to be woken for the rest. */
static void flush(struct connection *connection)
{
    while (connection->output.length > 0 && !connection->due) {
        ssize_t sent =
            send(connection->fd, connection->output.data, connection->output.length, MSG_NOSIGNAL);
        if (sent < 0) {
            connection->dead = connection->dead || errno != EAGAIN;
            break;
        }
        bytes_drop(&connection->output, (size_t)sent);
    }
    struct epoll_event event = {.data.ptr = connection, .events = EPOLLIN};
    if (connection->output.length > 0 && !connection->due)
        event.events |= EPOLLOUT;
    epoll_ctl(server.epoll, EPOLL_CTL_MOD, connection->fd, &event);
}

static void answer(struct connection *connection, struct http_reply *reply)
{
    bool streams = reply->topic[0] != '\0';

    if (reply->delay_ms > 0)
        connection->due = clock_ms() + reply->delay_ms;
    if (reply->drop) {
        connection->drop = true;
        connection->dead = !connection->due;
    } else if (streams) {
        http_head(&connection->output, reply->status, reply->type, -1);
        if (reply->body.length > 0)
            http_chunk(&connection->output, reply->body.data, reply->body.length);
        snprintf(connection->topic, sizeof(connection->topic), "%s", reply->topic);
    } else {
        http_head(&connection->output, reply->status, reply->type, (ssize_t)reply->body.length);
        bytes_add(&connection->output, reply->body.data, reply->body.length);
    }
    free(reply->body.data);
}

void http_later(long delay_ms, http_task *task, void *context, json_t *what)
{
    struct timer *timer = calloc(1, sizeof(*timer));
    if (!timer)
        abort();
    *timer = (struct timer){server.timers, clock_ms() + delay_ms, task, context, what};
    server.timers = timer;
}

static void drop_timer(struct timer **slot)
{
    struct timer *timer = *slot;
    *slot = timer->next;
    json_decref(timer->what);
    free(timer);
}

/* As a daemon that is killed: what was on its way is lost, and nobody finds it for a while. */
static void go_away(long away_ms)
{
    for (struct connection *it = server.connections; it; it = it->next)
        it->dead = true;
    while (server.timers)
        drop_timer(&server.timers);
    close(server.listener);
    unlink(server.path);
    server.listener = -1;
    server.back_at = clock_ms() + away_ms;
}

/* Answer every whole request that has come, one at a time. */
static void proceed(struct connection *connection)
{
    while (!connection->dead && !connection->due && connection->topic[0] == '\0') {
        struct http_request request = {0};
        ssize_t taken = http_parse(&connection->input, &request);
        if (taken < 0)
            connection->dead = true;
        if (taken <= 0)
            break;
        struct http_reply reply = {.status = 200};
        server.handler(&request, &reply, server.context);
        json_decref(request.query);
        bytes_drop(&connection->input, (size_t)taken);
        answer(connection, &reply);
        if (reply.away_ms > 0) {
            flush(connection);
            go_away(reply.away_ms);
        }
    }
    if (!connection->dead)
        flush(connection);
}

static void take_input(struct connection *connection)
{
    static char buffer[READ_SIZE];
    ssize_t length = recv(connection->fd, buffer, sizeof(buffer), 0);

    if (length > 0)
        bytes_add(&connection->input, buffer, (size_t)length);
    else if (length == 0 || errno != EAGAIN)
        connection->dead = true;
    proceed(connection);
}

static void accept_one(void)
{
    int fd = accept4(server.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct connection *connection = calloc(1, sizeof(*connection));
    if (!connection)
        abort();
    connection->fd = fd;
    connection->next = server.connections;
    server.connections = connection;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    epoll_ctl(server.epoll, EPOLL_CTL_ADD, fd, &event);
}

static void be_sooner(int64_t *nearest, int64_t left)
{
    if (*nearest < 0 || left < *nearest)
        *nearest = left > 0 ? left : 0;
}

static void run_timers(int64_t now, int64_t *nearest)
{
    for (struct timer **slot = &server.timers; *slot;) {
        struct timer *timer = *slot;
        if (timer->due > now) {
            be_sooner(nearest, timer->due - now);
            slot = &timer->next;
            continue;
        }
        timer->task(timer->context, timer->what);
        drop_timer(slot);
    }
}

/* Answers and tasks whose time has come. Returns the milliseconds to the next one, -1 if there is
 * none. */
static int release_due(void)
{
    int64_t now = clock_ms();
    int64_t nearest = -1;

    run_timers(now, &nearest);
    if (server.back_at)
        be_sooner(&nearest, server.back_at - now);
    for (struct connection *it = server.connections; it; it = it->next) {
        if (!it->due)
            continue;
        if (it->due <= now) {
            it->due = 0;
            it->dead = it->drop;
            proceed(it);
        } else {
            be_sooner(&nearest, it->due - now);
        }
    }
    return (int)nearest;
}

static void bury_dead(void)
{
    for (struct connection **slot = &server.connections; *slot;) {
        struct connection *connection = *slot;
        if (!connection->dead) {
            slot = &connection->next;
            continue;
        }
        *slot = connection->next;
        close(connection->fd);
        free(connection->input.data);
        free(connection->output.data);
        free(connection);
    }
}

void http_publish(const char *topic, const void *data, size_t length)
{
    for (struct connection *it = server.connections; it; it = it->next)
        if (strcmp(it->topic, topic) == 0 && length > 0) {
            http_chunk(&it->output, data, length);
            flush(it);
        }
}

void http_finish(const char *topic)
{
    for (struct connection *it = server.connections; it; it = it->next)
        if (strcmp(it->topic, topic) == 0) {
            http_chunk(&it->output, NULL, 0);
            it->topic[0] = '\0';
            flush(it);
        }
}

/* Connections are told from the listener and the signals by their pointers. */
static void watch(int fd, void *pointer)
{
    epoll_ctl(server.epoll, EPOLL_CTL_ADD, fd,
              &(struct epoll_event){.events = EPOLLIN, .data.ptr = pointer});
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof(address.sun_path)) {
        fprintf(stderr, "dcm-standin: the socket's path is too long\n");
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    unlink(path);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, BACKLOG) < 0) {
        perror(path);
        return -1;
    }
    return fd;
}

static int signals_fd(void)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    return signalfd(-1, &ends, SFD_CLOEXEC);
}

static bool be_there(void)
{
    server.listener = listen_at(server.path);
    if (server.listener >= 0)
        watch(server.listener, &server.listener);
    server.back_at = 0;
    return server.listener >= 0;
}

int http_serve(const char *socket_path, http_handler *handler, void *context)
{
    int signals = signals_fd();
    server.path = socket_path;
    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    server.handler = handler;
    server.context = context;
    if (signals < 0 || server.epoll < 0 || !be_there())
        return EXIT_FAILURE;
    watch(signals, &signals);

    for (bool ends = false; !ends;) {
        struct epoll_event events[EVENTS];
        int timeout = release_due();
        bury_dead();
        if (server.back_at && server.back_at <= clock_ms() && !be_there())
            return EXIT_FAILURE;
        int count = epoll_wait(server.epoll, events, EVENTS, timeout);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &signals)
                ends = true;
            else if (events[i].data.ptr == &server.listener)
                accept_one();
            else
                take_input(events[i].data.ptr);
        }
    }
    for (struct connection *it = server.connections; it; it = it->next)
        it->dead = true;
    bury_dead();
    while (server.timers)
        drop_timer(&server.timers);
    close(server.listener);
    close(signals);
    close(server.epoll);
    unlink(socket_path);
    return EXIT_SUCCESS;
}
