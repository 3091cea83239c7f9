/* The names of DCM's exchanges and queues in RabbitMQ: here, once. */
#ifndef DCM_SCHEMAS_TOPOLOGY_H
#define DCM_SCHEMAS_TOPOLOGY_H

#include <stdbool.h>

#include "schemas/names.h"

#define EXCHANGE_REQUESTS "dcm.requests" /* direct; the only thing that publishers may write to */
#define EXCHANGE_UNSORTED "dcm.unsorted" /* fanout; for what the first has no queue for */
#define QUEUE_INTERACTIVE "dcm.interactive"
#define ROUTE_INTERACTIVE "interactive"
#define QUEUE_UNSORTED "dcm.unsorted" /* what workers have to sort into the queues of users */
#define QUEUE_BATCH "dcm.batch."      /* and a user: the batch class's, one a user */
#define ROUTE_BATCH "batch."          /* and a user */
#define QUEUE_PARKED "dcm.parked"     /* through the default exchange; clean copies */
#define QUEUE_INTERACTIVE_MAX 1000000
#define QUEUE_UNSORTED_MAX 1000000
#define QUEUE_BATCH_MAX 1000000
#define QUEUE_PARKED_MAX 100000

#define QUEUE_NAME_SIZE (sizeof(QUEUE_BATCH) + USER_NAME_MAX)
#define ROUTE_SIZE (sizeof(ROUTE_INTERACTIVE) + USER_NAME_MAX)

/* The user's queue of the batch class. */
void queue_of_user(char ret_queue[QUEUE_NAME_SIZE], const char *user);
/* The routing key with which a request of the user's, of either class, is for its queue. */
void route_of(char ret_route[ROUTE_SIZE], const char *user, bool batch);

#endif
