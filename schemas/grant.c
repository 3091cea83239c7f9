#include "schemas/grant.h"

#include <string.h>

#include "common/members.h"
#include "schemas/formats.h"

/* Keep the tables in step with grant.schema.json; tests/integration/test_schemas.py compares. */

#define WHAT_MAX 32
#define ITEM_MAX 258 /* a mount's, which is the longest */

/* Not one of a list: a later version may grant what this one has no name for. */
static bool is_what(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
    size_t length = strlen(text);

    return length > 0 && length <= WHAT_MAX && strspn(text, letters) == length && text[0] != '_';
}

static const char *const parts[] = {"usual", "each", "total", NULL};

static const struct field grant_fields[] = {
    {.name = "what", .required = true, TEXT(is_what, "a word of the policy's")},
    {.name = "part", ONE_OF(parts)},
    {.name = "most", .nullable = true, BYTES(0)},
    {.name = "used", BYTES(0)},
    {.name = "item", CHARACTERS(1, ITEM_MAX)},
    {.name = "rule", .required = true, CHARACTERS(1, sizeof(((struct error *)NULL)->rule) - 1)},
    {.name = "until", TIME},
};
static const struct shape grant_shape = SHAPE(grant_fields);

static int check_absent(const json_t *grant, const char *const *fields, struct error *err)
{
    for (; *fields; fields++)
        if (json_object_get(grant, *fields))
            return fail(err, FAULT_INVALID, "%s: out of place", *fields);
    return 0;
}

int grant_check(const json_t *grant, struct error *err)
{
    static const char *const of_grants[] = {"part", "most", "used", "item", "until", NULL};
    static const char *const of_numbers[] = {"part", "most", "used", NULL};

    if (fields_check(grant, &grant_shape, "", err))
        return -1;
    if (strcmp(text_at(grant, "what"), "suspended") == 0)
        return check_absent(grant, of_grants, err);
    if (json_object_get(grant, "item"))
        return check_absent(grant, of_numbers, err);
    return json_object_get(grant, "most") ? 0 : fail(err, FAULT_INVALID, "most: missing");
}
