#include "worker/policy_layers.h"

#include <stdio.h>
#include <string.h>

#include "common/members.h"
#include "schemas/units.h"

bool list_has(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
            return true;
    return false;
}

void layers_begin(struct layers *ret_layers, const struct judged *judged)
{
    json_t *groups = json_object_get(judged->policy, "groups");

    *ret_layers =
        (struct layers){.judged = *judged, .groups = groups, .group = json_object_iter(groups)};
}

static bool next_group(struct layers *layers)
{
    while (layers->group) {
        const char *name = json_object_iter_key(layers->group);
        layers->whole = json_object_iter_value(layers->group);
        layers->group = json_object_iter_next(layers->groups, layers->group);
        if (list_has(json_object_get(layers->whole, "members"), layers->judged.user)) {
            snprintf(layers->whole_place, sizeof(layers->whole_place), "groups.%s", name);
            return true;
        }
    }
    return false;
}

static bool next_whole(struct layers *layers)
{
    if (layers->rank == RANK_NONE) {
        layers->rank = RANK_DEFAULTS;
        layers->whole = json_object_get(layers->judged.policy, "defaults");
        snprintf(layers->whole_place, sizeof(layers->whole_place), "defaults");
        return true;
    }
    if (layers->rank < RANK_USER) {
        layers->rank = RANK_GROUP;
        if (next_group(layers))
            return true;
        layers->rank = RANK_USER;
        layers->whole =
            json_object_get(json_object_get(layers->judged.policy, "users"), layers->judged.user);
        snprintf(layers->whole_place, sizeof(layers->whole_place), "users.%s", layers->judged.user);
        return true;
    }
    return false;
}

/* The document has been checked; a time that does not parse would have passed. */
int64_t layer_end(const json_t *extra)
{
    const char *text = text_at(extra, "until");
    int64_t until = INT64_MIN;

    if (!text)
        return NEVER;
    return moment_parse(text, &until, NULL) == 0 ? until : INT64_MIN;
}

/* The next of the layer's extra grants that has not ended. */
static bool next_extra(struct layers *layers)
{
    const json_t *extras = json_object_get(layers->whole, "extra");

    while (layers->extra < json_array_size(extras)) {
        size_t index = layers->extra++;
        layers->grants = json_array_get(extras, index);
        layers->until = layer_end(layers->grants);
        if (layers->until > layers->judged.now) {
            snprintf(layers->place, sizeof(layers->place), "%s.extra.%zu", layers->whole_place,
                     index);
            return true;
        }
    }
    return false;
}

bool layers_next(struct layers *layers)
{
    if (next_extra(layers))
        return true;
    if (!next_whole(layers))
        return false;
    layers->extra = 0;
    layers->grants = layers->whole;
    layers->until = NEVER;
    snprintf(layers->place, sizeof(layers->place), "%s", layers->whole_place);
    return true;
}
