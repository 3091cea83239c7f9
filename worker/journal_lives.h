/*
 * How long containers may live: a table of the journal, for the engine's labels cannot be changed
 * and the store can be lost. A container without a row has no end. Times are milliseconds since the
 * epoch; failures are the journal's.
 *
 * A row also says when the keeper has to look at the container next: at its end, and then again
 * when it has been kept long enough. Rows of containers that are gone do no harm: the keeper drops
 * them when it looks.
 */
#ifndef DCM_WORKER_JOURNAL_LIVES_H
#define DCM_WORKER_JOURNAL_LIVES_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "schemas/names.h"
#include "worker/journal.h"

struct life {
    char container[ENGINE_ID_SIZE]; /* full id */
    char user[USER_NAME_MAX + 1];
    char name[CONTAINER_NAME_MAX + 1];
    int64_t ends;
};

/* Of a new container. One that has an end already keeps it. */
int lives_begin(struct journal *journal, const struct life *life, struct error *err);
/* *ret_ends: 0 for a container without an end. */
int lives_find(struct journal *journal, const char *container, int64_t *ret_ends,
               struct error *err);
/* Another end for a container that has one. */
int lives_extend(struct journal *journal, const char *container, int64_t ends, struct error *err);
/* A container that is gone. Nothing there is success. */
int lives_forget(struct journal *journal, const char *container, struct error *err);

/* Up to `most` of those that have to be looked at by now, the longest overdue first. */
int lives_due(struct journal *journal, int64_t now, struct life *ret_lives, size_t most,
              size_t *ret_count, struct error *err);
/* Looked at: not before this time again, unless its end changes. */
int lives_postpone(struct journal *journal, const char *container, int64_t until,
                   struct error *err);
/* Look at this one again once its end has come; NULL: at all of them. */
int lives_look_again(struct journal *journal, const char *container, struct error *err);

#endif
