#include "worker/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "worker/policy_layers.h"

static void tell_limit(const struct decisions *found, enum resource resource,
                       struct policy_limit *ret_limit)
{
    const struct decision *limit = found->limits[resource];

    ret_limit->usual = limit[USUAL].amount;
    ret_limit->each = limit[EACH].amount;
    ret_limit->total = limit[TOTAL].amount;
    snprintf(ret_limit->rule, sizeof(ret_limit->rule), "%s.%s", decision_place(&limit[TOTAL]),
             resources[resource].name);
}

void policy_limits(const json_t *policy, const char *user, struct policy_limits *ret_limits)
{
    struct decisions found;

    decide_all(policy, user, &found);
    ret_limits->containers = found.containers.amount;
    snprintf(ret_limits->containers_rule, sizeof(ret_limits->containers_rule), "%s.containers",
             decision_place(&found.containers));
    ret_limits->images_kept = found.images_kept.amount;
    ret_limits->image_bytes = found.image_bytes.amount;
    snprintf(ret_limits->images_kept_rule, sizeof(ret_limits->images_kept_rule), "%s.images_kept",
             decision_place(&found.images_kept));
    snprintf(ret_limits->image_bytes_rule, sizeof(ret_limits->image_bytes_rule), "%s.image_bytes",
             decision_place(&found.image_bytes));
    tell_limit(&found, MEMORY, &ret_limits->memory);
    tell_limit(&found, CPUS, &ret_limits->millicpus);
    tell_limit(&found, PIDS, &ret_limits->pids);
    ret_limits->uid = found.uid;
}

int policy_check_publisher(const json_t *policy, const char *account, const char *user,
                           struct error *err)
{
    const json_t *publisher = json_object_get(json_object_get(policy, "publishers"), account);
    const json_t *users = json_object_get(publisher, "users");
    char rule[sizeof(err->rule)];

    if (*account == '\0')
        return fail_by_rule(err, FAULT_DENIED, "publishers",
                            "the message does not say who published it (no user-id)");
    if (!publisher)
        return fail_by_rule(err, FAULT_DENIED, "publishers",
                            "publisher '%s' is not listed in the policy", account);
    if (list_has(users, user) || list_has(users, "*"))
        return 0;
    snprintf(rule, sizeof(rule), "publishers.%s.users", account);
    return fail_by_rule(err, FAULT_DENIED, rule, "publisher '%s' may not speak for user '%s'",
                        account, user);
}

/* "debian-ssh" and "debian-ssh:latest" are one image. A colon stands nowhere but before a tag. */
static bool same_image(const char *left, const char *right)
{
    static const char latest[] = ":latest";
    size_t lengths[] = {strlen(left), strlen(right)};
    const char *names[] = {left, right};

    for (size_t i = 0; i < 2; i++) {
        const char *tag = strchr(names[i], ':');
        if (tag && strcmp(tag, latest) == 0)
            lengths[i] -= sizeof(latest) - 1;
    }
    return lengths[0] == lengths[1] && memcmp(left, right, lengths[0]) == 0;
}

/* No layer of grants counts for someone who is suspended. */
static int check_suspended(const json_t *policy, const char *user, struct error *err)
{
    if (list_has(json_object_get(policy, "suspended"), user))
        return fail_by_rule(err, FAULT_DENIED, "suspended",
                            "you are suspended; ask the administrator");
    return 0;
}

int policy_check_image(const json_t *policy, const char *user, const char *image, struct error *err)
{
    struct layers layers;

    if (check_suspended(policy, user, err))
        return -1;
    layers_begin(&layers, policy, user);
    while (layers_next(&layers)) {
        const json_t *images = json_object_get(layers.grants, "images");
        for (size_t i = 0; i < json_array_size(images); i++)
            if (same_image(json_string_value(json_array_get(images, i)), image))
                return 0;
    }
    return fail_by_rule(err, FAULT_DENIED, "defaults.images",
                        "image '%s' is not granted to you; ask the administrator", image);
}

