/* What the policy grants, as lists: for what is published, rather than to judge by. */
#include "common/count.h"
#include "worker/policy.h"
#include "worker/policy_lists.h"
#include "worker/policy_numbers.h"

json_t *policy_images(const json_t *policy, const char *user, int64_t now)
{
    const struct judged judged = {policy, user, now, NULL};

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
    const struct judged judged = {policy, user, now, NULL};
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

    for (size_t i = 0; i < COUNT(parts); i++)
        json_object_foreach(json_object_get(policy, parts[i]), name, layer) soonest =
            earlier_end(layer, now, soonest);
    return soonest;
}
