/*
 * The link: the only process of a worker that talks to RabbitMQ. It has no privileges and no way
 * to the engine. It hands deliveries to idle runners, settles them when they are journalled or
 * done, and while engine or store are out of reach it cancels its consumers and tries, one at a
 * time and with growing pauses, what it has in hand: returned deliveries would go to the tail of
 * the queue. When all of that has been tried five times it takes more, lest a request that alone
 * keeps failing stop the rest.
 */
#ifndef DCM_WORKER_LINK_H
#define DCM_WORKER_LINK_H

#include "worker/config.h"
#include "worker/metrics.h"

/* control: the socket on which runners' sockets come (slot_send). Returns the exit status. */
int link_run(const struct worker_config *config, struct metrics *metrics, int control);

#endif
