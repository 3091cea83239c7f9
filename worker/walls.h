/*
 * What each of the worker's processes keeps of root: a table, which docs/architecture.md has for
 * people. The supervisor's row is what it needs to start, and end, the others.
 */
#ifndef DCM_WORKER_WALLS_H
#define DCM_WORKER_WALLS_H

#include "common/error.h"
#include "worker/config.h"

enum worker_process {
    PROCESS_SUPERVISOR,
    PROCESS_LINK,
    PROCESS_KEEPER,
    PROCESS_RUNNER,
    PROCESS_METRICS,
};

/* Give up the rest, for good; link and metrics become the account of the configuration.
 * FAULT_INTERNAL. */
int walls_raise(const struct worker_config *config, enum worker_process process, struct error *err);

#endif
