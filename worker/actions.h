/*
 * What each kind of request does: one table, with a row for every op.
 */
#ifndef DCM_WORKER_ACTIONS_H
#define DCM_WORKER_ACTIONS_H

#include <stdbool.h>

#include "common/error.h"
#include "schemas/request.h"
#include "worker/requests/requests.h"
#include "worker/runner.h"

struct action {
    request_action *run;
    bool is_journalled; /* the journal has to know before it begins; else it only reads */
    bool makes_data;    /* not begun where a disk is nearly full (worker/room.h) */
    request_undo *undo; /* of what an earlier attempt made; NULL: repeating finds it all */
};

const struct action *action_of(enum op op);

/* A request that has failed for good, or is set aside, leaves nothing behind of what earlier
 * attempts made. -1: only later, engine or store are out of reach. */
int action_clear_up(struct runner *runner, const struct job *job, struct error *err);

#endif
