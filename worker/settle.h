/*
 * From a message to a recorded result: who may ask, whether it has been done before, the claim, the
 * journal, the effect, the record. Every step may be repeated after a crash.
 */
#ifndef DCM_WORKER_SETTLE_H
#define DCM_WORKER_SETTLE_H

#include <stdbool.h>

#include "common/error.h"
#include "schemas/request.h"
#include "worker/dispatch.h"
#include "worker/runner.h"

/*
 * Work a delivery, or what the journal holds. 0: settled, and the link may forget it; SETTLE_PROVEN
 * says in addition that engine and store have both answered. FATE_RETRY: one of them is out of
 * reach. FATE_PARK: nobody can make anything of it, or it has killed too many runners;
 * runner->history is then what the journal knows of its attempts, if anything. Logs the outcome,
 * once.
 */
#define SETTLE_PROVEN 1
/* Of WORK_ADMIT: nothing was done but to let the user have a queue in the batch class. */
#define SETTLE_ADMITTED 2
int settle_work(struct runner *runner, const struct work *work, struct error *err);

/* A request that has failed for good, or is set aside, leaves nothing behind of what earlier
 * attempts made. */
int settle_clear_up(struct runner *runner, const struct job *job, struct error *err);

/* Is there an action for this kind of request? There has to be one for each. */
bool settle_knows(enum op op);

#endif
