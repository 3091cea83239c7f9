/*
 * The queue of messages that were set aside, as an administrator reads it: what is shown is held
 * until the desk's connection is closed, and goes back into the queue unless it was acknowledged.
 */
#ifndef DCM_WORKER_PARKED_DESK_H
#define DCM_WORKER_PARKED_DESK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/amqp_link.h"
#include "common/error.h"
#include "common/tls.h"
#include "schemas/request.h"
#include "worker/runner.h"

#define DESK_TIMEOUT_MS 5000
#define COPIES_MOST 64 /* of one message; more are dealt with when this is repeated */

struct desk {
    struct runner runner;
    char **broker;
    struct tls_settings tls; /* to it; none: as the worker's */
    struct amqp_link *queue; /* NULL before the first visit */
};

/* One message, and every copy of it. */
struct parked_item {
    json_t *document;
    const char *id, *server, *publisher, *body; /* borrowed from document; body may be NULL */
    struct request request;
    struct error unreadable; /* fault 0: `request` is what the body says */
    uint64_t tags[COPIES_MOST];
    size_t copies;
};

void parked_item_clear(struct parked_item *item);
static inline void auto_parked_item(struct parked_item *item)
{
    parked_item_clear(item);
}

int desk_open_broker(const struct desk *desk, bool publishes, struct amqp_link **ret_link,
                     struct error *err);

/* Not 0: no more of them. */
typedef int parked_visit(struct parked_item *item, void *context);
/* All that was there when it began; what is none of ours is named on standard error, and stays. */
int desk_visit(struct desk *desk, parked_visit *visit, void *context, struct error *err);
/* The message of this id with its copies; it has none if there is no such message. */
int desk_find(struct desk *desk, const char *id, struct parked_item *ret_item, struct error *err);
int desk_acknowledge(struct desk *desk, const struct parked_item *item, struct error *err);

#endif
