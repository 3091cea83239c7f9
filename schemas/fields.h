/*
 * Tables that say which fields a JSON object may have: the C twin of a JSON Schema.
 *
 * fields_check refuses unknown fields, missing ones, wrong types and ill-formed values, and names
 * the field by its path ("args.ports[2].host: …"). Text passed to json_from_bytes is refused when
 * it is too long (before parsing), repeats a key, or holds a NUL.
 */
#ifndef DCM_SCHEMAS_FIELDS_H
#define DCM_SCHEMAS_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/count.h"
#include "common/error.h"

enum field_kind {
    FIELD_TEXT,    /* string: of `choices`, or `well_formed`, or [least, most] characters long */
    FIELD_INTEGER, /* in [least, most]; 1.0 is not an integer here */
    FIELD_BOOLEAN,
    FIELD_OBJECT, /* `shape` says what is inside; NULL: the caller looks */
    FIELD_LIST,   /* array of [least, most] items; each is checked as `item` */
    FIELD_MAP, /* object of at most `most` members with keys `key_well_formed`; values as `item` */
};

struct field {
    const char *name; /* NULL where the field is a list's or map's item */
    enum field_kind kind;
    bool required;
    bool nullable;
    int64_t least, most;                   /* characters are counted as JSON Schema does */
    bool (*well_formed)(const char *text); /* FIELD_TEXT; bounds the length as well */
    bool (*key_well_formed)(const char *text);
    const char *expects; /* what a well-formed value or key is, for the message: "a user name" */
    const struct shape *shape;
    const struct field *item;
    const char *const *choices; /* FIELD_TEXT: NULL-terminated; the only values allowed */
};
struct shape {
    const struct field *fields;
    size_t count;
};
#define SHAPE(table)                                                                               \
    {                                                                                              \
        (table), COUNT(table)                                                                      \
    }

/* path is the prefix for messages, "" at the top. FAULT_INVALID on any difference. */
int fields_check(const json_t *value, const struct shape *shape, const char *path,
                 struct error *err);

/* Parse at most `most` bytes, which need no terminating NUL. Syntax faults say line and column. */
int json_from_bytes(const char *bytes, size_t length, size_t most, json_t **ret_value,
                    struct error *err);

#endif
