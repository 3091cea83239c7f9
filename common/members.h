/*
 * The members of a JSON object by name, for documents whose shape is known or does not matter: a
 * member that is missing or of another kind is NULL, 0 or false, and so is one of a NULL object.
 */
#ifndef DCM_COMMON_MEMBERS_H
#define DCM_COMMON_MEMBERS_H

#include <jansson.h>
#include <stdbool.h>

/* Borrowed from the object. */
static inline const char *text_at(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static inline json_int_t number_at(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static inline bool flag_at(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

#endif
