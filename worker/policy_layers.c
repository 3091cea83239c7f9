#include "worker/policy_layers.h"

#include <stdio.h>
#include <string.h>

#include "schemas/units.h"

bool list_has(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
            return true;
    return false;
}

void layers_begin(struct layers *ret_layers, const json_t *policy, const char *user)
{
    json_t *groups = json_object_get(policy, "groups");

    *ret_layers = (struct layers){
        .policy = policy, .user = user, .groups = groups, .group = json_object_iter(groups)};
}

static bool next_group(struct layers *layers)
{
    while (layers->group) {
        const char *name = json_object_iter_key(layers->group);
        layers->grants = json_object_iter_value(layers->group);
        layers->group = json_object_iter_next(layers->groups, layers->group);
        if (list_has(json_object_get(layers->grants, "members"), layers->user)) {
            snprintf(layers->place, sizeof(layers->place), "groups.%s", name);
            return true;
        }
    }
    return false;
}

bool layers_next(struct layers *layers)
{
    if (layers->rank == RANK_NONE) {
        layers->rank = RANK_DEFAULTS;
        layers->grants = json_object_get(layers->policy, "defaults");
        snprintf(layers->place, sizeof(layers->place), "defaults");
        return true;
    }
    if (layers->rank < RANK_USER) {
        layers->rank = RANK_GROUP;
        if (next_group(layers))
            return true;
        layers->rank = RANK_USER;
        layers->grants = json_object_get(json_object_get(layers->policy, "users"), layers->user);
        snprintf(layers->place, sizeof(layers->place), "users.%s", layers->user);
        return true;
    }
    return false;
}

static void decide(struct decision *decision, const struct layers *layers, int64_t amount)
{
    if (layers->rank == decision->rank && amount <= decision->amount)
        return;
    decision->amount = amount;
    decision->rank = layers->rank;
    snprintf(decision->place, sizeof(decision->place), "%s", layers->place);
}

const char *decision_place(const struct decision *decision)
{
    return decision->rank == RANK_NONE ? "defaults" : decision->place;
}

static int64_t whole(const json_t *value)
{
    return json_integer_value(value);
}

/* The document has been checked; a text that does not parse would grant nothing. */
static int64_t bytes(const json_t *value)
{
    int64_t amount = 0;
    size_parse(json_string_value(value), &amount, NULL);
    return amount;
}

static int64_t millicpus(const json_t *value)
{
    int64_t amount = 0;
    cpus_parse(json_string_value(value), &amount, NULL);
    return amount;
}

const struct resource_facts resources[RESOURCE_COUNT] = {
    [MEMORY] = {"memory", "memory", "bytes of memory", bytes},
    [CPUS] = {"cpus", "millicpus", "thousandths of a processor", millicpus},
    [PIDS] = {"pids", "pids", "processes", whole},
};

static const char *const part_names[PART_COUNT] = {"usual", "each", "total"};

static void decide_limit(struct decision limit[PART_COUNT], const struct layers *layers,
                         enum resource resource)
{
    const json_t *parts = json_object_get(layers->grants, resources[resource].name);

    for (size_t part = 0; part < PART_COUNT; part++) {
        const json_t *value = json_object_get(parts, part_names[part]);
        if (value)
            decide(&limit[part], layers, resources[resource].read(value));
    }
}

void decide_all(const json_t *policy, const char *user, struct decisions *ret_decisions)
{
    struct decisions found = {0};
    struct layers layers;

    layers_begin(&layers, policy, user);
    while (layers_next(&layers)) {
        const json_t *containers = json_object_get(layers.grants, "containers");
        if (containers)
            decide(&found.containers, &layers, whole(containers));
        const json_t *kept = json_object_get(layers.grants, "images_kept");
        if (kept)
            decide(&found.images_kept, &layers, whole(kept));
        const json_t *size = json_object_get(layers.grants, "image_bytes");
        if (size)
            decide(&found.image_bytes, &layers, bytes(size));
        for (enum resource resource = 0; resource < RESOURCE_COUNT; resource++)
            decide_limit(found.limits[resource], &layers, resource);
        if (layers.rank == RANK_USER)
            found.uid = (uid_t)json_integer_value(json_object_get(layers.grants, "uid"));
    }
    /* Nobody gets by saying nothing what he could not get by asking for it. */
    for (enum resource resource = 0; resource < RESOURCE_COUNT; resource++) {
        struct decision *limit = found.limits[resource];
        if (limit[USUAL].rank == RANK_NONE || limit[USUAL].amount > limit[EACH].amount)
            limit[USUAL].amount = limit[EACH].amount;
    }
    *ret_decisions = found;
}
