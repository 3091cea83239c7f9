/*
 * The keeper: one process a worker that holds the index against engine and journal. Engine events
 * are hints; a full comparison, at the start, every minute and whenever the events broke off, is
 * the truth. What can differ, and what is done about it, is a table (worker/difference.h). A store
 * that has lost data is put in order by the same comparison, before anybody allocates anything from
 * it. The keeper also says every few seconds that this server lives, and forgets what is past
 * retention.
 */
#ifndef DCM_WORKER_KEEPER_H
#define DCM_WORKER_KEEPER_H

#include "worker/config.h"
#include "worker/runner.h"

/* Returns the exit status. */
int keeper_run(const struct worker_config *config, struct watermark *mark, struct metrics *metrics);

/*
 * Compare everything: *ret_found is an array of differences, {"kind","remedy","user",…}, and
 * nothing is changed. rebuilding: the store has lost data, and what is under way has to come back
 * too.
 */
int keeper_survey(struct runner *keeper, bool rebuilding, json_t **ret_found, struct error *err);
/* Put these right, each looked at again under its lock. Trouble with a single one is noted in it
 * ("trouble") and logged; only engine, store or journal out of reach end it. What was done is
 * marked
 * ("done"). Containers that are not ours are never touched. */
int keeper_settle(struct runner *keeper, json_t *found, struct error *err);

/* Is the store the one that we know? If not, records, claims, entries and leases are put back, and
 * only then is it relied upon. *ret_lost: it had lost data. */
int keeper_open_store(struct runner *keeper, bool *ret_lost, struct error *err);

/* Tell users' programs what each may do here, and which of the administrator's images he may use.
 */
int keeper_publish(struct runner *keeper, struct error *err);

/* Stop containers whose end has come, and remove those that have been kept long enough after it.
 * Trouble with a single one is logged, and it is tried again later; only the journal's is returned.
 */
int keeper_expire(struct runner *keeper, struct error *err);

/* Start what ran until the engine went down, as far as the host has the addresses: a few a call.
 * Trouble with a single one is logged and sets *ret_trouble; only the journal's is returned. */
int keeper_wake(struct runner *keeper, bool *ret_trouble, struct error *err);

/* Bring the index entry of one container in step with the engine, under the container's lock. */
int keeper_refresh(struct runner *keeper, const char *user, const char *name, const char *id,
                   struct error *err);

#endif
