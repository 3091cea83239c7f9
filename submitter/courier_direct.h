/*
 * The courier that holds credentials: what the gate's children need of it beyond courier.h.
 *
 * One publishing connection to RabbitMQ and one to Redis, both opened on first use, kept warm, and
 * replaced when they break.
 */
#ifndef DCM_SUBMITTER_COURIER_DIRECT_H
#define DCM_SUBMITTER_COURIER_DIRECT_H

#include "common/error.h"
#include "submitter/courier.h"

/* Work for this user from here on; a checked name, copied. */
void courier_direct_set_user(struct courier *courier, const char *user);

/* For an idle process, at least every PUBLISHER_HEARTBEAT_S / 2: lets heartbeats run, and connects
 * to the broker anew where the connection has broken, so that the next client need not wait for it.
 */
int courier_direct_keep(struct courier *courier, struct error *err);

#endif
