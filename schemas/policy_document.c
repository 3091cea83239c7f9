#include "schemas/policy_document.h"

#include <errno.h>
#include <string.h>

#include "common/auto.h"
#include "schemas/formats.h"
#include "schemas/ports.h"
#include "schemas/run_options.h"

/* Keep the tables in step with policy.schema.json; tests/integration/test_schemas.py compares. */

#define LIST_MAX 10000    /* items of a list */
#define EXTRA_MAX 1000    /* extra grants of one layer */
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

static bool is_address_or_all(const char *text)
{
    return strcmp(text, "*") == 0 || name_is_address(text);
}

/* So few digits that none exceeds ten years: 8 of seconds, 6 of minutes, 4 of hours, 3 of days. */
static bool is_life(const char *text)
{
    static const char units[] = "smhd";
    static const size_t most[] = {8, 6, 4, 3};
    size_t digits = strspn(text, "0123456789");
    const char *unit = text[digits] ? strchr(units, text[digits]) : NULL;

    return unit && text[0] != '0' && digits > 0 && digits <= most[unit - units] &&
           text[digits + 1] == '\0';
}

static bool is_user_or_all(const char *text)
{
    return strcmp(text, "*") == 0 || name_is_user(text);
}

#define SIZE TEXT(is_size, "a size such as 512m")
static const struct field memory_fields[] = {
    {.name = "usual", SIZE},
    {.name = "each", SIZE},
    {.name = "total", SIZE},
};
static const struct shape memory_shape = SHAPE(memory_fields);

#define CPUS TEXT(is_cpus, "a number of processors such as \"0.5\"")
static const struct field cpus_fields[] = {
    {.name = "usual", CPUS},
    {.name = "each", CPUS},
    {.name = "total", CPUS},
};
static const struct shape cpus_shape = SHAPE(cpus_fields);

static const struct field pids_fields[] = {
    {.name = "usual", INTEGER(0, PIDS_MAX)},
    {.name = "each", INTEGER(0, PIDS_MAX)},
    {.name = "total", INTEGER(0, PIDS_MAX)},
};
static const struct shape pids_shape = SHAPE(pids_fields);

static const struct field image_item = {IMAGE_NAME};
static const struct field port_item = {TEXT(is_port_range, "LOW[-HIGH][/tcp|udp]")};
static const struct field user_item = {USER};
static const struct field address_item = {TEXT(is_address_or_all, "an IPv4 address or *")};
static const struct field restart_item = {ONE_OF(RESTART_GRANTS)};
static const struct field mount_item = {
    TEXT(option_is_mount_grant, "SOURCE:ro or SOURCE:rw, of a directory that may be granted")};
static const struct field device_item = {TEXT(option_is_device, "a path below /dev")};
static const struct field capability_item = {
    TEXT(option_is_capability, "a capability that may be granted, such as NET_ADMIN")};
static const struct field variable_item = {
    TEXT(option_is_variable_grant, "a variable's name or PREFIX_*, and none of DCM's")};
static const struct field spoken_for_item = {TEXT(is_user_or_all, "a user name or *")};

/* What defaults, groups and users alike may grant. */
/* clang-format off */
#define GRANTS                                                                                     \
    {.name = "images", LIST(LIST_MAX, &image_item)},                                               \
    {.name = "containers", INTEGER(0, 65535)},                                                     \
    {.name = "images_kept", INTEGER(0, 65535)},                                                    \
    {.name = "image_bytes", SIZE},                                                                 \
    {.name = "memory", OBJECT(&memory_shape)},                                                     \
    {.name = "cpus", OBJECT(&cpus_shape)},                                                         \
    {.name = "pids", OBJECT(&pids_shape)},                                                         \
    {.name = "disk", SIZE},                                                                        \
    {.name = "storage", SIZE},                                                                     \
    {.name = "ports", LIST(LIST_MAX, &port_item)},                                                 \
    {.name = "addresses", LIST(LIST_MAX, &address_item)},                                          \
    {.name = "restart", LIST(LIST_MAX, &restart_item)},                                            \
    {.name = "mounts", LIST(LIST_MAX, &mount_item)},                                               \
    {.name = "devices", LIST(LIST_MAX, &device_item)},                                             \
    {.name = "capabilities", LIST(LIST_MAX, &capability_item)},                                    \
    {.name = "env", LIST(LIST_MAX, &variable_item)},                                               \
    {.name = "shm_size", SIZE},                                                                    \
    {.name = "gpus", INTEGER(0, GPUS_MAX)},                                                        \
    {.name = "life", TEXT(is_life, "a duration such as 7d")}
/* clang-format on */

/* What ends, if it says when; everything else of a layer does not. */
static const struct field extra_fields[] = {
    GRANTS,
    {.name = "until", TEXT(moment_is_valid, "a time of RFC 3339 such as 2026-11-23T21:00:00Z")},
    {.name = "reason", CHARACTERS(1, 255)},
};
static const struct shape extra_shape = SHAPE(extra_fields);
static const struct field extra_item = {OBJECT(&extra_shape)};
#define EXTRA                                                                                      \
    {                                                                                              \
        .name = "extra", LIST(EXTRA_MAX, &extra_item)                                              \
    }

static const struct field defaults_fields[] = {GRANTS, EXTRA};
static const struct shape defaults_shape = SHAPE(defaults_fields);

static const struct field group_fields[] = {
    GRANTS,
    EXTRA,
    {.name = "members", LIST(PEOPLE_MAX, &user_item)},
};
static const struct shape group_shape = SHAPE(group_fields);
static const struct field group_item = {OBJECT(&group_shape)};

static const struct field user_fields[] = {
    GRANTS,
    EXTRA,
    {.name = "uid", INTEGER(UID_MIN, UID_MAX)},
};
static const struct shape user_shape = SHAPE(user_fields);
static const struct field user_entry = {OBJECT(&user_shape)};

static const struct field publisher_fields[] = {
    {.name = "users", .required = true, LIST(PEOPLE_MAX, &spoken_for_item)},
};
static const struct shape publisher_shape = SHAPE(publisher_fields);
static const struct field publisher_item = {OBJECT(&publisher_shape)};

static const struct field policy_fields[] = {
    {.name = "v", .required = true, VERSION(POLICY_VERSION)},
    {.name = "publishers", MAP(PEOPLE_MAX, name_is_publisher, "a broker account", &publisher_item)},
    {.name = "defaults", OBJECT(&defaults_shape)},
    {.name = "groups", MAP(PEOPLE_MAX, name_is_user, "a group name", &group_item)},
    {.name = "users", MAP(PEOPLE_MAX, name_is_user, "a user name", &user_entry)},
    {.name = "suspended", LIST(PEOPLE_MAX, &user_item)},
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
