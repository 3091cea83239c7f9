/*
 * Publishing requests to RabbitMQ with credentials of our own, over a connection that is made on
 * first use and kept warm.
 */
#ifndef DCM_SUBMITTER_PUBLISHER_H
#define DCM_SUBMITTER_PUBLISHER_H

#include <stddef.h>

#include "common/error.h"
#include "schemas/request.h"

#define PUBLISHER_HEARTBEAT_S 30

struct publisher;

/* brokers: NULL-terminated amqp:// URLs, which are copied and tried in turn. */
int publisher_new(const char *const *brokers, struct publisher **ret_publisher, struct error *err);
void publisher_free(struct publisher *publisher); /* accepts NULL */

/*
 * Publish all requests, in two halves, between which the caller may do something else while the
 * broker works; several may be under way, and are finished in their order. reasons[i] says, in the
 * end, what became of requests[i]: FAULT_NONE, confirmed; FAULT_DEPENDENCY, not published;
 * FAULT_UNCONFIRMED, perhaps published. What an entry of reasons says already stands, and that
 * request is left out. The reasons are borrowed until finish, which answers 0 if all are confirmed,
 * and frees what begin gave, also NULL.
 *
 * A warm connection may have died unnoticed, and a confirm may be lost with its connection: either
 * is worth one more attempt, on a fresh one. The id is the same, so asking twice is asking once.
 */
struct publishing;
struct publishing *publisher_begin(struct publisher *publisher, const struct request *requests,
                                   size_t count, int timeout_ms, struct error *reasons);
int publisher_finish(struct publisher *publisher, struct publishing *publishing);

/* A connection without heartbeats is one that the broker ends with a complaint in its log: call
 * this at least every PUBLISHER_HEARTBEAT_S / 2. Connects nothing. */
void publisher_keep(struct publisher *publisher);
int publisher_connect(struct publisher *publisher, int timeout_ms, struct error *err);

#endif
