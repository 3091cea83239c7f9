/*
 * What dcm-worker does instead of serving, once, for administrators: beside a worker that runs, or
 * without one. Each prints JSON or one line to standard output, and returns the exit status.
 */
#ifndef DCM_WORKER_ONCE_H
#define DCM_WORKER_ONCE_H

#include <stdbool.h>

#include "worker/config.h"

/* --check-policy FILE: its version, which workers report with their heartbeat; or 2, and where it
 * is faulty. */
int once_check_policy(const char *path);

/* --grants FILE: what it grants now to everybody whom it names, and as EVERYBODY (schemas/keys.h)
 * to all others: an object of policy_grants (policy.h). 2 where it is faulty. */
int once_grants(const char *path);

/*
 * --reconcile [--apply]: what differs between engine, index and journal, one difference a line
 * (keeper.h); with --apply after it was put right. 1 when something is left to do. Beside a worker
 * that runs each difference is looked at again under its lock, as its keeper would; only a store
 * that has lost data is left to that keeper.
 */
int once_reconcile(const struct worker_config *config, bool apply);

/*
 * --parked list|show|requeue|drop [ID] --broker FILE: the messages that were set aside
 * (schemas/parked.h), over the broker of FILE's `broker`, whose account asks for what is requeued;
 * the policy has to let it speak for the user. JSON, for list a line each. requeue and drop may be
 * killed at any point and repeated. 2 for words that make no sense, 4 when no copy has the id.
 */
int once_parked(const struct worker_config *config, const char *verb, const char *id,
                const char *broker);

/* --journal ID: what the journal knows of this request. 4 when it knows nothing. */
int once_journal(const struct worker_config *config, const char *id);

/* --forget USER: nothing that he has asked for comes back into a store. 1 when some of it has not
 * ended, or not been told to the store: that is left, for another time. */
int once_forget(const struct worker_config *config, const char *user);

/* --sign-image USER NAME:TAG: the labels by which an image of this engine is the user's, as a JSON
 * object; 2 for what cannot be a user or an image of his. Whoever gives an image these labels and
 * this name has it in the user's index within a minute, as one that the index had lost. */
int once_sign_image(const struct worker_config *config, const char *user, const char *name);

/* One line to standard error, for the files that do these. Returns the status. */
int once_complain(int status, const char *text);

#endif
