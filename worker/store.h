/*
 * The worker's half of the store: claims, leases, index entries, records, streams. One Redis
 * function per change (schemas/store/, docs/protocol.md), each safe to repeat for the same request.
 * FAULT_DEPENDENCY means that the outcome is unknown: read again, or repeat. It also is the fault
 * when the store is not of the generation that is relied upon, or has come back old: nothing was
 * changed, and nothing will be until the keeper has compared it (worker/watermark.h).
 */
#ifndef DCM_WORKER_STORE_H
#define DCM_WORKER_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "schemas/event.h"
#include "schemas/names.h"
#include "schemas/ports.h"
#include "schemas/request.h"
#include "worker/watermark.h"

struct store;

/* url and server are copied; mark is borrowed, or NULL for one of the store's own. Does not connect
 * yet, and relies upon no generation yet. */
int store_new(const char *url, const char *server, struct watermark *mark, struct store **ret_store,
              struct error *err);
void store_free(struct store *store);
static inline void auto_store(struct store **slot)
{
    store_free(*slot);
}

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

#define CANCEL_WORD_SIZE 64

enum claim {
    CLAIM_OURS,      /* go on; also when this server had claimed it before */
    CLAIM_ENDED,     /* somebody finished it: *ret_result */
    CLAIM_MISMATCH,  /* the same id was used with another body */
    CLAIM_ELSEWHERE, /* another server has claimed it */
    CLAIM_CANCELLED  /* its user took it back before anybody claimed it: end it */
};
/* Place and claim in one step, record `running`, tell the stream "placed". What has begun here
 * already cannot be taken back any more. */
int store_claim(struct store *store, const struct request *request, const char *hash, bool begun,
                enum claim *ret_claim, json_t **ret_result, struct error *err);
enum cancel {
    CANCEL_NOTED, /* it has not begun, and no claim will begin it */
    CANCEL_BEGUN, /* *ret_word: the server that has */
    CANCEL_ENDED  /* *ret_word: its state */
};
/* Take back the user's request of this id, which may not have come yet: NOTED with "" as word. */
int store_cancel(struct store *store, const char *user, const char *id, enum cancel *ret_cancel,
                 char ret_word[CANCEL_WORD_SIZE], struct error *err);
int store_progress(struct store *store, const struct request *request, enum phase phase,
                   struct error *err);
int store_output(struct store *store, const struct request *request, const char *stream,
                 const void *data, size_t length, struct error *err);
/* Is somebody still following this request's output? */
int store_followed(struct store *store, const struct request *request, bool *ret_followed,
                   struct error *err);
/* The final record and the stream's last event. A record that has ended already stays as it is.
 * FAULT_CONFLICT: the record is another body's, or another server has claimed it. */
int store_end(struct store *store, const struct request *request, const char *hash,
              const json_t *result, struct error *err);

/* Requests that come to their final result without anything done in between. */
struct store_ending {
    const struct request *request;
    const char *hash;
    const json_t *result;
};
/* Claim and end them all in one round trip, at most STORE_TOGETHER. ret_ended[i] says of which that
 * was done; the others are as they were, and store_claim says why. */
#define STORE_TOGETHER 16
int store_end_unclaimed(struct store *store, const struct store_ending *endings, size_t count,
                        bool *ret_ended, struct error *err);

/* What a create asks for. */
struct wish {
    const char *name; /* NULL: container<ssh port> */
    const char *image;
    const struct ports *ports;      /* address "": any of `addresses` that has them all free */
    const char *const *addresses;   /* the server's aliases, NULL-terminated */
    uint16_t first_port, last_port; /* the server's range for SSH */
    int64_t memory, millicpus, pids;
    /* the user's limits in all, and where the policy sets them: for the refusal, may be NULL */
    int64_t most_containers, most_memory, most_millicpus, most_pids;
    const char *containers_rule, *memory_rule, *millicpus_rule, *pids_rule;
    unsigned subnets;          /* how many the pool has */
    const struct ports *avoid; /* found taken outside DCM, each on its address; NULL: none */
};
struct reservation {
    char name[CONTAINER_NAME_MAX + 1];
    uint16_t ssh_port;
    struct ports ports; /* addresses filled in */
    unsigned subnet;    /* index in the pool; the user's own while the user has containers here */
};
#define RESERVATION_S 600 /* a pending reservation's life; a reservation repeated is renewed */
/*
 * Quota, name, ports, subnet: all or nothing. The index shows the container as "creating". A
 * request that holds a reservation gets the same one again, unless it avoids one of its ports: then
 * all ports are chosen anew. FAULT_QUOTA (the message says which and how much), FAULT_CONFLICT
 * (name taken; or a port, which is named with the addresses tried).
 */
int store_reserve(struct store *store, const struct request *request, const struct wish *wish,
                  struct reservation *ret_reservation, struct error *err);
