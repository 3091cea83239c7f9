/*
 * Whatever a broker may send, frame by frame: a message's properties are a publisher's own words.
 * The first byte chooses what the link is doing: logging in, waiting for messages, or waiting for
 * the answer to a call. librabbitmq is given one end of a pair of sockets whose other end holds the
 * frames already (the linker's --wrap=amqp_socket_open_noblock).
 *
 * Lengths that do not fit and frame ends that are missing are mended on the way, so that a changed
 * byte still makes a frame, and what is looked at is our reading, not librabbitmq's refusal.
 */
#include <amqp_tcp_socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/amqp_internal.h"
#include "common/auto.h"
#include "tests/fuzz/fuzz.h"

#define BODY_MOST 32768
#define FRAME_HEAD 7
#define FRAME_END 0xCE

static struct {
    const uint8_t *data;
    size_t size;
} frames;

static void put(int fd, const void *bytes, size_t length)
{
    send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL); /* what does not fit is not sent */
}

/* AMQP 0-9-1, section 2.3.5: type, channel, size, that many bytes, and the end. */
static void send_frames(int fd)
{
    const uint8_t end = FRAME_END;

    for (size_t at = 0; at + FRAME_HEAD <= frames.size;) {
        uint8_t head[FRAME_HEAD];
        size_t left = frames.size - at - FRAME_HEAD;
        memcpy(head, frames.data + at, FRAME_HEAD);
        size_t size =
            (size_t)head[3] << 24 | (size_t)head[4] << 16 | (size_t)head[5] << 8 | head[6];
        if (size > left) {
            size = left < 0xffff ? left : 0xffff;
            head[3] = head[4] = 0;
            head[5] = (uint8_t)(size >> 8);
            head[6] = (uint8_t)size;
        }
        put(fd, head, sizeof(head));
        put(fd, frames.data + at + FRAME_HEAD, size);
        put(fd, &end, 1);
        at += FRAME_HEAD + size + (size < left); /* the end that stood there */
    }
}

static int broker_end(void)
{
    int ends[2];

    HOLDS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    send_frames(ends[1]);
    shutdown(ends[1], SHUT_WR);
    close(ends[1]);
    return ends[0];
}

int __wrap_amqp_socket_open_noblock(amqp_socket_t *socket, const char *host, int port,
                                    const struct timeval *timeout);
int __wrap_amqp_socket_open_noblock(amqp_socket_t *socket, const char *host, int port,
                                    const struct timeval *timeout)
{
    (void)host;
    (void)port;
    (void)timeout;
    amqp_tcp_socket_set_sockfd(socket, broker_end());
    return AMQP_STATUS_OK;
}

static int open_link(struct amqp_link **ret_link, struct error *err)
{
    static const char *const endpoints[] = {"amqp://dcm-worker:secret@broker/dcm", NULL};
    const struct amqp_link_options options = {
        .endpoints = endpoints, .name = "fuzz", .timeout_ms = 20};
    return amqp_link_open(&options, ret_link, err);
}

/* As after a login. */
static struct amqp_link *logged_in(void)
{
    struct amqp_link *link = calloc(1, sizeof(*link));

    HOLDS(link != NULL);
    link->connection = amqp_new_connection();
    link->account = strdup("dcm-worker");
    link->timeout_ms = 20;
    strcpy(link->name, "broker:5672");
    HOLDS(link->connection && link->account);
    amqp_socket_t *socket = amqp_tcp_socket_new(link->connection);
    HOLDS(socket != NULL);
    amqp_tcp_socket_set_sockfd(socket, broker_end());
    const struct timeval timeout = amqp_timeval(link->timeout_ms);
    amqp_set_rpc_timeout(link->connection, &timeout);
    return link;
}

static void check_messages(struct amqp_link *link)
{
    struct error err = {0};

    for (int i = 0; i < 1000; i++) {
        struct amqp_delivery delivery = {0};
        enum amqp_arrival arrival = AMQP_NOTHING;
        if (amqp_link_next(link, 0, BODY_MOST, &arrival, &delivery, &err) < 0) {
            fuzz_check_error(&err);
            HOLDS(amqp_link_is_broken(link));
            return;
        }
        if (arrival == AMQP_NOTHING)
            return;
        if (arrival != AMQP_DELIVERY)
            continue;
        HOLDS(delivery.length <= BODY_MOST && delivery.body);
        HOLDS(memchr(delivery.account, '\0', sizeof(delivery.account)) != NULL);
        amqp_delivery_clear(&delivery);
    }
}

static void check_call(struct amqp_link *link)
{
    const struct amqp_queue queue = {
        .name = "dcm.interactive", .exchange = "dcm.requests", .routing_key = "interactive"};
    struct error err = {0};

    if (amqp_link_declare_queue(link, &queue, &err) < 0) {
        fuzz_check_error(&err);
        HOLDS(amqp_link_is_broken(link));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(amqp_link) struct amqp_link *link = NULL;
    struct error err = {0};
    unsigned chosen = fuzz_choose(&data, &size, 3);

    frames.data = data;
    frames.size = size;
    if (chosen > 0)
        link = logged_in();
    else if (open_link(&link, &err) < 0)
        fuzz_check_error(&err);
    if (link && chosen == 2)
        check_call(link);
    if (link)
        check_messages(link);
    if (link)
        link->dead = true; /* nobody is there to hear a goodbye */
    return 0;
}