json_t *policy_images(const json_t *policy, const char *user)
{
    json_t *names = json_array();
    struct layers layers;

    layers_begin(&layers, policy, user);
    while (layers_next(&layers)) {
        const json_t *images = json_object_get(layers.grants, "images");
        for (size_t i = 0; i < json_array_size(images); i++) {
            json_t *name = json_array_get(images, i);
            if (!list_has(names, json_string_value(name)))
                json_array_append(names, name);
        }
    }
    return names;
}

json_t *policy_people(const json_t *policy)
{
    json_t *people = json_object();
    const char *name;
    json_t *value;

    json_object_foreach(json_object_get(policy, "groups"), name, value)
    {
        const json_t *members = json_object_get(value, "members");
        for (size_t i = 0; i < json_array_size(members); i++)
            json_object_set_new(people, json_string_value(json_array_get(members, i)), json_true());
    }
    json_object_foreach(json_object_get(policy, "users"), name, value)
        json_object_set_new(people, name, json_true());
    return people;
}

static bool range_covers(const char *text, const struct port *port)
{
    struct port_range range;

    return port_range_parse(text, &range) && strcmp(range.protocol, port->protocol) == 0 &&
           range.first <= port->host && port->host <= range.last;
}

static int check_port(const json_t *policy, const char *user, const struct port *port,
                      struct error *err)
{
    struct layers layers;

    layers_begin(&layers, policy, user);
    while (layers_next(&layers)) {
        const json_t *ranges = json_object_get(layers.grants, "ports");
        for (size_t i = 0; i < json_array_size(ranges); i++)
            if (range_covers(json_string_value(json_array_get(ranges, i)), port))
                return 0;
    }
    return fail_by_rule(err, FAULT_DENIED, "defaults.ports",
                        "host port %u/%s is not granted to you; ask the administrator",
                        (unsigned)port->host, port->protocol);
}

/* What one container gets of a resource: what was asked for, or the usual. */
static int grant(const struct decisions *found, enum resource resource, const json_t *args,
                 int64_t *ret_amount, struct error *err)
{
    const struct decision *limit = found->limits[resource];
    const json_t *asked = json_object_get(args, resources[resource].argument);
    int64_t amount = asked ? json_integer_value(asked) : limit[USUAL].amount;
    char rule[sizeof(err->rule)];

    snprintf(rule, sizeof(rule), "%s.%s.each", decision_place(&limit[EACH]),
             resources[resource].name);
    if (limit[EACH].amount <= 0)
        return fail_by_rule(err, FAULT_DENIED, rule,
                            "no %s is granted to your containers; ask the administrator",
                            resources[resource].name);
    if (amount > limit[EACH].amount)
        return fail_by_rule(err, FAULT_DENIED, rule,
                            "%" PRId64 " %s is more than the %" PRId64
                            " that one container may have; ask for less, or ask the administrator",
                            amount, resources[resource].unit, limit[EACH].amount);
    *ret_amount = amount;
    return 0;
}

int policy_check_create(const json_t *policy, const char *user, const json_t *args,
                        const struct ports *ports, struct policy_grant *ret_grant,
                        struct error *err)
{
    const char *image = json_string_value(json_object_get(args, "image"));
    struct decisions found;
    struct policy_grant granted;

    decide_all(policy, user, &found);
    if (found.containers.amount <= 0) {
        char rule[sizeof(err->rule)];
        snprintf(rule, sizeof(rule), "%s.containers", decision_place(&found.containers));
        return fail_by_rule(err, FAULT_DENIED, rule,
                            "no containers are granted to you; ask the administrator");
    }
    if ((image && policy_check_image(policy, user, image, err)) ||
        grant(&found, MEMORY, args, &granted.memory, err) ||
        grant(&found, CPUS, args, &granted.millicpus, err) ||
        grant(&found, PIDS, args, &granted.pids, err))
        return -1;
    for (size_t i = 0; i < ports->count; i++)
        if (check_port(policy, user, &ports->list[i], err))
            return -1;
    *ret_grant = granted;
    return 0;
}
