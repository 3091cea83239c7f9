/*
 * The keeper: one process a worker that holds the index against the engine. Engine events are
 * hints; a full comparison, at the start, every minute and whenever the events broke off, is the
 * truth. It also says every few seconds that this server lives, and forgets what is past retention.
 */
#ifndef DCM_WORKER_KEEPER_H
#define DCM_WORKER_KEEPER_H

#include "worker/config.h"
#include "worker/runner.h"

/* Returns the exit status. */
int keeper_run(const struct worker_config *config);

/* Compare everything: states that changed, containers removed by hand, and containers of ours that
 * the index has lost. Containers that are not ours are never touched. Trouble with a single one is
 * logged; only engine, store or journal out of reach end the comparison. */
int keeper_compare(struct runner *keeper, struct error *err);

/* The same for users' own images; what is left of replaced ones is removed. */
int keeper_compare_images(struct runner *keeper, struct error *err);
/* Tell users' programs what each may do here, and which of the administrator's images he may use.
 */
int keeper_publish(struct runner *keeper, struct error *err);

/* Bring the index entry of one container in step with the engine, under the container's lock. */
int keeper_refresh(struct runner *keeper, const char *user, const char *name, const char *id,
                   struct error *err);

/* Does this item of the engine's list have the name of one that stands aside (engine.h)? */
bool keeper_is_aside(const json_t *listed, const char *user, const char *name);
/* Put back a container that stands aside for its successor (engine.h), or clear it away if that has
 * come; unless a runner will go on with its recreate. */
int keeper_settle_aside(struct runner *keeper, const char *user, const char *id, struct error *err);

/* Put a container of ours that the index lacks back into it, with its leases. */
int keeper_restore(struct runner *keeper, const char *user, const char *name, const char *id,
                   struct error *err);

#endif
