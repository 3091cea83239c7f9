#include "worker/plan_private.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"

/* null, false, 0, "", [] and {} are one to the engine, and so is a field that is left out. */
static bool is_nothing(const json_t *value)
{
    return !value || json_is_null(value) || json_is_false(value) ||
           (json_is_integer(value) && json_integer_value(value) == 0) ||
           (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0);
}

static bool same(const json_t *planned, const json_t *found);

/* Every member of *some is the same in *other, or nothing in both. */
static bool members_same(json_t *some, const json_t *other)
{
    const char *name;
    json_t *value;

    json_object_foreach(some, name, value)
    {
        if (!same(value, json_object_get(other, name)))
            return false;
    }
    return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the body that we planned is */
static bool same(const json_t *planned, const json_t *found)
{
    if (is_nothing(planned) || is_nothing(found))
        return is_nothing(planned) && is_nothing(found);
    if (json_is_object(planned) && json_is_object(found)) {
        json_auto_t *all = json_deep_copy(planned); /* jansson iterates over no const object */
        json_auto_t *rest = json_deep_copy(found);
        return members_same(all, found) && members_same(rest, planned);
    }
    if (!json_is_array(planned) || json_array_size(planned) != json_array_size(found))
        return json_equal(planned, found);
    for (size_t i = 0; i < json_array_size(planned); i++)
        if (!same(json_array_get(planned, i), json_array_get(found, i)))
            return false;
    return true;
}
