/*
 * From a message to a recorded result: who may ask, whether it has been done before, the claim, the
 * journal, the effect, the record. Every step may be repeated after a crash.
 */
#ifndef DCM_WORKER_SETTLE_H
#define DCM_WORKER_SETTLE_H

#include "common/error.h"
#include "worker/dispatch.h"
#include "worker/runner.h"

#define SETTLE_PROVEN 1   /* engine and store have both answered */
#define SETTLE_ADMITTED 2 /* WORK_ADMIT: its user may have a queue in the batch class, no more */
#define SETTLE_EARLY 3    /* not settled: the store does not know yet whether another has done it */
#define SETTLE_ELSEWHERE 4 /* not settled: another server has it, and has not ended it */

/*
 * Work a delivery, or what the journal holds. 0, or one of the first two: settled, and the link may
 * forget it. FATE_RETRY: engine or store are out of reach. FATE_PARK: nobody can make anything of
 * it, or it has killed too many runners; runner->history is then what the journal knows of its
 * attempts, if anything. Logs the outcome, once.
 */
int settle_work(struct runner *runner, const struct work *work, struct error *err);

#endif
