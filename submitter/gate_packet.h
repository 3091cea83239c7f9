/*
 * One JSON object a packet over a SOCK_SEQPACKET socket, for both ends of the gate's socket.
 *
 * Descriptors are non-blocking or not: no call here waits past `until`, a time of clock_ms().
 */
#ifndef DCM_SUBMITTER_GATE_PACKET_H
#define DCM_SUBMITTER_GATE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GATE_PACKET_MAX 65536

enum packet_fate {
    PACKET_DONE,
    PACKET_LATE,        /* `until` has passed */
    PACKET_INTERRUPTED, /* a signal came while waiting; nothing is lost, call again */
    PACKET_GONE,        /* the other end has closed */
    PACKET_TOO_LARGE,   /* nothing was sent; or what came has been thrown away */
};

/* A packet is sent whole or not at all. */
enum packet_fate packet_send(int fd, const char *text, int64_t until);

/* *ret_bytes is the caller's to free, and not terminated. */
enum packet_fate packet_receive(int fd, int64_t until, char **ret_bytes, size_t *ret_length);

/* Has the other end closed, whatever of its packets is still unread? */
bool packet_peer_is_gone(int fd);

/* May an idle connection be used again? Not if the other end has closed it, or spoken unasked. */
bool packet_is_quiet(int fd);

#endif
