#include "worker/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "worker/policy_lists.h"
#include "worker/policy_mounts.h"
#include "worker/policy_numbers.h"

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

void policy_limits(const json_t *policy, const char *user, int64_t now,
                   struct policy_limits *ret_limits)
{
    const struct judged judged = {policy, user, now};
    const json_t *own = json_object_get(json_object_get(policy, "users"), user);
    struct decisions found;

    decide_all(&judged, &found);
    ret_limits->containers = found.numbers[CONTAINERS].amount;
    ret_limits->images_kept = found.numbers[IMAGES_KEPT].amount;
    ret_limits->image_bytes = found.numbers[IMAGE_BYTES].amount;
    ret_limits->life = found.numbers[LIFE].amount;
    number_rule(&found, CONTAINERS, ret_limits->containers_rule, POLICY_RULE_SIZE);
    number_rule(&found, IMAGES_KEPT, ret_limits->images_kept_rule, POLICY_RULE_SIZE);
    number_rule(&found, IMAGE_BYTES, ret_limits->image_bytes_rule, POLICY_RULE_SIZE);
    number_rule(&found, LIFE, ret_limits->life_rule, POLICY_RULE_SIZE);
    tell_limit(&found, MEMORY, &ret_limits->memory);
    tell_limit(&found, CPUS, &ret_limits->millicpus);
    tell_limit(&found, PIDS, &ret_limits->pids);
    ret_limits->uid = (uid_t)json_integer_value(json_object_get(own, "uid"));
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

/* No layer of grants counts for someone who is suspended. */
int policy_check_suspended(const json_t *policy, const char *user, struct error *err)
{
    if (list_has(json_object_get(policy, "suspended"), user))
        return fail_by_rule(err, FAULT_DENIED, "suspended",
                            "you are suspended; ask the administrator");
    return 0;
}

int policy_check_image(const json_t *policy, const char *user, int64_t now, const char *image,
                       struct error *err)
{
    const struct judged judged = {policy, user, now};

    if (policy_check_suspended(policy, user, err))
        return -1;
    return list_check(&judged, IMAGES, image, err);
}

json_t *policy_images(const json_t *policy, const char *user, int64_t now)
{
    const struct judged judged = {policy, user, now};

    return list_items(&judged, IMAGES);
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
    for (size_t i = 0; i < json_array_size(json_object_get(policy, "suspended")); i++) {
        value = json_array_get(json_object_get(policy, "suspended"), i);
        json_object_set_new(people, json_string_value(value), json_true());
    }
    return people;
}

json_t *policy_grants(const json_t *policy, const char *user, int64_t now)
{
    const struct judged judged = {policy, user, now};
    json_t *grants = json_array();
    struct decisions found;

    if (list_has(json_object_get(policy, "suspended"), user))
        json_array_append_new(grants,
                              json_pack("{s:s, s:s}", "what", "suspended", "rule", "suspended"));
    decide_all(&judged, &found);
    numbers_list(&found, grants);
    lists_list(&judged, grants);
    return grants;
}

static int64_t earlier_end(const json_t *layer, int64_t now, int64_t soonest)
{
    const json_t *extras = json_object_get(layer, "extra");

    for (size_t i = 0; i < json_array_size(extras); i++) {
        int64_t end = layer_end(json_array_get(extras, i));
        if (end > now && end < soonest)
            soonest = end;
    }
    return soonest;
}

int64_t policy_next_end(const json_t *policy, int64_t now)
{
    static const char *const parts[] = {"groups", "users"};
    int64_t soonest = earlier_end(json_object_get(policy, "defaults"), now, NEVER);
    const char *name;
    json_t *layer;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        json_object_foreach(json_object_get(policy, parts[i]), name, layer) soonest =
            earlier_end(layer, now, soonest);
    return soonest;
}

int policy_check_address(const json_t *policy, const char *user, int64_t now, const char *address,
                         struct error *err)
{
    const struct judged judged = {policy, user, now};

    return list_check(&judged, ADDRESSES, address, err);
}

static int check_port(const struct judged *judged, const struct port *port, struct error *err)
{
    char asked[sizeof("65535/tcp")];

    snprintf(asked, sizeof(asked), "%u/%s", (unsigned)port->host, port->protocol);
    if (list_check(judged, PORTS, asked, err))
        return -1;
    return port->address[0] ? list_check(judged, ADDRESSES, port->address, err) : 0;
}

/* What one container gets of a resource: what was asked for, or the usual. */
static int grant(const struct decisions *found, enum resource resource, const json_t *args,
                 int64_t *ret_amount, struct error *err)
{
    const struct decision *limit = found->limits[resource];
    const json_t *asked = json_object_get(args, resources[resource].argument);
    int64_t amount = asked ? json_integer_value(asked) : limit[USUAL].amount;
    char rule[sizeof(err->rule)];

    resource_rule(found, resource, EACH, rule, sizeof(rule));
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

int policy_check_create(const json_t *policy, const char *user, int64_t now, const json_t *args,
                        const struct ports *ports, struct policy_grant *ret_grant,
                        struct error *err)
{
    const struct judged judged = {policy, user, now};
    const char *image = json_string_value(json_object_get(args, "image"));
    struct decisions found;
    struct policy_grant granted;

    if (policy_check_suspended(policy, user, err))
        return -1;
    decide_all(&judged, &found);
    if (found.numbers[CONTAINERS].amount <= 0) {
        char rule[sizeof(err->rule)];
        number_rule(&found, CONTAINERS, rule, sizeof(rule));
        return fail_by_rule(err, FAULT_DENIED, rule,
                            "no containers are granted to you; ask the administrator");
    }
    if ((image && list_check(&judged, IMAGES, image, err)) ||
        grant(&found, MEMORY, args, &granted.memory, err) ||
        grant(&found, CPUS, args, &granted.millicpus, err) ||
        grant(&found, PIDS, args, &granted.pids, err))
        return -1;
    for (size_t i = 0; i < ports->count; i++)
        if (check_port(&judged, &ports->list[i], err))
            return -1;
    if (numbers_check(&judged, &found, args, err) || lists_check(&judged, args, err) ||
        mounts_check(policy, args, err))
        return -1;
    *ret_grant = granted;
    return 0;
}
