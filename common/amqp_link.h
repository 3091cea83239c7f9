/*
 * A connection to RabbitMQ with one channel: the only user of librabbitmq.
 *
 * Built for what the rest needs and no more: declare, publish with persistent + mandatory +
 * confirm under a deadline of our own, consume from quorum queues, settle in batches.
 * librabbitmq is not thread-safe and sends heartbeats only inside calls: one link, one process,
 * and amqp_link_next or amqp_link_tick at least every heartbeat/2. A link either consumes or
 * publishes: under an alarm the broker stops to read from whoever has published, acknowledgements
 * included. After a failure ask amqp_link_is_broken: if so, close the link and open another; if
 * not (a full queue, no queue, an alarm), it may be used again.
 * AMQP 0-9-1; RabbitMQ's extensions: publisher confirms, consumer_cancel_notify,
 * connection.blocked.
 */
#ifndef DCM_COMMON_AMQP_LINK_H
#define DCM_COMMON_AMQP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct amqp_link;

struct amqp_link_options {
    const char *const *endpoints; /* NULL-terminated amqp:// or amqps:// URLs, tried in turn */
    const char *name;             /* shown in the broker's list of connections */
    int timeout_ms;               /* for connecting and for each call that waits for an answer */
    int heartbeat_s;              /* 0: none */
    bool publishes;               /* put the channel into confirm mode; no consumers then */
};

/* FAULT_INVALID for an ill-formed URL, FAULT_DEPENDENCY when no endpoint accepts us. */
int amqp_link_open(const struct amqp_link_options *options, struct amqp_link **ret_link,
                   struct error *err);
void amqp_link_close(struct amqp_link *link); /* accepts NULL */
static inline void auto_amqp_link(struct amqp_link **slot)
{
    amqp_link_close(*slot);
}

bool amqp_link_is_broken(const struct amqp_link *link);

/* Had a queue no room for something of what was published last? */
bool amqp_link_was_rejected(const struct amqp_link *link);

/* The account we are logged in as: the only value that the broker accepts as user-id. Borrowed. */
const char *amqp_link_account(const struct amqp_link *link);

/* For epoll. Before waiting on it, ask amqp_link_has_input: bytes may have been read already. */
int amqp_link_fd(const struct amqp_link *link);
bool amqp_link_has_input(const struct amqp_link *link);

struct amqp_exchange {
    const char *name;
    const char *type;      /* "direct", "fanout" */
    const char *alternate; /* the exchange for what it has no queue for; NULL: none */
};
struct amqp_queue {
    const char *name;
    const char *exchange; /* bound to it by routing_key; NULL: not bound */
    const char *routing_key;
    long max_length; /* messages; a full queue rejects publishes. 0: no limit */
};
/* Declare a durable exchange / a durable quorum queue with overflow reject-publish, and bind it. */
int amqp_link_declare_exchange(struct amqp_link *link, const struct amqp_exchange *exchange,
                               struct error *err);
int amqp_link_declare_queue(struct amqp_link *link, const struct amqp_queue *queue,
                            struct error *err);
/* Is there such a queue? FAULT_NOT_FOUND if not: then, as after every failure of this, the link is
 * broken. */
int amqp_link_find_queue(struct amqp_link *link, const char *queue, struct error *err);

/* How many messages wait in a queue that is there, and how many consumers it has. */
int amqp_link_count(struct amqp_link *link, const char *queue, size_t *ret_messages,
                    size_t *ret_consumers, struct error *err);

struct amqp_publication {
    const char *exchange; /* "" is the default exchange */
    const char *routing_key;
    const char *message_id; /* at most 63 characters */
    const char *publisher;  /* the account that published what we only pass on; NULL: ours */
    const char *body;
    size_t length;
};
/*
 * Publish as our account (user-id), persistent and mandatory, and wait for the broker's confirm.
 * FAULT_DEPENDENCY: not published (unreachable, refused, returned, blocked by an alarm, queue
 * full). FAULT_UNCONFIRMED: sent, and no answer within the deadline or before the connection broke.
 * FAULT_INVALID: a body of more than 127 KiB.
 */
int amqp_link_publish(struct amqp_link *link, const struct amqp_publication *publication,
                      int timeout_ms, struct error *err);
/* The same for many, of which at most AMQP_WINDOW are on their way at a time. reasons[i] says what
 * became of publications[i], FAULT_NONE: confirmed. 0 if all are. Where one of them is too large,
 * none is sent. */
#define AMQP_WINDOW 256
int amqp_link_publish_all(struct amqp_link *link, const struct amqp_publication *publications,
                          size_t count, int timeout_ms, struct error *reasons);

/*
 * The two halves of it, so that the caller may do something else while the broker works: several
 * shipments may be on their way, and share the window. ship sends what there is room for, land the
 * rest; publications and reasons are borrowed until then. A failure of ship is in all reasons, and
 * there is nothing to land. Where the link breaks, all that are on their way have their reasons,
 * and outlive it; they are landed all the same. A sound link is not closed before.
 */
struct amqp_shipment;
int amqp_link_ship(struct amqp_link *link, const struct amqp_publication *publications,
                   size_t count, struct error *reasons, struct amqp_shipment **ret_shipment);
void amqp_shipment_land(struct amqp_shipment *shipment, int timeout_ms); /* frees it */

/* *ret_consumer is a number of this link's: never used twice, and what deliveries name. prefetch:
 * this consumer's most unsettled deliveries; 0: no limit. */
int amqp_link_consume(struct amqp_link *link, const char *queue, uint16_t prefetch,
                      unsigned *ret_consumer, struct error *err);
int amqp_link_cancel(struct amqp_link *link, struct error *err); /* every consumer of this link */

struct amqp_delivery {
    uint64_t tag;
    unsigned consumer;
    bool redelivered;
    char account[64];   /* the user-id property as the broker validated it; "" if there was none */
    char publisher[64]; /* on whose behalf that account says to publish: only as true as it is */
    char *body;         /* owned; not terminated */
    size_t length;
    uint64_t size; /* of the body as the broker has it, read or not */
};
void amqp_delivery_clear(struct amqp_delivery *delivery);

enum amqp_arrival {
    AMQP_NOTHING,   /* timeout */
    AMQP_DELIVERY,  /* *ret_delivery is filled, the caller's to clear */
    AMQP_CANCELLED, /* the broker ended the consumer *ret_delivery names, whose queue may be gone */
    AMQP_BLOCKED,   /* a broker alarm: publishing waits */
    AMQP_UNBLOCKED,
};
/* Wait at most timeout_ms (0: only look). A delivery larger than max_body comes with an empty body.
 */
int amqp_link_next(struct amqp_link *link, int timeout_ms, size_t max_body,
                   enum amqp_arrival *ret_arrival, struct amqp_delivery *ret_delivery,
                   struct error *err);

/* Acknowledge one delivery, or with multiple all up to it. */
int amqp_link_ack(struct amqp_link *link, uint64_t tag, bool multiple, struct error *err);

/* Let heartbeats run and buffers shrink on a link that is otherwise idle; fails if it is broken. */
int amqp_link_tick(struct amqp_link *link, struct error *err);

#endif
