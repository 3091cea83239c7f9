#include "worker/policy_mounts.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "schemas/run_options.h"
#include "worker/policy_layers.h"

/* "/data/maps:rw" is around "/data/maps/sub". */
static bool is_around(const char *granted, const char *source)
{
    char directory[OPTION_PATH_MAX + 1];
    size_t length = strcspn(granted, ":");

    snprintf(directory, sizeof(directory), "%.*s", (int)length, granted);
    return strcmp(granted + length, ":rw") == 0 && strcmp(directory, source) != 0 &&
           option_path_is_within(source, directory);
}

static int check_grants(const json_t *grants, const char *place, const char *source,
                        struct error *err)
{
    const json_t *mounts = json_object_get(grants, "mounts");
    char rule[sizeof(err->rule)];

    snprintf(rule, sizeof(rule), "%s.mounts", place);
    for (size_t i = 0; i < json_array_size(mounts); i++) {
        const char *granted = json_string_value(json_array_get(mounts, i));
        if (is_around(granted, source))
            return fail_by_rule(
                err, FAULT_DENIED, rule,
                "the mount %.80s lies in one that somebody may write to, %.80s; ask the "
                "administrator for one that does not",
                source, granted);
    }
    return 0;
}

static int check_layer(const json_t *layer, const char *place, const char *source,
                       struct error *err)
{
    const json_t *extras = json_object_get(layer, "extra");

    if (check_grants(layer, place, source, err))
        return -1;
    for (size_t i = 0; i < json_array_size(extras); i++) {
        char extra[POLICY_PLACE_SIZE];
        snprintf(extra, sizeof(extra), "%s.extra.%zu", place, i);
        if (check_grants(json_array_get(extras, i), extra, source, err))
            return -1;
    }
    return 0;
}

static int check_source(const json_t *policy, const char *source, struct error *err)
{
    static const char *const parts[] = {"groups", "users"};

    if (check_layer(json_object_get(policy, "defaults"), "defaults", source, err))
        return -1;
    for (size_t i = 0; i < 2; i++) {
        json_t *part = json_object_get(policy, parts[i]);
        const char *name;
        json_t *layer;
        json_object_foreach(part, name, layer)
        {
            char place[POLICY_WHOLE_SIZE];
            snprintf(place, sizeof(place), "%s.%s", parts[i], name);
            if (check_layer(layer, place, source, err))
                return -1;
        }
    }
    return 0;
}

int mounts_check(const json_t *policy, const json_t *args, struct error *err)
{
    const json_t *mounts = json_object_get(args, "mounts");

    for (size_t i = 0; i < json_array_size(mounts); i++) {
        const json_t *source = json_object_get(json_array_get(mounts, i), "source");
        if (check_source(policy, json_string_value(source), err))
            return -1;
    }
    return 0;
}
