/*
 * Who has a queue in the batch class, as runners know it: from this server's journal and, of other
 * servers, from the store.
 */
#ifndef DCM_WORKER_BATCH_USERS_H
#define DCM_WORKER_BATCH_USERS_H

#include "common/error.h"
#include "worker/dispatch.h"
#include "worker/runner.h"

/* From now on the user may have one. */
int batch_users_admit(struct runner *runner, const char *user, struct error *err);
/* Tell the link each of them. A store that is out of reach is not missed. */
int batch_users_tell(struct runner *runner, const struct work *work, struct error *err);
/* The queue of the user that the work names was deleted. */
int batch_users_forget(struct runner *runner, const struct work *work, struct error *err);

#endif
