/*
 * policy.c's own: the layers of the policy that concern one user, and what the numbers in them come
 * to. Pure; everything is borrowed from the document.
 */
#ifndef DCM_WORKER_POLICY_LAYERS_H
#define DCM_WORKER_POLICY_LAYERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define POLICY_PLACE_SIZE 80 /* "groups.<name>", names being at most 31 characters */

/* Where a grant can stand, weakest first. */
enum rank { RANK_NONE, RANK_DEFAULTS, RANK_GROUP, RANK_USER };

/* Walks over the layers: defaults, the user's groups, the user. */
struct layers {
    const json_t *policy;
    const char *user;
    json_t *groups;
    void *group; /* jansson's iterator over groups */
    /* the layer at hand */
    enum rank rank;
    const json_t *grants; /* NULL: the policy has no such part */
    char place[POLICY_PLACE_SIZE];
};
void layers_begin(struct layers *ret_layers, const json_t *policy, const char *user);
bool layers_next(struct layers *layers);

/* One number of the policy, and the layer that decided it. */
struct decision {
    int64_t amount;
    enum rank rank; /* RANK_NONE: nothing is granted */
    char place[POLICY_PLACE_SIZE];
};
/* That layer, or the one where a grant would stand. Borrowed. */
const char *decision_place(const struct decision *decision);

/* What a container can have much or little of. */
enum resource { MEMORY, CPUS, PIDS, RESOURCE_COUNT };
struct resource_facts {
    const char *name;     /* in the policy */
    const char *argument; /* in a request: the policy's "cpus" are the request's "millicpus" */
    const char *unit;     /* for people */
    int64_t (*read)(const json_t *value);
};
extern const struct resource_facts resources[RESOURCE_COUNT];

enum part { USUAL, EACH, TOTAL, PART_COUNT };

struct decisions {
    struct decision containers;
    struct decision images_kept, image_bytes; /* of the user's own images */
    struct decision limits[RESOURCE_COUNT][PART_COUNT];
    uid_t uid; /* 0: none given */
};
void decide_all(const json_t *policy, const char *user, struct decisions *ret_decisions);

bool list_has(const json_t *list, const char *text);

#endif
