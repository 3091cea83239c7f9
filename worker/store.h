/*
 * The worker's half of the store: what all of it shares. Claims, records and streams are in
 * store_requests.h, index entries and leases in store_containers.h. One Redis function per change
 * (schemas/store/, docs/protocol.md), each safe to repeat for the same request. FAULT_DEPENDENCY
 * means that the outcome is unknown: read again, or repeat. It also is the fault when the store is
 * not of the generation that is relied upon, or has come back old: nothing was changed, and nothing
 * will be until the keeper has compared it (worker/watermark.h).
 */
#ifndef DCM_WORKER_STORE_H
#define DCM_WORKER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "worker/metrics.h"
#include "worker/watermark.h"

struct store;

#define STORE_TOGETHER 64 /* calls in one round trip, at the most */

/* url and server are copied; mark is borrowed, or NULL for one of the store's own. Does not connect
 * yet, and relies upon no generation yet. */
int store_new(const char *url, const char *server, struct watermark *mark, struct store **ret_store,
              struct error *err);
void store_free(struct store *store);
static inline void auto_store(struct store **slot)
{
    store_free(*slot);
}

/* Show from here on whether it answers. Borrowed. */
void store_measure(struct store *store, struct metrics *metrics);

/* Rely from here on upon the generation that the keeper has settled: an attempt that began with
 * another one fails, whatever it read in between, and is made again. */
void store_begin(struct store *store);
/* The keeper's own way: rely upon this one. */
void store_trust(struct store *store, uint64_t generation);
/* FAULT_DEPENDENCY: what was read since store_begin may be what a store says that has lost data. */
int store_check(struct store *store, struct error *err);
/* This server's seq after the last call that changed something: a store that is behind it lacks
 * that change. */
uint64_t store_seq(const struct store *store);

/* Is this the store that the journal knows, by its generation and the seq that it has recorded? If
 * not it is of another generation from here on, and holds of this server at most what was there at
 * the seq *ret_holds. */
struct opening {
    bool is_same;
    uint64_t generation;
    uint64_t holds;
};
int store_open(struct store *store, uint64_t generation, uint64_t seq, struct opening *ret_opening,
               struct error *err);
/* See to it that submitting sides have their functions, and of this version. */
int store_provide(struct store *store, struct error *err);

/* What is thought of one thing that was considered; the texts are the callee's for the call only.
 */
typedef void store_opinion(const char *what, const char *rule, const struct error *refusal,
                           void *context); /* refusal NULL: it may be */

#endif
