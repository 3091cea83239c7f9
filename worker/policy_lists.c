#include "worker/policy_lists.h"

#include <stdio.h>
#include <string.h>

#include "common/members.h"
#include "schemas/names.h"
#include "schemas/ports.h"
#include "schemas/run_options.h"
#include "schemas/units.h"

/* ---- does this item of a list grant that? ---- */

typedef bool cover(const char *granted, const char *asked);

static bool same(const char *granted, const char *asked)
{
    return strcmp(granted, asked) == 0;
}

static bool same_or_any(const char *granted, const char *asked)
{
    return strcmp(granted, "*") == 0 || same(granted, asked);
}

/* "debian-ssh" and "debian-ssh:latest" are one image. A colon stands nowhere but before a tag. */
static bool same_image(const char *left, const char *right)
{
    size_t length = name_image_length(left);

    return length == name_image_length(right) && memcmp(left, right, length) == 0;
}

static bool covers_port(const char *granted, const char *asked)
{
    struct port_range range, port;

    return port_range_parse(granted, &range) && port_range_parse(asked, &port) &&
           strcmp(range.protocol, port.protocol) == 0 && range.first <= port.first &&
           port.last <= range.last;
}

/* Exactly this directory; who may write to it may also only read. */
static bool covers_mount(const char *granted, const char *asked)
{
    size_t length = strlen(granted);

    return same(granted, asked) || (length == strlen(asked) && granted[length - 1] == 'w' &&
                                    memcmp(granted, asked, length - 1) == 0);
}

/* "PREFIX_*" is every name that goes on behind the prefix. */
static bool covers_variable(const char *granted, const char *asked)
{
    size_t prefix = strcspn(granted, "*");

    return granted[prefix] ? strncmp(granted, asked, prefix) == 0 && asked[prefix]
                           : same(granted, asked);
}

/* Never, and what everybody gets who asks for nothing. */
static const char *const restart_policies_free[] = {"no", "unless-stopped", NULL};

static const struct {
    const char *name; /* in the policy */
    const char *noun; /* for people */
    cover *covers;
    const char *argument;    /* in a request; NULL: judged by its own function */
    const char *const *free; /* what nobody has to be granted, NULL-terminated; or NULL */
} lists[LIST_COUNT] = {
    [IMAGES] = {"images", "image", same_image, NULL, NULL},
    [PORTS] = {"ports", "host port", covers_port, NULL, NULL},
    [ADDRESSES] = {"addresses", "publishing on the address", same_or_any, NULL, NULL},
    [RESTART] = {"restart", "the restart policy", same, "restart", restart_policies_free},
    [MOUNTS] = {"mounts", "the mount", covers_mount, "mounts", NULL},
    [DEVICES] = {"devices", "the device", same, "devices", NULL},
    [CAPABILITIES] = {"capabilities", "the capability", same, "capabilities", NULL},
    [ENV] = {"env", "the variable", covers_variable, "env", NULL},
};

/* The layer that grants it, into *ret_place. */
static bool is_granted(const struct judged *judged, enum list list, const char *asked,
                       char ret_place[POLICY_PLACE_SIZE])
{
    struct layers layers;

    layers_begin(&layers, judged);
    while (layers_next(&layers)) {
        const json_t *items = json_object_get(layers.grants, lists[list].name);
        for (size_t i = 0; i < json_array_size(items); i++) {
            if (lists[list].covers(json_string_value(json_array_get(items, i)), asked)) {
                memcpy(ret_place, layers.place, POLICY_PLACE_SIZE);
                return true;
            }
        }
    }
    return false;
}

int list_check(const struct judged *judged, enum list list, const char *asked, struct error *err)
{
    const struct judged ever = {judged->policy, judged->user, NOTHING_HAS_ENDED, NULL};
    char place[POLICY_PLACE_SIZE] = "defaults";
    char rule[sizeof(err->rule)];
    const char *noun = lists[list].noun;

    bool granted = is_granted(judged, list, asked, place);
    bool has_ended = !granted && is_granted(&ever, list, asked, place);
    snprintf(rule, sizeof(rule), "%s.%s", place, lists[list].name);
    if (granted)
        return verdict_allowed(judged->verdicts, rule, "%s %s", noun, asked);
    if (has_ended)
        fail_by_rule(err, FAULT_DENIED, rule, "the grant of %s %s has ended; ask the administrator",
                     noun, asked);
    else
        fail_by_rule(err, FAULT_DENIED, rule, "%s %s is not granted to you; ask the administrator",
                     noun, asked);
    return verdict_refused(judged->verdicts, err, "%s %s", noun, asked);
}

