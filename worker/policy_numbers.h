/*
 * The policy's own: what its numbers come to for one user at one time. A later layer's number
 * replaces that of an earlier layer; within one rank (several groups, a layer and its extra grants)
 * the largest counts. Pure.
 */
#ifndef DCM_WORKER_POLICY_NUMBERS_H
#define DCM_WORKER_POLICY_NUMBERS_H

#include <stdbool.h>

#include "common/error.h"
#include "worker/policy_layers.h"

enum part { USUAL, EACH, TOTAL, PART_COUNT };
extern const char *const part_names[PART_COUNT];

/* One number of the policy, and the layer that decided it. */
struct decision {
    int64_t amount;
    enum rank rank; /* RANK_NONE: nothing is granted */
    int64_t until;  /* when that layer ends, or NEVER */
    enum part part; /* of a resource: the part of it that decided */
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
    void (*write)(int64_t amount, char *ret_text, size_t size); /* for people */
};
#define AMOUNT_TEXT_SIZE 32
extern const struct resource_facts resources[RESOURCE_COUNT];

/* Numbers without parts. */
enum number {
    CONTAINERS,
    IMAGES_KEPT,
    IMAGE_BYTES,
    DISK,
    STORAGE,
    LIFE,
    SHM_SIZE,
    GPUS,
    NUMBER_COUNT
};

struct decisions {
    struct decision numbers[NUMBER_COUNT];
    struct decision limits[RESOURCE_COUNT][PART_COUNT];
};
void decide_all(const struct judged *judged, struct decisions *ret_decisions);

/* What a request's args ask for, beside what is granted for one container. FAULT_DENIED. */
int numbers_check(const struct judged *judged, const struct decisions *found, const json_t *args,
                  struct error *err);

/* "users.alice.containers" */
void number_rule(const struct decisions *found, enum number number, char *ret_rule, size_t size);
/* "groups.students.memory.each" */
void resource_rule(const struct decisions *found, enum resource resource, enum part part,
                   char *ret_rule, size_t size);

/* Every number as an item of policy_grants (worker/policy.h), added to the array. */
void numbers_list(const struct decisions *found, json_t *grants);

#endif
