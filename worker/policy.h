/*
 * Policy: who may speak for whom, and what each user may have. Pure: a checked document in, a
 * judgement out. Nothing listed means nothing allowed; a refusal names the rule that decided
 * ("users.alice.memory.container", or "defaults.images" for the place where a grant would stand).
 *
 * Layers: defaults, then every group that lists the user as a member, then the user. Lists add up;
 * a limit in a later layer replaces one of an earlier layer; among groups the largest counts. Each
 * part of a limit (usual, each, total) is a limit of its own here: {"total":"8g"} for one user
 * leaves him the `each` of his group. A layer's extra grants count as one more layer of its rank,
 * until they end. Who is listed as suspended is granted nothing.
 *
 * `now` is the time to judge by, in milliseconds since the epoch: policy has no clock.
 */
#ifndef DCM_WORKER_POLICY_H
#define DCM_WORKER_POLICY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"
#include "schemas/ports.h"
#include "worker/verdicts.h"

/* FAULT_DENIED unless the publisher is listed and may speak for this user. account "": no user-id.
 */
int policy_check_publisher(const json_t *policy, const char *account, const char *user,
                           struct error *err);

#define POLICY_RULE_SIZE 96
struct policy_limit {
    int64_t usual;               /* where the request names none; never more than each */
    int64_t each;                /* most for one container */
    int64_t total;               /* most for all of the user's containers */
    char rule[POLICY_RULE_SIZE]; /* where total stands, but for the last part: "users.bob.memory" */
};
/* The most that all of a user's storage may hold. */
struct storage_bound {
    int64_t most; /* bytes; INT64_MAX: no bound */
    char rule[POLICY_RULE_SIZE];
};
struct policy_limits {
    int64_t containers;
    char containers_rule[POLICY_RULE_SIZE];
    int64_t images_kept, image_bytes; /* the user's own images: how many, and all together */
    char images_kept_rule[POLICY_RULE_SIZE], image_bytes_rule[POLICY_RULE_SIZE];
    int64_t disk; /* bytes of each container's writable layer; 0: unbounded */
    struct storage_bound storage;
    int64_t life; /* seconds that a container may live; 0: without an end */
    char life_rule[POLICY_RULE_SIZE];
    struct policy_limit memory;    /* bytes */
    struct policy_limit millicpus; /* thousandths of a processor */
    struct policy_limit pids;
    uid_t uid; /* 0: the policy names none, ask the host's accounts */
};
void policy_limits(const json_t *policy, const char *user, int64_t now,
                   struct policy_limits *ret_limits);

/* The effective policy of a container.create: limits filled in where the request names none.
 * FAULT_DENIED with the rule, else 0. Ports that name no address are judged without one. Totals
 * over existing containers are the store's to judge, together with the reservation (FAULT_QUOTA).
 * Images are granted by name: who accepts one by id puts its name into args first, for here an id
 * is one more name that nothing lists. Args without an image are for one of the user's own, which
 * the caller has proved to be his. */
struct policy_grant {
    int64_t memory, millicpus, pids; /* of this container */
};
int policy_check_create(const json_t *policy, const char *user, int64_t now, const json_t *args,
                        const struct ports *ports, struct policy_grant *ret_grant,
                        struct error *err);

/* Is this image (a name as the policy lists it, tag "latest" implied) granted? To nobody who is
 * suspended, whom policy_check_create refuses too. */
int policy_check_image(const json_t *policy, const char *user, int64_t now, const char *image,
                       struct error *err);
/* May direct ports be published on this address of the server? */
int policy_check_address(const json_t *policy, const char *user, int64_t now, const char *address,
                         struct error *err);

/* The same checks, for an explanation: with verdicts each thing that was decided is taken down
 * there, a refusal is no failure, and *ret_grant is what would be asked of the engine. */
int policy_judge_create(const json_t *policy, const char *user, int64_t now, const json_t *args,
                        const struct ports *ports, struct verdicts *verdicts,
                        struct policy_grant *ret_grant, struct error *err);
/* May a container live so long from now on? args as for a create: "ttl", in seconds. */
int policy_judge_life(const json_t *policy, const char *user, int64_t now, const json_t *args,
                      struct verdicts *verdicts, struct error *err);
int policy_judge_address(const json_t *policy, const char *user, int64_t now, const char *address,
                         struct verdicts *verdicts, struct error *err);

/* The names that the policy grants to this user; for one whom it does not know (EVERYBODY), those
 * of defaults. A new array. */
json_t *policy_images(const json_t *policy, const char *user, int64_t now);
/* All that it grants to this user, or EVERYBODY: items as schemas/grant.h has them, of each list's
 * items those that count, and first that he is suspended, if he is. A new array. */
json_t *policy_grants(const json_t *policy, const char *user, int64_t now);
/* When the next of all extra grants ends: then others may count. INT64_MAX: none does. */
int64_t policy_next_end(const json_t *policy, int64_t now);
/* Everybody whom the policy names, as a member, a user, or suspended: a new object with their names
 * as keys. */
json_t *policy_people(const json_t *policy);

#endif
