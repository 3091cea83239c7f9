#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "common/auto.h"
#include "common/clock.h"
#include "common/confine.h"
#include "common/log.h"
#include "common/prefork.h"
#include "common/privileges.h"
#include "submitter/gate.h"
#include "submitter/gate_client.h"
#include "submitter/gate_keeper.h"
#include "submitter/gate_peer.h"

#define SPARE_MS 10000 /* a child that had nothing to do for so long may leave */

struct child {
    struct gate *gate;
    size_t place;
    struct gate_keeper keeper; /* owns the courier here */
    int epoll;                 /* on the listening socket */
    int64_t idle_since;        /* when the last client left */
};

/* EPOLLEXCLUSIVE: a connection wakes one of the idle children and not all of them. */
static int watch_listener(struct child *child, struct error *err)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE};

    child->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (child->epoll == -1 ||
        epoll_ctl(child->epoll, EPOLL_CTL_ADD, child->gate->listener, &event) == -1)
        return fail(err, FAULT_INTERNAL, "epoll: %s", strerror(errno));
    return 0;
}

/* The descriptor of a client, or -1. Another child may have been faster, so one looks in any case:
 * the one that was woken may have died of something else before it came to accept. */
static int await_client(const struct child *child, int timeout_ms)
{
    sigset_t stop, before;
    struct epoll_event event;

    /* SIGTERM is held back between the look at the flag and the wait, or it would be slept through.
     */
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, &before);
    if (!prefork_stopping)
        epoll_pwait(child->epoll, &event, 1, timeout_ms, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (prefork_stopping)
        return -1;
    return accept4(child->gate->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/* Counted after the child has marked itself: of two that come at once none is overlooked. */
static int check_share(const struct child *child, const struct peer *peer, struct error *err)
{
    const struct gate *gate = child->gate;
    size_t most = (size_t)gate->settings.connections_per_user;

    if (scoreboard_count_user(gate->board, peer->uid) > most)
        return fail(err, FAULT_QUOTA, "too many requests at once: wait for some to end");
    return 0;
}

static void serve(struct child *child, int fd)
{
    struct gate_client client = {.fd = fd, .meter = child->gate->meter};
    struct error err = {0};

    if (peer_identify(fd, &client.peer, &err) == -1) {
        gate_client_refuse(&client, &err);
        return;
    }
    scoreboard_set_busy(child->gate->board, child->place, client.peer.uid);
    eventfd_write(child->gate->wake, 1);
    if (check_share(child, &client.peer, &err) == -1) {
        gate_client_refuse(&client, &err);
    } else {
        courier_direct_set_user(child->keeper.courier, client.peer.user);
        gate_client_serve(&client, &child->keeper);
    }
    scoreboard_set_idle(child->gate->board, child->place);
}

static void work(struct child *child)
{
    child->idle_since = clock_ms();
    scoreboard_set_idle(child->gate->board, child->place);
    while (!prefork_stopping) {
        AUTO(fd) int fd = await_client(child, GATE_KEEP_MS);
        if (fd >= 0) {
            serve(child, fd);
            child->idle_since = clock_ms();
        } else if (clock_ms() - child->idle_since >= SPARE_MS &&
                   scoreboard_leave(child->gate->board, child->place)) {
            log_debug("leaving: there is not enough to do");
            return;
        } else {
            malloc_trim(0); /* what a client has left who asked for much at once */
        }
        gate_keep(&child->keeper);
    }
}

/* Without root and with warm connections before the first client's bytes are read. */
static int prepare(struct child *child, struct error *err)
{
    const struct gate_settings *settings = &child->gate->settings;
    const char *const nothing[] = {NULL};

    signal(SIGHUP, SIG_IGN); /* there is nothing to read anew, and a client's wait to disturb */
    if (privileges_become(settings->account, err) == -1 ||
        confine(MAY_REACH | MAY_CONNECT | MAY_ACCEPT, nothing, err) == -1 ||
        courier_direct_open((const char *const *)settings->broker, settings->store, "",
                            &child->keeper.courier, err) == -1)
        return -1;
    gate_keep(&child->keeper);
    malloc_trim(0);
    return watch_listener(child, err);
}

int gate_child(size_t place, void *context)
{
    struct child child = {.gate = context, .place = place, .epoll = -1};
    struct error err = {0};
    int status = EXIT_SUCCESS;

    if (prepare(&child, &err) == 0) {
        work(&child);
    } else {
        log_error("%s", err.text);
        status = EXIT_FAILURE;
    }
    courier_close(child.keeper.courier);
    auto_fd(&child.epoll);
    return status;
}
