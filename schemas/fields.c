#include "schemas/fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PATH_SIZE 160 /* a longer path is cut: it is for people */

static int check_value(const json_t *value, const struct field *field, const char *path,
                       struct error *err);

/* jansson lets nobody iterate over what is const. Nothing here changes the value. */
static json_t *iterable(const json_t *value)
{
    return (json_t *)(uintptr_t)value;
}

static void append(char path[PATH_SIZE], const char *text)
{
    size_t length = strlen(path), more = strnlen(text, PATH_SIZE - 1 - length);
    memcpy(path + length, text, more);
    path[length + more] = '\0';
}

/* Without printf(3), which took longer than the checks: most paths are never shown. */
static void member_path(char path[PATH_SIZE], const char *parent, const char *name)
{
    path[0] = '\0';
    append(path, parent);
    append(path, *parent ? "." : "");
    append(path, *name ? name : "\"\"");
}

static int refuse_type(const char *path, const char *type, struct error *err)
{
    return fail(err, FAULT_INVALID, "%s%s must be %s", *path ? path : "the document",
                *path ? ":" : "", type);
}

/* Code points: every byte of UTF-8 but those that continue a character. */
static int64_t count_characters(const char *text)
{
    int64_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static int check_choice(const char *text, const struct field *field, const char *path,
                        struct error *err)
{
    char list[160] = "";
    for (const char *const *choice = field->choices; *choice; choice++) {
        if (strcmp(*choice, text) == 0)
            return 0;
        size_t used = strlen(list);
        snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", *choice);
    }
    return fail(err, FAULT_INVALID, "%s: must be one of %s", path, list);
}

static int check_text(const json_t *value, const struct field *field, const char *path,
                      struct error *err)
{
    if (!json_is_string(value))
        return refuse_type(path, field->expects ? field->expects : "text", err);
    const char *text = json_string_value(value);
    if (field->choices)
        return check_choice(text, field, path, err);
    if (field->well_formed) {
        if (!field->well_formed(text))
            return fail(err, FAULT_INVALID, "%s: must be %s, not \"%.40s\"", path, field->expects,
                        text);
        return 0;
    }
    int64_t length = count_characters(text);
    if (length < field->least || length > field->most)
        return fail(err, FAULT_INVALID, "%s: must be %" PRId64 " to %" PRId64 " characters long",
                    path, field->least, field->most);
    return 0;
}

static int check_integer(const json_t *value, const struct field *field, const char *path,
                         struct error *err)
{
    if (!json_is_integer(value))
        return refuse_type(path, "a whole number", err);
    json_int_t number = json_integer_value(value);
    if (number >= field->least && number <= field->most)
        return 0;
    if (field->least == field->most)
        return fail(err, FAULT_INVALID, "%s: must be %" PRId64, path, field->least);
    return fail(err, FAULT_INVALID, "%s: must be a whole number from %" PRId64 " to %" PRId64, path,
                field->least, field->most);
}

static int check_boolean(const json_t *value, const struct field *field, const char *path,
                         struct error *err)
{
    (void)field;
    return json_is_boolean(value) ? 0 : refuse_type(path, "true or false", err);
}

static int check_object(const json_t *value, const struct field *field, const char *path,
                        struct error *err)
{
    if (field->shape)
        return fields_check(value, field->shape, path, err);
    return json_is_object(value) ? 0 : refuse_type(path, "an object", err);
}

static int check_list(const json_t *value, const struct field *field, const char *path,
                      struct error *err)
{
    if (!json_is_array(value))
        return refuse_type(path, "a list", err);
    int64_t size = (int64_t)json_array_size(value);
    if (size < field->least || size > field->most)
        return fail(err, FAULT_INVALID, "%s: must be a list of %" PRId64 " to %" PRId64 " items",
                    path, field->least, field->most);
    size_t i;
    const json_t *item;
    json_array_foreach(value, i, item)
    {
        char item_path[PATH_SIZE];
        snprintf(item_path, sizeof(item_path), "%s[%zu]", path, i);
        if (check_value(item, field->item, item_path, err))
            return -1;
    }
    return 0;
}

static int check_map(const json_t *value, const struct field *field, const char *path,
                     struct error *err)
{
    if (!json_is_object(value))
        return refuse_type(path, "an object", err);
    if ((int64_t)json_object_size(value) > field->most)
        return fail(err, FAULT_INVALID, "%s: must have at most %" PRId64 " members", path,
                    field->most);
    const char *key;
    const json_t *member;
    json_object_foreach(iterable(value), key, member)
    {
        char item_path[PATH_SIZE];
        member_path(item_path, path, key);
        if (!field->key_well_formed(key))
            return fail(err, FAULT_INVALID, "%s: the name must be %s", item_path, field->expects);
        if (check_value(member, field->item, item_path, err))
            return -1;
    }
    return 0;
}

static int (*const checks[])(const json_t *value, const struct field *field, const char *path,
                             struct error *err) = {
    [FIELD_TEXT] = check_text,     [FIELD_INTEGER] = check_integer, [FIELD_BOOLEAN] = check_boolean,
    [FIELD_OBJECT] = check_object, [FIELD_LIST] = check_list,       [FIELD_MAP] = check_map,
};

static int check_value(const json_t *value, const struct field *field, const char *path,
                       struct error *err)
{
    if (json_is_null(value) && field->nullable)
        return 0;
    return checks[field->kind](value, field, path, err);
}

static const struct field *find_field(const struct shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->count; i++)
        if (strcmp(shape->fields[i].name, name) == 0)
            return &shape->fields[i];
    return NULL;
}

int fields_check(const json_t *value, const struct shape *shape, const char *path,
                 struct error *err)
{
    char field_path[PATH_SIZE];
    if (!json_is_object(value))
        return refuse_type(path, "an object", err);

    /* Unknown fields first: a misspelt name says more than the missing one that it stands for. */
    const char *key;
    const json_t *member;
    json_object_foreach(iterable(value), key, member)
    {
        if (find_field(shape, key))
            continue;
        member_path(field_path, path, key);
        return fail(err, FAULT_INVALID, "%s: unknown field", field_path);
    }
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        member = json_object_get(value, field->name);
        member_path(field_path, path, field->name);
        if (!member && field->required)
            return fail(err, FAULT_INVALID, "%s: missing", field_path);
        if (member && check_value(member, field, field_path, err))
            return -1;
    }
    return 0;
}

int json_from_bytes(const char *bytes, size_t length, size_t most, json_t **ret_value,
                    struct error *err)
{
    if (length > most)
        return fail(err, FAULT_INVALID, "longer than %zu bytes", most);
    json_error_t where;
    json_t *value = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &where);
    if (!value)
        return fail(err, FAULT_INVALID, "%d:%d: %s", where.line, where.column, where.text);
    *ret_value = value;
    return 0;
}
