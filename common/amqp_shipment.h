/*
 * Messages on their way to the broker: what amqp_publish.c sends and waits for, and nobody else
 * knows. Those of a link go out in the order in which they were shipped, and share its window.
 */
#ifndef DCM_COMMON_AMQP_SHIPMENT_H
#define DCM_COMMON_AMQP_SHIPMENT_H

#include "common/amqp_internal.h"

/* What is on its way together fits into the socket's buffer (amqp_open.c), and what the broker has
 * confirmed it has read: writing never blocks. */
#define AMQP_IN_FLIGHT_MOST 131072
#define AMQP_OVERHEAD 512 /* of a message beyond its body: three frames, properties, names */
#define AMQP_PUBLISH_MAX (AMQP_IN_FLIGHT_MOST - AMQP_OVERHEAD)

/* publications[oldest…sent) are on their way, some of them settled out of turn. */
struct amqp_shipment {
    struct amqp_link *link; /* NULL: all is settled, and the link may be gone */
    struct amqp_shipment *next;
    const struct amqp_publication *publications;
    struct error *reasons;
    size_t count, oldest, sent;
    uint64_t before;           /* the sequence number of the link's last publish before these */
    bool settled[AMQP_WINDOW]; /* publications[i]: at i % AMQP_WINDOW */
};

static inline size_t amqp_weight(const struct amqp_publication *publication)
{
    return publication->length + AMQP_OVERHEAD;
}

void amqp_append(struct amqp_link *link, struct amqp_shipment *shipment);
void amqp_take_out(struct amqp_shipment *shipment);

/* The first that has something to send, if there is room for it; else NULL. */
struct amqp_shipment *amqp_next_to_send(const struct amqp_link *link);

/* Confirms, rejections and returns, for whichever shipment they are. */
void amqp_hear(struct amqp_link *link, const struct event *event);

/* When it ends early. Nothing that is still to be sent will be; */
void amqp_fail_unsent(struct amqp_link *link, const struct error *reason);
/* the connection broke, for all that is on its way there: none of it is the link's any more; */
void amqp_break_off(struct amqp_link *link, const struct error *reason);
/* this one's time is over. */
void amqp_run_out(struct amqp_shipment *shipment, int timeout_ms);

#endif
