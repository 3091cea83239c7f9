#include "worker/policy.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/members.h"
#include "worker/policy_lists.h"
#include "worker/policy_mounts.h"
#include "worker/policy_numbers.h"

#define DISK_LEAST 4096

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

/* An engine takes 0, and what makes no block, for no bound. */
static int64_t disk_of(const struct decisions *found)
{
    const struct decision *granted = &found->numbers[DISK];
    bool is_bound = granted->rank != RANK_NONE;

    return is_bound && granted->amount < DISK_LEAST ? DISK_LEAST : granted->amount;
}

static void tell_storage(const struct decisions *found, struct storage_bound *ret_bound)
{
    const struct decision *granted = &found->numbers[STORAGE];

    ret_bound->most = granted->rank == RANK_NONE ? INT64_MAX : granted->amount;
    number_rule(found, STORAGE, ret_bound->rule, sizeof(ret_bound->rule));
}

void policy_limits(const json_t *policy, const char *user, int64_t now,
                   struct policy_limits *ret_limits)
{
    const struct judged judged = {policy, user, now, NULL};
    const json_t *own = json_object_get(json_object_get(policy, "users"), user);
    struct decisions found;

    decide_all(&judged, &found);
    ret_limits->containers = found.numbers[CONTAINERS].amount;
    ret_limits->images_kept = found.numbers[IMAGES_KEPT].amount;
    ret_limits->image_bytes = found.numbers[IMAGE_BYTES].amount;
    ret_limits->disk = disk_of(&found);
    ret_limits->life = found.numbers[LIFE].amount;
    number_rule(&found, CONTAINERS, ret_limits->containers_rule, POLICY_RULE_SIZE);
    number_rule(&found, IMAGES_KEPT, ret_limits->images_kept_rule, POLICY_RULE_SIZE);
    number_rule(&found, IMAGE_BYTES, ret_limits->image_bytes_rule, POLICY_RULE_SIZE);
    number_rule(&found, LIFE, ret_limits->life_rule, POLICY_RULE_SIZE);
    tell_storage(&found, &ret_limits->storage);
    tell_limit(&found, MEMORY, &ret_limits->memory);
    tell_limit(&found, CPUS, &ret_limits->millicpus);
    tell_limit(&found, PIDS, &ret_limits->pids);
    ret_limits->uid = (uid_t)number_at(own, "uid");
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
static int check_suspended(const struct judged *judged, struct error *err)
{
    if (!list_has(json_object_get(judged->policy, "suspended"), judged->user))
        return 0;
    fail_by_rule(err, FAULT_DENIED, "suspended", "you are suspended; ask the administrator");
    return verdict_refused(judged->verdicts, err, "user %s", judged->user);
}

int policy_check_image(const json_t *policy, const char *user, int64_t now, const char *image,
                       struct error *err)
{
    const struct judged judged = {policy, user, now, NULL};

    if (check_suspended(&judged, err))
        return -1;
    return list_check(&judged, IMAGES, image, err);
}

int policy_judge_address(const json_t *policy, const char *user, int64_t now, const char *address,
                         struct verdicts *verdicts, struct error *err)
{
    const struct judged judged = {policy, user, now, verdicts};

    return list_check(&judged, ADDRESSES, address, err);
}

int policy_check_address(const json_t *policy, const char *user, int64_t now, const char *address,
                         struct error *err)
{
    return policy_judge_address(policy, user, now, address, NULL, err);
}

int policy_judge_life(const json_t *policy, const char *user, int64_t now, const json_t *args,
                      struct verdicts *verdicts, struct error *err)
{
    const struct judged judged = {policy, user, now, verdicts};
    struct decisions found;

