/* Containers in the store: index entries, leases and quotas (worker/store.h). */
#ifndef DCM_WORKER_STORE_CONTAINERS_H
#define DCM_WORKER_STORE_CONTAINERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "schemas/names.h"
#include "schemas/ports.h"
#include "schemas/request.h"
#include "worker/store.h"

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
 * name or ports if there is one.
 */
int store_consider(struct store *store, const struct request *request, const struct wish *wish,
                   store_opinion *opinion, void *context, struct error *err);
/* The container exists: leases lose their expiry, `container` (as users see it) is the index entry.
 */
int store_bind(struct store *store, const struct request *request, const json_t *container,
               struct error *err);
/* Change the state of an entry here ("running", "paused", "stopped"), which waits for nothing; one
 * that is not bound yet stays "creating". FAULT_NOT_FOUND. */
int store_set_state(struct store *store, const char *user, const char *name, const char *state,
                    struct error *err);
/* The same of a stopped one that is started as soon as the server has this address. */
int store_set_waiting(struct store *store, const char *user, const char *name, const char *address,
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

/* An index entry by name or SSH port: *ret_entry {"request","server","memory",…,"container":{…}};
 * FAULT_NOT_FOUND. */
int store_container(struct store *store, const char *user, const char *reference,
                    json_t **ret_entry, struct error *err);

#endif
