#include "worker/policy_numbers.h"

#include <inttypes.h>
#include <stdio.h>

#include "schemas/units.h"

/* Of two alike the one that ends later. */
static bool counts_less(const struct decision *decision, const struct layers *layers,
                        int64_t amount)
{
    return layers->rank == decision->rank &&
           (amount < decision->amount ||
            (amount == decision->amount && layers->until <= decision->until));
}

static void decide(struct decision *decision, const struct layers *layers, int64_t amount)
{
    if (counts_less(decision, layers, amount))
        return;
    decision->amount = amount;
    decision->rank = layers->rank;
    decision->until = layers->until;
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

static int64_t seconds(const json_t *value)
{
    int64_t amount = 0;
    duration_parse(json_string_value(value), &amount, NULL);
    return amount;
}

static void write_whole(int64_t amount, char *ret_text, size_t size)
{
    snprintf(ret_text, size, "%" PRId64, amount);
}

static void write_seconds(int64_t amount, char *ret_text, size_t size)
{
    snprintf(ret_text, size, "%" PRId64 "s", amount);
}

const struct resource_facts resources[RESOURCE_COUNT] = {
    [MEMORY] = {"memory", "memory", "bytes of memory", bytes, size_format},
    [CPUS] = {"cpus", "millicpus", "thousandths of a processor", millicpus, cpus_format},
    [PIDS] = {"pids", "pids", "processes", whole, write_whole},
};

const char *const part_names[PART_COUNT] = {"usual", "each", "total"};

static const struct {
    const char *name;
    int64_t (*read)(const json_t *value);
    const char *argument; /* in a request; NULL: not asked for by container */
    const char *unit;     /* for people */
    void (*write)(int64_t amount, char *ret_text, size_t size); /* for people */
    bool open; /* where the policy says nothing there is no bound */
} numbers[NUMBER_COUNT] = {
    [CONTAINERS] = {"containers", whole, NULL, NULL, NULL, false},
    [IMAGES_KEPT] = {"images_kept", whole, NULL, NULL, NULL, false},
    [IMAGE_BYTES] = {"image_bytes", bytes, NULL, NULL, NULL, false},
    [DISK] = {"disk", bytes, NULL, NULL, NULL, true},
    [STORAGE] = {"storage", bytes, NULL, NULL, NULL, true},
    [LIFE] = {"life", seconds, "ttl", "seconds of life", write_seconds, true},
    [SHM_SIZE] = {"shm_size", bytes, "shm_size", "bytes of shared memory", size_format, false},
    [GPUS] = {"gpus", whole, "gpus", "GPUs", write_whole, false},
};

static void decide_limit(struct decision limit[PART_COUNT], const struct layers *layers,
                         enum resource resource)
{
    const json_t *parts = json_object_get(layers->grants, resources[resource].name);

    for (size_t part = 0; part < PART_COUNT; part++) {
        const json_t *value = json_object_get(parts, part_names[part]);
        if (value)
            decide(&limit[part], layers, resources[resource].read(value));
        limit[part].part = (enum part)part;
    }
}

void decide_all(const struct judged *judged, struct decisions *ret_decisions)
{
    struct decisions found = {0};
    struct layers layers;

    layers_begin(&layers, judged);
    while (layers_next(&layers)) {
        for (enum number number = 0; number < NUMBER_COUNT; number++) {
            const json_t *value = json_object_get(layers.grants, numbers[number].name);
            if (value)
                decide(&found.numbers[number], &layers, numbers[number].read(value));
        }
        for (enum resource resource = 0; resource < RESOURCE_COUNT; resource++)
            decide_limit(found.limits[resource], &layers, resource);
    }
    /* Nobody gets by saying nothing what he could not get by asking for it. */
    for (enum resource resource = 0; resource < RESOURCE_COUNT; resource++) {
        struct decision *limit = found.limits[resource];
        if (limit[USUAL].rank == RANK_NONE || limit[USUAL].amount > limit[EACH].amount)
            limit[USUAL] = limit[EACH];
    }
    *ret_decisions = found;
}

void number_rule(const struct decisions *found, enum number number, char *ret_rule, size_t size)
{
    snprintf(ret_rule, size, "%s.%s", decision_place(&found->numbers[number]),
             numbers[number].name);
}

void resource_rule(const struct decisions *found, enum resource resource, enum part part,
                   char *ret_rule, size_t size)
{
    const struct decision *limit = &found->limits[resource][part];

    snprintf(ret_rule, size, "%s.%s.%s", decision_place(limit), resources[resource].name,
             part_names[limit->part]);
}

static json_t *list_decision(const struct decision *decision, const char *what, const char *rule)
{
    char until[TIMESTAMP_SIZE];
    bool ends = decision->rank != RANK_NONE && decision->until != NEVER;

    timestamp_format(decision->until, until);
    return json_pack("{s:s, s:I, s:s, s:s*}", "what", what, "most", (json_int_t)decision->amount,
                     "rule", rule, "until", ends ? until : NULL);
}

void numbers_list(const struct decisions *found, json_t *grants)
{
    char rule[sizeof(((struct error *)NULL)->rule)];

    for (enum resource resource = 0; resource < RESOURCE_COUNT; resource++) {
        for (enum part part = 0; part < PART_COUNT; part++) {
            resource_rule(found, resource, part, rule, sizeof(rule));
            json_t *grant =
                list_decision(&found->limits[resource][part], resources[resource].argument, rule);
            json_object_set_new(grant, "part", json_string(part_names[part]));
            json_array_append_new(grants, grant);
        }
    }
    for (enum number number = 0; number < NUMBER_COUNT; number++) {
        const struct decision *decision = &found->numbers[number];
        number_rule(found, number, rule, sizeof(rule));
        json_t *grant = list_decision(decision, numbers[number].name, rule);
        if (numbers[number].open && decision->rank == RANK_NONE)
            json_object_set_new(grant, "most", json_null());
        json_array_append_new(grants, grant);
    }
}

/* Too much now; was it granted once? Then that grant is named. */
static int refuse(const struct judged *judged, const struct decisions *found, enum number number,
                  int64_t asked, struct error *err)
{
    const struct judged ever = {judged->policy, judged->user, NOTHING_HAS_ENDED, NULL};
    struct decisions once;
    char rule[sizeof(err->rule)];

    decide_all(&ever, &once);
    if (asked <= once.numbers[number].amount) {
        number_rule(&once, number, rule, sizeof(rule));
        return fail_by_rule(err, FAULT_DENIED, rule,
                            "the grant of %" PRId64 " %s has ended; ask the administrator", asked,
                            numbers[number].unit);
    }
    number_rule(found, number, rule, sizeof(rule));
    return fail_by_rule(err, FAULT_DENIED, rule,
                        "%" PRId64 " %s is more than the %" PRId64
                        " granted to you for one container; ask for less, or ask the administrator",
                        asked, numbers[number].unit, found->numbers[number].amount);
}

static int check_number(const struct judged *judged, const struct decisions *found,
                        enum number number, int64_t asked, struct error *err)
{
    const struct decision *granted = &found->numbers[number];
    bool unbounded = numbers[number].open && granted->rank == RANK_NONE;
    char rule[sizeof(err->rule)], amount[AMOUNT_TEXT_SIZE];

    numbers[number].write(asked, amount, sizeof(amount));
    number_rule(found, number, rule, sizeof(rule));
    if (unbounded || asked <= granted->amount)
        return verdict_allowed(judged->verdicts, rule, "%s %s", numbers[number].name, amount);
    refuse(judged, found, number, asked, err);
    return verdict_refused(judged->verdicts, err, "%s %s", numbers[number].name, amount);
}

int numbers_check(const struct judged *judged, const struct decisions *found, const json_t *args,
                  struct error *err)
{
    for (enum number number = 0; number < NUMBER_COUNT; number++) {
        const json_t *asked =
            numbers[number].argument ? json_object_get(args, numbers[number].argument) : NULL;
        if (asked && check_number(judged, found, number, json_integer_value(asked), err))
            return -1;
    }
    return 0;
}
