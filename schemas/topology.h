/* The names of DCM's exchanges and queues in RabbitMQ: here, once. */
#ifndef DCM_SCHEMAS_TOPOLOGY_H
#define DCM_SCHEMAS_TOPOLOGY_H

#define EXCHANGE_REQUESTS "dcm.requests" /* direct; the only thing that publishers may write to */
#define EXCHANGE_UNSORTED "dcm.unsorted" /* fanout; for what the first has no queue for */
#define QUEUE_INTERACTIVE "dcm.interactive"
#define ROUTE_INTERACTIVE "interactive"
#define QUEUE_UNSORTED "dcm.unsorted" /* what workers have to sort into the queues of users */
#define QUEUE_BATCH "dcm.batch."      /* and a user: the batch class's, one a user */
#define ROUTE_BATCH "batch."          /* and a user */
#define QUEUE_PARKED                                                                               \
    "dcm.parked" /* through the default exchange; clean copies of what no worker could take */
#define QUEUE_INTERACTIVE_MAX 1000000
#define QUEUE_UNSORTED_MAX 1000000
#define QUEUE_BATCH_MAX 1000000
#define QUEUE_PARKED_MAX 100000

#endif