/* An item of args as the policy would list it: a text is itself, an object is a mount. */
static int check_item(const struct judged *judged, enum list list, const json_t *item,
                      struct error *err)
{
    char mount[MOUNT_GRANT_SIZE];

    if (json_is_string(item))
        return list_check(judged, list, json_string_value(item), err);
    snprintf(mount, sizeof(mount), "%s:%s", text_at(item, "source"),
             flag_at(item, "read_only") ? "ro" : "rw");
    return list_check(judged, list, mount, err);
}

static int check_argument(const struct judged *judged, enum list list, const json_t *value,
                          struct error *err)
{
    if (json_is_string(value)) {
        for (const char *const *free = lists[list].free; free && *free; free++)
            if (same(*free, json_string_value(value)))
                return verdict_allowed(judged->verdicts, "", "%s %s", lists[list].noun, *free);
        return check_item(judged, list, value, err);
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        if (check_item(judged, list, json_array_get(value, i), err))
            return -1;
    if (!json_is_object(value))
        return 0;
    /* By name; jansson iterates over what it does not change, but its signature says otherwise. */
    json_t *members = (json_t *)(uintptr_t)value;
    for (void *at = json_object_iter(members); at; at = json_object_iter_next(members, at))
        if (list_check(judged, list, json_object_iter_key(at), err))
            return -1;
    return 0;
}

int lists_check(const struct judged *judged, const json_t *args, struct error *err)
{
    for (enum list list = 0; list < LIST_COUNT; list++)
        if (lists[list].argument &&
            check_argument(judged, list, json_object_get(args, lists[list].argument), err))
            return -1;
    return 0;
}

json_t *list_items(const struct judged *judged, enum list list)
{
    json_t *found = json_array();
    struct layers layers;

    layers_begin(&layers, judged);
    while (layers_next(&layers)) {
        const json_t *items = json_object_get(layers.grants, lists[list].name);
        for (size_t i = 0; i < json_array_size(items); i++) {
            json_t *item = json_array_get(items, i);
            if (!list_has(found, json_string_value(item)))
                json_array_append(found, item);
        }
    }
    return found;
}

/* Times are written so that the later one is the larger text; who names none ends last. */
static bool ends_later(const json_t *left, const json_t *right)
{
    const char *one = text_at(left, "until");
    const char *other = text_at(right, "until");

    return other && (!one || strcmp(one, other) > 0);
}

static json_t *list_item(const struct layers *layers, enum list list, json_t *item)
{
    char rule[sizeof(((struct error *)NULL)->rule)], until[TIMESTAMP_SIZE];

    snprintf(rule, sizeof(rule), "%s.%s", layers->place, lists[list].name);
    timestamp_format(layers->until, until);
    return json_pack("{s:s, s:O, s:s, s:s*}", "what", lists[list].name, "item", item, "rule", rule,
                     "until", layers->until == NEVER ? NULL : until);
}

static void list_layer(const struct layers *layers, enum list list, json_t *known)
{
    const json_t *items = json_object_get(layers->grants, lists[list].name);

    for (size_t i = 0; i < json_array_size(items); i++) {
        const char *item = json_string_value(json_array_get(items, i));
        json_auto_t *grant = list_item(layers, list, json_array_get(items, i));
        const json_t *before = json_object_get(known, item);
        if (!before || ends_later(grant, before))
            json_object_set(known, item, grant);
    }
}

void lists_list(const struct judged *judged, json_t *grants)
{
    for (enum list list = 0; list < LIST_COUNT; list++) {
        json_auto_t *known = json_object(); /* item → grant, in the order in which they came */
        struct layers layers;
        const char *item;
        json_t *grant;
        layers_begin(&layers, judged);
        while (layers_next(&layers))
            list_layer(&layers, list, known);
        json_object_foreach(known, item, grant) json_array_append(grants, grant);
    }
}
