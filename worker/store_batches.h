/* Users with a queue in the batch class, in the store (worker/store.h). */
#ifndef DCM_WORKER_STORE_BATCHES_H
#define DCM_WORKER_STORE_BATCHES_H

#include <jansson.h>

#include "worker/store.h"

/* Users with a queue in the batch class, on whichever server; *ret_users is an array of texts. */
int store_add_batch(struct store *store, const char *user, struct error *err);
int store_remove_batch(struct store *store, const char *user, struct error *err);
int store_batches(struct store *store, json_t **ret_users, struct error *err);

#endif
