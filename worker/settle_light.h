/*
 * Requests that ask nothing of the engine, several together: what is true of one when it is claimed
 * is all that it comes to, so one function of the store claims it and ends it.
 */
#ifndef DCM_WORKER_SETTLE_LIGHT_H
#define DCM_WORKER_SETTLE_LIGHT_H

#include <stdbool.h>
#include <stddef.h>

#include "worker/dispatch.h"
#include "worker/runner.h"

/* Deliveries of light requests. ret_settled[i] is true of those that have ended; the others are for
 * settle_work: there is more to say to them, or the store is out of reach. */
void settle_light(struct runner *runner, const struct works *works, bool *ret_settled);

#endif
