/*
 * Containers that are to run again, because they ran until the engine went down (keeper_waits.c): a
 * table of the journal. A row says for which address one waits, or that it waits no
 * more: its user has stopped it since, which the engine does not note of a container that stands
 * still, or it could not be started. Failures are the
 * journal's.
 */
#ifndef DCM_WORKER_JOURNAL_WAITS_H
#define DCM_WORKER_JOURNAL_WAITS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "schemas/names.h"
#include "worker/journal.h"

#define WAIT_ADDRESS_SIZE 16
#define WAITS_NO_MORE ""

struct wait {
    char container[ENGINE_ID_SIZE]; /* full id */
    char user[USER_NAME_MAX + 1];
    char name[CONTAINER_NAME_MAX + 1];
    char address[WAIT_ADDRESS_SIZE]; /* or WAITS_NO_MORE */
};

/* address: for which it waits from now on, or WAITS_NO_MORE. */
int waits_note(struct journal *journal, const char *container, const char *user, const char *name,
               const char *address, struct error *err);
/* *ret_found: there is a row, and it is *ret_wait. */
int waits_find(struct journal *journal, const char *container, struct wait *ret_wait,
               bool *ret_found, struct error *err);
/* It runs, or is gone. Nothing there is success. */
int waits_forget(struct journal *journal, const char *container, struct error *err);

/* Every address that is waited for: an array of texts. */
int waits_addresses(struct journal *journal, json_t **ret_addresses, struct error *err);
/* Up to `most` of those that wait for this one, in no order: whatever cannot be started just now
 * holds up no other. */
int waits_for(struct journal *journal, const char *address, struct wait *ret_waits, size_t most,
              size_t *ret_count, struct error *err);

#endif