/*
 * What store_reserve would say, reserving nothing: each of the user's quotas, and a refusal of
 * name or ports if there is one. The texts are the callee's for the call only.
 */
typedef void store_opinion(const char *what, const char *rule, const struct error *refusal,
                           void *context); /* refusal NULL: it may be */
int store_consider(struct store *store, const struct request *request, const struct wish *wish,
                   store_opinion *opinion, void *context, struct error *err);
/* The container exists: leases lose their expiry, `container` (as users see it) is the index entry.
 */
int store_bind(struct store *store, const struct request *request, const json_t *container,
               struct error *err);
/* Change the state of an entry here ("running", "paused", "stopped"); one that is not bound yet
 * stays "creating". FAULT_NOT_FOUND. */
int store_set_state(struct store *store, const char *user, const char *name, const char *state,
                    struct error *err);
/* Change when a bound one expires: a time, or null for never. FAULT_NOT_FOUND. */
int store_set_expires(struct store *store, const char *user, const char *name,
                      const json_t *expires, struct error *err);
/* Drop entry and leases; and the subnet with the user's last container here (*ret_last, may be
 * NULL). Nothing there is success. request_id, if given, must be the entry's: the undoing of a
 * reservation must not drop somebody else's entry of the same name. */
int store_release(struct store *store, const char *user, const char *name, const char *request_id,
                  bool *ret_last, struct error *err);

/*
 * Ports for a container that is to replace the bound one of this name; the addresses are filled in.
 * The present one's leases stand and are no obstacle. Asked again, the same request gets a new
 * life (RESERVATION_S), and perhaps other addresses. FAULT_NOT_FOUND, FAULT_CONFLICT.
 */
int store_reserve_ports(struct store *store, const struct request *request, const char *name,
                        const struct ports *wanted, const char *const *addresses,
                        struct ports *ret_ports, struct error *err);
/* The same refusals, but nothing is reserved. */
int store_consider_ports(struct store *store, const struct request *request, const char *name,
                         const struct ports *wanted, const char *const *addresses,
                         struct error *err);
/* Nothing there is success. */
int store_release_ports(struct store *store, const struct request *request, const char *name,
                        struct error *err);
/* `container` (as users see it) takes the place of the one of its name: entry and leases change
 * together. FAULT_NOT_FOUND; FAULT_CONFLICT when a port has gone to somebody else. */
int store_replace(struct store *store, const struct request *request, const json_t *container,
                  struct error *err);

/* Users with a queue in the batch class, on whichever server; *ret_users is an array of texts. */
int store_add_batch(struct store *store, const char *user, struct error *err);
int store_remove_batch(struct store *store, const char *user, struct error *err);
int store_batches(struct store *store, json_t **ret_users, struct error *err);

/* An index entry by name or SSH port: *ret_entry {"request","server","memory",…,"container":{…}};
 * FAULT_NOT_FOUND. */
int store_container(struct store *store, const char *user, const char *reference,
                    json_t **ret_entry, struct error *err);

/* What a commit asks for. */
struct image_wish {
    const char *name; /* with its tag */
    bool replace;
    int64_t bytes; /* as far as they can be known before */
    int64_t most_images, most_bytes;
    const char *images_rule, *bytes_rule; /* may be NULL */
};
/* Room for one more of the user's images. FAULT_QUOTA, FAULT_CONFLICT. */
int store_image_reserve(struct store *store, const struct request *request,
                        const struct image_wish *wish, struct error *err);
/* What store_image_reserve would say, as store_consider does. */
int store_image_consider(struct store *store, const struct request *request,
                         const struct image_wish *wish, store_opinion *opinion, void *context,
                         struct error *err);
/* The image exists, and is in the index as users see it. FAULT_CONFLICT: one of this name is on
 * another server. */
int store_image_bind(struct store *store, const char *user, const char *request_id,
                     const json_t *image, struct error *err);
/* Drop the image of this name, if it is one of this server's, and the request's reservation. Either
 * may be NULL; nothing there is success. */
int store_image_release(struct store *store, const char *user, const char *name,
                        const char *request_id, struct error *err);
/* One of the user's own images by name or id: *ret_entry {"request","server","image":{…}};
 * FAULT_NOT_FOUND. */
int store_image(struct store *store, const char *user, const char *reference, json_t **ret_entry,
                struct error *err);
/* For the keeper: every image of this server, entries with "user" added. */
int store_images_of_server(struct store *store, json_t **ret_entries, struct error *err);
/* What the policy means on this server to each user, or EVERYBODY: an object of
 * {"granted":[images…],"limits":[grants…]}. Who is not in it any more is withdrawn. Nothing is
 * written where the store has it already. */
int store_publish(struct store *store, json_t *published, struct error *err);

/* For the keeper. Every entry of this server, an array of entries with "user" added. Reservations
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

#endif
