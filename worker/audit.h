/*
 * The audit log: who asked what through which publisher, which rules decided, what was done. One
 * JSON object a line (schemas/audit.schema.json), in a file of root's that is only ever added to.
 *
 * The file is opened anew for each line, or for several that are added together: it can be renamed
 * away at any time, and the next line begins another. Lines of several processes never mix, and
 * what there is no room for leaves nothing of itself.
 */
#ifndef DCM_WORKER_AUDIT_H
#define DCM_WORKER_AUDIT_H

#include <jansson.h>

#include "common/error.h"
#include "worker/runner.h"

/* Can lines be added there? Makes the file, and its folder, where there is none. FAULT_INVALID: the
 * file, or its folder, is not there, no regular file, or not ours alone to write (the file: and to
 * read). */
int audit_check(const char *path, struct error *err);
int audit_append(const char *path, json_t *const entries[], size_t count, struct error *err);

/*
 * The lines that there are. Each tells of something that has happened: where the file cannot be
 * written that goes on, and the line goes to the log instead, as an error.
 */
/* A request has ended; result as its user gets it. And several, at most WORKS_MOST, which all came
 * to the same. */
void audit_request(const struct runner *runner, const struct job *job, const json_t *result);
void audit_requests(const struct runner *runner, const struct job *jobs, size_t count,
                    const json_t *result);
/* A request that is nobody's: its publisher may not speak for its user. */
void audit_refusal(const struct runner *runner, const struct job *job, const struct error *refusal);
/* No request at all. */
void audit_message(const struct runner *runner, const char *publisher, const struct error *reason);
/* The keeper has stopped or removed ("stopped", "removed") a container whose end had come. */
void audit_expiry(const struct runner *runner, const char *user, const char *name, const char *id,
                  const char *done);
/* The keeper has settled a difference; item as keeper_survey found it. */
void audit_difference(const struct runner *runner, const json_t *item);

#endif
