#include "submitter/gate_packet.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/auto.h"
#include "common/clock.h"

/* PACKET_DONE: worth another try now. */
static enum packet_fate wait_for(int fd, short what, int64_t until)
{
    struct pollfd waiting = {.fd = fd, .events = what};
    int ready = poll(&waiting, 1, clock_left(until, INT_MAX));

    if (ready > 0)
        return PACKET_DONE;
    return ready == 0 ? PACKET_LATE : PACKET_INTERRUPTED;
}

static bool would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK;
}

enum packet_fate packet_send(int fd, const char *text, int64_t until)
{
    size_t length = strlen(text);

    if (length > GATE_PACKET_MAX)
        return PACKET_TOO_LARGE;
    for (;;) {
        if (send(fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length)
            return PACKET_DONE;
        if (!would_block(errno))
            return PACKET_GONE;
        enum packet_fate fate = wait_for(fd, POLLOUT, until);
        if (fate == PACKET_LATE)
            return fate;
    }
}

/*
 * The length of the packet that comes next; 0 at the end (an empty packet looks the same, and no
 * end of ours sends one), -1 with errno set.
 *
 * A Unix socket whose other end closed with packets of ours unread says ECONNRESET first, once, and
 * what the other end had sent after that: a refusal is often in there.
 */
static ssize_t next_length(int fd)
{
    char byte;
    ssize_t length = recv(fd, &byte, sizeof(byte), MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);

    if (length == -1 && errno == ECONNRESET)
        length = recv(fd, &byte, sizeof(byte), MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    return length;
}

/* Of exactly its length, so that a process that sees only small packets stays small. */
static enum packet_fate take(int fd, size_t length, char **ret_bytes, size_t *ret_length)
{
    bool fits = length <= GATE_PACKET_MAX;
    size_t kept = fits ? length : 1;
    AUTO(string) char *bytes = malloc(kept);

    if (!bytes || recv(fd, bytes, kept, MSG_DONTWAIT) != (ssize_t)kept)
        return PACKET_GONE;
    if (!fits)
        return PACKET_TOO_LARGE;
    *ret_bytes = TAKE(bytes);
    *ret_length = length;
    return PACKET_DONE;
}

enum packet_fate packet_receive(int fd, int64_t until, char **ret_bytes, size_t *ret_length)
{
    for (;;) {
        ssize_t length = next_length(fd);
        if (length > 0)
            return take(fd, (size_t)length, ret_bytes, ret_length);
        if (length == 0 || !would_block(errno))
            return PACKET_GONE;
        enum packet_fate fate = wait_for(fd, POLLIN, until);
        if (fate != PACKET_DONE)
            return fate;
    }
}

bool packet_peer_is_gone(int fd)
{
    struct pollfd peer = {.fd = fd, .events = POLLRDHUP};
    return poll(&peer, 1, 0) > 0;
}

bool packet_is_quiet(int fd)
{
    struct pollfd peer = {.fd = fd, .events = POLLIN | POLLRDHUP};
    return poll(&peer, 1, 0) == 0;
}
