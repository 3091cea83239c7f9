/*
 * From an outcome to a recorded result: journal, store, journal, in this order, so that a result
 * that was once told never changes. Every step may be repeated.
 */
#ifndef DCM_WORKER_RECORD_H
#define DCM_WORKER_RECORD_H

#include <jansson.h>

#include "common/error.h"
#include "worker/journal.h"
#include "worker/runner.h"

/* The job has ended: done (status 0, *fault unused), or with *fault. Logs and counts it. -1: it has
 * still to be recorded. */
int record_outcome(struct runner *runner, const struct job *job, json_t *result, int status,
                   const struct error *fault, struct error *err);

/* An earlier attempt ended it and perhaps could not say so: say so (again). */
int record_again(struct runner *runner, const struct job *job, const struct journal_entry *entry,
                 struct error *err);

/* The store holds another end, or somebody else's: what the journal holds ends with this result,
 * and the record stays as it is. */
int record_here_only(struct runner *runner, const struct job *job, const json_t *result,
                     struct error *err);

/* What says in the log, and to whoever counts, how a request has ended. */
void record_end(const struct runner *runner, const struct job *job, const json_t *result);

#endif
