/* Users with a queue in the batch class, in the store (worker/store.h). */
#ifndef DCM_WORKER_STORE_BATCHES_H
#define DCM_WORKER_STORE_BATCHES_H

#include <jansson.h>

#include "worker/store.h"

/* Users with a queue in the batch class, on whichever server: arrays of texts. */
int store_add_batches(struct store *store, const json_t *users, struct error *err);
int store_remove_batch(struct store *store, const char *user, struct error *err);
int store_batches(struct store *store, json_t **ret_users, struct error *err);

#endif
