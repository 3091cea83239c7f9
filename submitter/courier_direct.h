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

/*
 * `submit` in two halves: begin checks the ids and sends, finish waits for the confirms and notes
 * down. Between them the broker works, and the next may be begun; they are finished in their order,
 * and before anything else is asked of the courier.
 */
struct publishing;
struct passage {
    const struct request *requests; /* borrowed, as the reasons, until the end */
    size_t count;
    struct error *reasons; /* as `submit` has them, once it is finished */
    struct publishing *publishing;
};
void courier_direct_begin(struct courier *courier, struct passage *passage, int timeout_ms);
int courier_direct_finish(struct courier *courier, struct passage *passage);

/* For an idle process, at least every PUBLISHER_HEARTBEAT_S / 2: lets heartbeats run, and connects
 * to the broker anew where the connection has broken, so that the next client need not wait for it.
 */
int courier_direct_keep(struct courier *courier, struct error *err);

#endif
