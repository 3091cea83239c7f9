/*
 * Servers that have copies of one request: who comes second asks the one that has claimed it,
 * through a set in the store, and waits for its end. A server that died between its claim and its
 * journal knows nothing of it; asked, it lets go.
 */
#ifndef DCM_WORKER_STORE_ASKED_H
#define DCM_WORKER_STORE_ASKED_H

#include <jansson.h>

#include "schemas/identifier.h"
#include "schemas/names.h"
#include "schemas/request.h"
#include "worker/store.h"

/* What this server is asked about: an array of texts, for asked_read. */
int store_asked(struct store *store, json_t **ret_asked, struct error *err);
/* Whose request, and its id, both well-formed. -1: the text says neither. */
int asked_read(const char *text, char ret_user[USER_NAME_MAX + 1], char ret_id[IDENTIFIER_SIZE]);
/* It has been looked at. */
int store_forget_asked(struct store *store, const char *text, struct error *err);

/* The request's op and its running result (schemas/result.h), while this server holds it: claimed
 * and not ended. FAULT_NOT_FOUND: it does not. */
int store_held(struct store *store, const char *user, const char *id, enum op *ret_op,
               json_t **ret_result, struct error *err);
/* It may be claimed again; `result`, which becomes a queued one, is what its record says meanwhile.
 * A request that has ended, or is another's, stays as it is. */
int store_unclaim(struct store *store, const char *user, const char *id, json_t *result,
                  struct error *err);

#endif
