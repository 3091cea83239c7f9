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

/* What this server is asked about: an array of texts, for store_asked_read. New reference. */
int store_asked(struct store *store, json_t **ret_asked, struct error *err);
/* Whose request, and its id, both well-formed. -1: the text says neither. */
int store_asked_read(const char *text, char ret_user[USER_NAME_MAX + 1],
                     char ret_id[IDENTIFIER_SIZE]);
/* The question has been answered: it goes. Whoever still waits asks again. */
int store_forget_asked(struct store *store, const char *text, struct error *err);

/* A request that this server holds: claimed and not ended. */
struct held {
    enum op op;
    json_t *result; /* a running one (schemas/result.h); owned */
    char epoch[24]; /* of its record, which each claim raises */
};
static inline void auto_held(struct held *held)
{
    json_decref(held->result);
}
/* FAULT_NOT_FOUND: this server does not hold it, or its record cannot be read. */
int store_held(struct store *store, const char *user, const char *id, struct held *ret_held,
               struct error *err);
/* It may be claimed again; held->result, which becomes a queued one, is what its record says
 * meanwhile. A request that has ended, or been claimed since, stays as it is. */
int store_unclaim(struct store *store, const char *user, const char *id, struct held *held,
                  struct error *err);

#endif
