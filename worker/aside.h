/*
 * Requests that are set aside: nothing is begun for them, nothing is left of what their attempts
 * made, and they have not ended. An administrator asks for them anew, or ends them.
 */
#ifndef DCM_WORKER_ASIDE_H
#define DCM_WORKER_ASIDE_H

#include "common/error.h"
#include "worker/runner.h"

/* Set aside what the journal holds begun; a copy has been parked. */
int aside_set(struct runner *runner, struct job *job, struct error *err);
/* And clear up after it. Does nothing for what is not set aside any more. */
int aside_clear_up(struct runner *runner, struct job *job, struct error *err);

/*
 * What an administrator does about it, of this server's journal. Both may be repeated at any point.
 * *ret_result, a new reference, is set where the request has ended, before this or now; else it
 * stays NULL. FAULT_CONFLICT: the id is another request's, or another server has the request.
 */
/* The attempts so far count no more: when the request is published again, it is begun again. */
int aside_release(struct runner *runner, struct job *job, json_t **ret_result, struct error *err);
/* It ends, and whoever waits is told so. */
int aside_end(struct runner *runner, struct job *job, json_t **ret_result, struct error *err);

#endif