    if (check_suspended(&judged, err))
        return -1;
    decide_all(&judged, &found);
    return numbers_check(&judged, &found, args, err);
}

static int check_port(const struct judged *judged, const struct port *port, struct error *err)
{
    char asked[sizeof("65535/tcp")];

    snprintf(asked, sizeof(asked), "%u/%s", (unsigned)port->host, port->protocol);
    if (list_check(judged, PORTS, asked, err))
        return -1;
    return port->address[0] ? list_check(judged, ADDRESSES, port->address, err) : 0;
}

/* Would a grant that has ended allow it? Its rule into ret_rule. */
static bool was_granted(const struct judged *judged, enum resource resource, int64_t amount,
                        char *ret_rule, size_t size)
{
    const struct judged ever = {judged->policy, judged->user, NOTHING_HAS_ENDED, NULL};
    struct decisions once;

    decide_all(&ever, &once);
    if (once.limits[resource][EACH].amount <= 0 || amount > once.limits[resource][EACH].amount)
        return false;
    resource_rule(&once, resource, EACH, ret_rule, size);
    return true;
}

/* What one container gets of a resource: what was asked for, or the usual. */
static int grant(const struct judged *judged, const struct decisions *found, enum resource resource,
                 const json_t *args, int64_t *ret_amount, struct error *err)
{
    const struct decision *limit = found->limits[resource];
    const json_t *asked = json_object_get(args, resources[resource].argument);
    int64_t amount = asked ? json_integer_value(asked) : limit[USUAL].amount;
    const char *name = resources[resource].name, *remark = asked ? "" : " (the usual)";
    char rule[sizeof(err->rule)], text[AMOUNT_TEXT_SIZE];

    resource_rule(found, resource, EACH, rule, sizeof(rule));
    resources[resource].write(amount, text, sizeof(text));
    *ret_amount = amount;
    if (limit[EACH].amount > 0 && amount <= limit[EACH].amount)
        return verdict_allowed(judged->verdicts, rule, "%s %s%s", name, text, remark);
    if (was_granted(judged, resource, amount, rule, sizeof(rule)))
        fail_by_rule(err, FAULT_DENIED, rule,
                     "the grant of %s that allowed this has ended; ask the administrator", name);
    else if (limit[EACH].amount <= 0)
        fail_by_rule(err, FAULT_DENIED, rule,
                     "no %s is granted to your containers; ask the administrator", name);
    else
        fail_by_rule(err, FAULT_DENIED, rule,
                     "%" PRId64 " %s is more than the %" PRId64
                     " that one container may have; ask for less, or ask the administrator",
                     amount, resources[resource].unit, limit[EACH].amount);
    return verdict_refused(judged->verdicts, err, "%s %s%s", name, text, remark);
}

static int judge_count(const struct judged *judged, const struct decisions *found,
                       struct error *err)
{
    char rule[sizeof(err->rule)];

    if (found->numbers[CONTAINERS].amount > 0)
        return 0; /* how many there are already, the store knows */
    number_rule(found, CONTAINERS, rule, sizeof(rule));
    fail_by_rule(err, FAULT_DENIED, rule,
                 "no containers are granted to you; ask the administrator");
    return verdict_refused(judged->verdicts, err, "a container");
}

int policy_judge_create(const json_t *policy, const char *user, int64_t now, const json_t *args,
                        const struct ports *ports, struct verdicts *verdicts,
                        struct policy_grant *ret_grant, struct error *err)
{
    const struct judged judged = {policy, user, now, verdicts};
    const char *image = text_at(args, "image");
    struct decisions found;
    struct policy_grant granted;

    decide_all(&judged, &found);
    if (check_suspended(&judged, err) || judge_count(&judged, &found, err) ||
        (image && list_check(&judged, IMAGES, image, err)) ||
        grant(&judged, &found, MEMORY, args, &granted.memory, err) ||
        grant(&judged, &found, CPUS, args, &granted.millicpus, err) ||
        grant(&judged, &found, PIDS, args, &granted.pids, err))
        return -1;
    for (size_t i = 0; i < ports->count; i++)
        if (check_port(&judged, &ports->list[i], err))
            return -1;
    if (numbers_check(&judged, &found, args, err) || lists_check(&judged, args, err))
        return -1;
    /* It names other people's grants, to who has one of his own. */
    bool is_over = verdicts && verdicts->refused;
    if (!is_over && mounts_check(policy, args, err) &&
        verdict_refused(verdicts, err, "mounts that others can write around"))
        return -1;
    *ret_grant = granted;
    return 0;
}

int policy_check_create(const json_t *policy, const char *user, int64_t now, const json_t *args,
                        const struct ports *ports, struct policy_grant *ret_grant,
                        struct error *err)
{
    return policy_judge_create(policy, user, now, args, ports, NULL, ret_grant, err);
}
