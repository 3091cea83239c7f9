/*
 * Whose batch queues this server has heard of: a table of the journal, for the broker does not say
 * which queues it has and the store can be lost. Failures are the journal's.
 */
#ifndef DCM_WORKER_JOURNAL_BATCHES_H
#define DCM_WORKER_JOURNAL_BATCHES_H

#include <jansson.h>

#include "common/error.h"
#include "worker/journal.h"

/* Twice is as good as once; to remove what is not there is success. */
int batches_journal_add(struct journal *journal, const char *user, struct error *err);
int batches_journal_remove(struct journal *journal, const char *user, struct error *err);
/* An array of users' names. */
int batches_journal_list(struct journal *journal, json_t **ret_users, struct error *err);

#endif
