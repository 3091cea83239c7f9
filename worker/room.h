/*
 * The floor under the server's disks: where less than `disk_floor` is free, nothing is begun that
 * makes data, so that there is room to end what is under way, to write down what came of it, and to
 * clear up.
 */
#ifndef DCM_WORKER_ROOM_H
#define DCM_WORKER_ROOM_H

#include "common/error.h"
#include "worker/runner.h"
#include "worker/verdicts.h"

/* FAULT_NO_ROOM names the first disk that has too little free of those that hold the engine's data,
 * users' storage and the journal. One that cannot be seen from here is passed over. */
int room_judge(struct runner *runner, struct verdicts *verdicts, struct error *err);

#endif
