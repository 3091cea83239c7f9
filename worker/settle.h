/*
 * From a message to a recorded result: who may ask, whether it has been done before, the claim, the
 * journal, the effect, the record. Every step may be repeated after a crash.
 */
#ifndef DCM_WORKER_SETTLE_H
#define DCM_WORKER_SETTLE_H

#include "common/error.h"
#include "worker/dispatch.h"
#include "worker/runner.h"

/*
 * Work a WORK_DELIVERY or WORK_RESUME. 0: settled, and the link may forget it. FATE_RETRY: engine
 * or store are out of reach. FATE_PARK: nobody can make anything of it. Logs the outcome, once.
 */
int settle_work(struct runner *runner, const struct work *work, struct error *err);

#endif
