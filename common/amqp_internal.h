/*
 * What the files of amqp_link share, and nobody else includes:
 *
 *   amqp_open.c     endpoints, sockets, logging in; closing
 *   amqp_link.c     declare, consume, settle
 *   amqp_frames.c   frames of the broker → events
 *   amqp_methods.c  methods among them: one row each; refusals
 *   amqp_publish.c  publish and wait for the confirm
 *   amqp_shipment.c what is on its way, and what becomes of it
 */
#ifndef DCM_COMMON_AMQP_INTERNAL_H
#define DCM_COMMON_AMQP_INTERNAL_H

#include <amqp.h>

#include "common/amqp_link.h"
#include "common/clock.h"

#define AMQP_CHANNEL 1
#define CONSUMER_TAG "consumer-" /* and its number */
/* Larger bodies are dropped as they come: no broker of ours carries any. */
#define AMQP_BODY_MAX (1 << 20)

enum event_kind {
    EVENT_NONE, /* nothing within the deadline */
    EVENT_DELIVERY,
    EVENT_RETURNED,  /* basic.return: no queue takes it; its confirm follows */
    EVENT_CONFIRMED, /* basic.ack of what we published */
    EVENT_REJECTED,  /* basic.nack of what we published */
    EVENT_CANCELLED,
    EVENT_BLOCKED,
    EVENT_UNBLOCKED,
};
struct event {
    enum event_kind kind;
    uint64_t tag;                  /* of the publishes confirmed or rejected */
    bool multiple;                 /* all publishes up to tag */
    struct amqp_delivery delivery; /* EVENT_DELIVERY: the caller's to clear; of EVENT_CANCELLED
                                      the consumer alone */
    char reason[96];               /* EVENT_RETURNED: why … */
    char message_id[64];           /* … and which */
};

/* Deliveries and returns come in parts: a method, a header, and as many bodies as it takes. */
enum awaited { AWAIT_METHOD, AWAIT_HEADER, AWAIT_BODY };
struct content {
    enum awaited awaited;
    uint64_t missing; /* bytes of the body */
    bool dropped;     /* bytes of the body are counted, not kept */
    struct event event;
};

struct amqp_link {
    amqp_connection_state_t connection;
    char *account;
    char name[128]; /* of the endpoint, for messages: no credentials */
    int timeout_ms;
    bool publishes;
    bool tls;
    bool broken;         /* to be replaced */
    bool dead;           /* broken, and not even worth a goodbye */
    bool blocked;        /* the broker has an alarm and reads no publishes */
    bool rejected;       /* a queue had no room for what was published last */
    uint16_t close_code; /* with which the broker closed channel or connection; 0: it did not */
    struct amqp_shipment *shipments;        /* in the order in which they go */
    size_t under_way, bytes_under_way;      /* messages that are not settled, of all of them */
    uint64_t published;                     /* the sequence number of our last publish */
    unsigned first_consumer, next_consumer; /* numbers in the tags of consumers */
    struct content content;                 /* being put together */
    struct event waiting;                   /* seen by amqp_link_tick, for amqp_link_next */
};

struct timeval amqp_timeval(int64_t ms);

/* While it is on, only full packets leave us (tcp(7), TCP_CORK). */
void amqp_link_cork(const struct amqp_link *link, bool on);

/* The next event until `deadline` (clock_ms); a deadline that has passed: only look. */
int amqp_link_step(struct amqp_link *link, int64_t deadline, struct event *ret_event,
                   struct error *err);

/* What a method's frame says; *event is filled if that completes one. */
int amqp_link_take_method(struct amqp_link *link, const amqp_frame_t *frame, struct event *event,
                          struct error *err);

/* Mark the link as broken and fill *err with FAULT_DEPENDENCY. `doing` says what failed. */
int amqp_link_fail_status(struct amqp_link *link, int status, const char *doing, struct error *err);
/* By what the broker, or the library, answered to a call; 0 if that was well. */
int amqp_link_check_reply(struct amqp_link *link, amqp_rpc_reply_t reply, const char *doing,
                          struct error *err);
int amqp_link_check_usable(const struct amqp_link *link, struct error *err);

#endif
