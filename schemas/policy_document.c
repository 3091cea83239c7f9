#include "schemas/policy_document.h"

#include <errno.h>
#include <string.h>

#include "common/auto.h"
#include "schemas/fields.h"
#include "schemas/names.h"
#include "schemas/ports.h"
#include "schemas/units.h"

/* Keep the tables in step with policy.schema.json; tests/integration/test_schemas.py compares. */

#define LIST_MAX 10000    /* items of a list */
#define PEOPLE_MAX 100000 /* users, groups or publishers */
#define UID_MIN 1000
#define UID_MAX INT64_C(4294967294) /* the last but one: (uid_t)-1 means no change */

/* A size of so few digits that none exceeds 2^53: 15 of bytes, 12 of k, … 3 of t. */
static bool is_size(const char *text)
{
    static const char units[] = "kmgt";
    size_t digits = strspn(text, "0123456789");
    const char *unit = strchr(units, text[digits]); /* the terminating NUL for plain bytes */
    if (digits == 0 || !unit)
        return false;
    if (text[digits] == '\0')
        return digits <= 15;
    return text[digits + 1] == '\0' && digits <= 12 - 3 * (size_t)(unit - units);
}

static bool is_cpus(const char *text)
{
    int64_t millicpus;
    return cpus_parse(text, &millicpus, NULL) == 0;
}

static bool is_port_range(const char *text)
{
    struct port_range range;
    return port_range_parse(text, &range);
}

static bool is_user_or_all(const char *text)
{
    return strcmp(text, "*") == 0 || name_is_user(text);
}

#define SIZE_FIELD .kind = FIELD_TEXT, .well_formed = is_size, .expects = "a size such as 512m"
static const struct field memory_fields[] = {
    {.name = "usual", SIZE_FIELD},
    {.name = "each", SIZE_FIELD},
    {.name = "total", SIZE_FIELD},
};
static const struct shape memory_shape = SHAPE(memory_fields);

#define CPUS_FIELD .kind = FIELD_TEXT, .well_formed = is_cpus, .expects = "processors such as 0.5"
static const struct field cpus_fields[] = {
    {.name = "usual", CPUS_FIELD},
    {.name = "each", CPUS_FIELD},
    {.name = "total", CPUS_FIELD},
};
static const struct shape cpus_shape = SHAPE(cpus_fields);

#define PIDS_FIELD .kind = FIELD_INTEGER, .most = 4194304
static const struct field pids_fields[] = {
    {.name = "usual", PIDS_FIELD},
    {.name = "each", PIDS_FIELD},
    {.name = "total", PIDS_FIELD},
};
static const struct shape pids_shape = SHAPE(pids_fields);

static const struct field image_item = {
    .kind = FIELD_TEXT, .well_formed = name_is_image, .expects = "an image name"};
static const struct field port_item = {
    .kind = FIELD_TEXT, .well_formed = is_port_range, .expects = "LOW[-HIGH][/tcp|udp]"};
static const struct field user_item = {
    .kind = FIELD_TEXT, .well_formed = name_is_user, .expects = "a user name"};
static const struct field spoken_for_item = {
    .kind = FIELD_TEXT, .well_formed = is_user_or_all, .expects = "a user name or *"};

/* What defaults, groups and users alike may grant. */
#define GRANTS                                                                                     \
    {.name = "images", .kind = FIELD_LIST, .most = LIST_MAX, .item = &image_item},                 \
        {.name = "containers", .kind = FIELD_INTEGER, .most = 65535},                              \
        {.name = "memory", .kind = FIELD_OBJECT, .shape = &memory_shape},                          \
        {.name = "cpus", .kind = FIELD_OBJECT, .shape = &cpus_shape},                              \
        {.name = "pids", .kind = FIELD_OBJECT, .shape = &pids_shape},                              \
    {                                                                                              \
        .name = "ports", .kind = FIELD_LIST, .most = LIST_MAX, .item = &port_item                  \
    }

static const struct field defaults_fields[] = {GRANTS};
static const struct shape defaults_shape = SHAPE(defaults_fields);

static const struct field group_fields[] = {
    GRANTS,
    {.name = "members", .kind = FIELD_LIST, .most = PEOPLE_MAX, .item = &user_item},
};
static const struct shape group_shape = SHAPE(group_fields);
static const struct field group_item = {.kind = FIELD_OBJECT, .shape = &group_shape};

static const struct field user_fields[] = {
    GRANTS,
    {.name = "uid", .kind = FIELD_INTEGER, .least = UID_MIN, .most = UID_MAX},
};
static const struct shape user_shape = SHAPE(user_fields);
static const struct field user_entry = {.kind = FIELD_OBJECT, .shape = &user_shape};

static const struct field publisher_fields[] = {
    {.name = "users",
     .kind = FIELD_LIST,
     .required = true,
     .most = PEOPLE_MAX,
     .item = &spoken_for_item},
};
static const struct shape publisher_shape = SHAPE(publisher_fields);
static const struct field publisher_item = {.kind = FIELD_OBJECT, .shape = &publisher_shape};

static const struct field policy_fields[] = {
    {.name = "v",
     .kind = FIELD_INTEGER,
     .required = true,
     .least = POLICY_VERSION,
     .most = POLICY_VERSION},
    {.name = "publishers",
     .kind = FIELD_MAP,
     .most = PEOPLE_MAX,
     .item = &publisher_item,
     .key_well_formed = name_is_publisher,
     .expects = "a broker account"},
    {.name = "defaults", .kind = FIELD_OBJECT, .shape = &defaults_shape},
    {.name = "groups",
     .kind = FIELD_MAP,
     .most = PEOPLE_MAX,
     .item = &group_item,
     .key_well_formed = name_is_user,
     .expects = "a group name, which follows the rule for users"},
    {.name = "users",
     .kind = FIELD_MAP,
     .most = PEOPLE_MAX,
     .item = &user_entry,
     .key_well_formed = name_is_user,
     .expects = "a user name"},
};
static const struct shape policy_shape = SHAPE(policy_fields);

int policy_document_decode(const char *bytes, size_t length, json_t **ret_policy, struct error *err)
{
    json_auto_t *policy = NULL;
    if (json_from_bytes(bytes, length, POLICY_MAX_BYTES, &policy, err) ||
        fields_check(policy, &policy_shape, "", err))
        return -1;
    *ret_policy = TAKE(policy);
    return 0;
}

int policy_document_read(const char *path, json_t **ret_policy, struct error *err)
{
    AUTO(file) FILE *file = fopen(path, "re"); /* e: close on exec */
    if (!file)
        return fail(err, FAULT_DEPENDENCY, "%s: %s", path, strerror(errno));

    /* One byte more than allowed, so that a file that is too long is seen to be. */
    AUTO(string) char *bytes = malloc(POLICY_MAX_BYTES + 1);
    if (!bytes)
        return fail(err, FAULT_INTERNAL, "out of memory");
    size_t length = fread(bytes, 1, POLICY_MAX_BYTES + 1, file);
    if (ferror(file))
        return fail(err, FAULT_DEPENDENCY, "%s: %s", path, strerror(errno));
    if (policy_document_decode(bytes, length, ret_policy, err))
        return fail_while(err, "%s", path);
    return 0;
}
