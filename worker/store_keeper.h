/* What the keeper reads, puts back and tells of this server (worker/store.h). */
#ifndef DCM_WORKER_STORE_KEEPER_H
#define DCM_WORKER_STORE_KEEPER_H

#include <jansson.h>
#include <stdbool.h>

#include "worker/store.h"

/* Every entry of this server, an array of entries with "user" added. Reservations
 * that ran out are dropped in passing. */
int store_containers_of_server(struct store *store, json_t **ret_entries, struct error *err);
/* Every lease of this server: {"tcp/2635": {"0.0.0.0": {"user","name","request","until"}}}; and who
 * has which subnet: {"17": "alice"}. */
int store_leases(struct store *store, json_t **ret_leases, struct error *err);
int store_subnets(struct store *store, json_t **ret_subnets, struct error *err);
/* Drop this request's lease of a port ("tcp/2635"), unless an entry of that name holds it. */
int store_drop_lease(struct store *store, const char *user, const char *name,
                     const char *request_id, const char *port, const char *address,
                     struct error *err);
/* Drop the request's entry of this name, if it is still a reservation. */
int store_abandon(struct store *store, const char *user, const char *name, const char *request_id,
                  struct error *err);
/* Put back entry and leases of a container that the engine has and the index lacks: bound, or with
 * "life" (ms) in the entry, reserved for so long. The entry needs "request", "ssh_port", "ports"
 * and "container" with its name. FAULT_CONFLICT: name, a port or the subnet is somebody else's by
 * now.
 */
int store_restore(struct store *store, const char *user, const json_t *entry, unsigned subnet,
                  struct error *err);
/* facts: {"version","address",…}; adds the time and a rising seq. */
int store_heartbeat(struct store *store, const json_t *facts, struct error *err);
/* Every image of this server, entries with "user" added. */
int store_images_of_server(struct store *store, json_t **ret_entries, struct error *err);
/* What the policy means on this server to each user, or EVERYBODY: an object of
 * {"granted":[images…],"limits":[grants…]}. Who is not in it any more is withdrawn. Nothing is
 * written where the store has it already. */
int store_publish(struct store *store, json_t *published, struct error *err);

#endif
