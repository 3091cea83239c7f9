#include "worker/plan_private.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"

/* null, false, 0, "", [] and {} are one to the engine, and so is a field that is left out. */
static bool is_nothing(const json_t *value)
{
    return !value || json_is_null(value) || json_is_false(value) ||
           (json_is_integer(value) && json_integer_value(value) == 0) ||
           (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0);
}

/* Is what was found what was planned? Either may be NULL. */
typedef bool comparison(json_t *planned, json_t *found);
static comparison same;

/* Each of some's members is the same in other; a member that is missing there has to be nothing. */
static bool members_same(json_t *some, json_t *other)
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

static bool items_same(json_t *planned, json_t *found)
{
    if (json_array_size(planned) != json_array_size(found))
        return false;
    for (size_t i = 0; i < json_array_size(planned); i++)
        if (!same(json_array_get(planned, i), json_array_get(found, i)))
            return false;
    return true;
}

/* As deep as the shallower of the two, one of which we planned. */
static bool same(json_t *planned, json_t *found)
{
    if (is_nothing(planned) || is_nothing(found))
        return is_nothing(planned) && is_nothing(found);
    if (json_is_object(planned) && json_is_object(found))
        return members_same(planned, found) && members_same(found, planned);
    if (json_is_array(planned) && json_is_array(found))
        return items_same(planned, found);
    return json_equal(planned, found);
}

/* Lists whose order means nothing. Items of a plan differ from each other, so it is enough that
 * each is found and that there are no more. */
static bool same_set(json_t *planned, json_t *found)
{
    if (json_array_size(planned) != json_array_size(found))
        return false;
    for (size_t i = 0; i < json_array_size(planned); i++) {
        bool is_there = false;
        for (size_t j = 0; !is_there && j < json_array_size(found); j++)
            is_there = same(json_array_get(planned, i), json_array_get(found, j));
        if (!is_there)
            return false;
    }
    return true;
}

/* Where a member with an empty value is something after all. */
static bool exact(json_t *planned, json_t *found)
{
    return json_equal(planned, found);
}

static bool anything(json_t *planned, json_t *found)
{
    (void)planned;
    (void)found;
    return true;
}

/* The engine's own default, which only somebody who meant harm would have emptied. */
static bool something(json_t *planned, json_t *found)
{
    (void)planned;
    return !is_nothing(found);
}

/* An interval of the image's stays, of a check that is not made. */
static bool same_test(json_t *planned, json_t *found)
{
    return json_equal(json_object_get(planned, "Test"), json_object_get(found, "Test"));
}

/* The fields that the engine reports otherwise than it was told, or fills in by itself. Every other
 * field is the same as in the body, or nothing where the body has none. */
static const struct rule {
    const char *section;
    const char *field;
    comparison *same;
} rules[] = {
    {"Config", "ExposedPorts", exact},
    {"Config", "Healthcheck", same_test},
    {"Config", "HostConfig", anything}, /* within the body only; a section beside Config here */
    {"Config", "Hostname", something},  /* the first 12 digits of its id, which no plan knows */
    {"Config", "Labels", exact},
    {"HostConfig", "ConsoleSize", anything}, /* [0,0]; means something on Windows only */
    {"HostConfig", "MaskedPaths", something},
    {"HostConfig", "ReadonlyPaths", something},
    {"HostConfig", "Runtime", anything}, /* the engine's default, by its name */
};

static comparison *comparison_of(const char *section, const char *field)
{
    for (size_t i = 0; i < COUNT(rules); i++)
        if (strcmp(rules[i].section, section) == 0 && strcmp(rules[i].field, field) == 0)
            return rules[i].same;
    return same;
}

#define SHOWN 60   /* bytes of each side, in the message */
#define CONTEXT 10 /* of these, bytes before the first difference */

static int differs(const char *section, const char *field, const json_t *planned,
                   const json_t *found, struct error *err)
{
    const size_t flags = JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS;
    AUTO(string) char *planned_text = json_dumps(planned, flags);
    AUTO(string) char *found_text = json_dumps(found, flags);
    const char *wanted = planned_text ? planned_text : "nothing";
    const char *made = found_text ? found_text : "nothing";
    size_t skipped = 0;

    while (wanted[skipped] && wanted[skipped] == made[skipped])
        skipped++;
    skipped = skipped > CONTEXT ? skipped - CONTEXT : 0;
    return fail(err, FAULT_ENGINE, "the engine made %s%s %s%.*s where %s%.*s was planned", section,
                field, skipped ? "…" : "", SHOWN, made + skipped, skipped ? "…" : "", SHOWN,
                wanted + skipped);
}

/* The fields of `walked`, which is one of the two. */
static int compare_fields(const char *section, json_t *walked, json_t *planned, json_t *found,
                          struct error *err)
{
    const char *field;
    json_t *value;

    json_object_foreach(walked, field, value)
    {
        json_t *wanted = json_object_get(planned, field);
        json_t *made = json_object_get(found, field);
        if (!comparison_of(section, field)(wanted, made)) {
            char prefix[32];
            snprintf(prefix, sizeof(prefix), "%s.", section);
            return differs(prefix, field, wanted, made, err);
        }
    }
    return 0;
}

static int compare_sections(json_t *body, const json_t *inspected, struct error *err)
{
    const struct {
        const char *name;
        json_t *planned;
    } sections[] = {
        {"Config", body},
        {"HostConfig", json_object_get(body, "HostConfig")},
    };

    for (size_t i = 0; i < COUNT(sections); i++) {
        json_t *planned = sections[i].planned;
        json_t *found = json_object_get(inspected, sections[i].name);
        if (compare_fields(sections[i].name, planned, planned, found, err) ||
            compare_fields(sections[i].name, found, planned, found, err))
            return -1;
    }
    return 0;
}

/* What became of HostConfig.Mounts: API 1.41, MountPoint. */
static json_t *mount_points(const json_t *body)
{
    const json_t *mounts = json_object_get(json_object_get(body, "HostConfig"), "Mounts");
    json_auto_t *points = json_array();

    for (size_t i = 0; i < json_array_size(mounts); i++) {
        const json_t *mount = json_array_get(mounts, i);
        const json_t *options = json_object_get(mount, "BindOptions");
        json_t *point = json_pack(
            "{s:s, s:O, s:O, s:b, s:O}", "Type", "bind", "Source", json_object_get(mount, "Source"),
            "Destination", json_object_get(mount, "Target"), "RW", !flag_at(mount, "ReadOnly"),
            "Propagation", json_object_get(options, "Propagation"));
        if (json_array_append_new(points, point))
            return NULL;
    }
    return TAKE(points);
}

/* One network, and while the container runs, the ports that are published in fact. A port that is
 * only exposed is there as null. */
static int compare_network(const struct container_plan *plan, const json_t *body,
                           const json_t *inspected, struct error *err)
{
    const json_t *settings = json_object_get(inspected, "NetworkSettings");
    const json_t *networks = json_object_get(settings, "Networks");
    json_t *bindings = json_object_get(json_object_get(body, "HostConfig"), "PortBindings");
    json_t *ports = json_object_get(settings, "Ports");
    json_t *sides[] = {bindings, ports};

    if (json_object_size(networks) != 1 || !json_object_get(networks, plan->network)) {
        json_auto_t *wanted = json_string(plan->network);
        return differs("NetworkSettings.", "Networks", wanted, networks, err);
    }
    if (!flag_at(json_object_get(inspected, "State"), "Running"))
        return 0;
    for (size_t i = 0; i < COUNT(sides); i++) {
        const char *port;
        json_t *value;
        json_object_foreach(sides[i], port, value)
        {
            json_t *wanted = json_object_get(bindings, port);
            json_t *made = json_object_get(ports, port);
            if (!same_set(wanted, made))
                return differs("NetworkSettings.Ports ", port, wanted, made, err);
        }
    }
    return 0;
}

int plan_verify_body(const struct container_plan *plan, json_t *body, const json_t *inspected,
                     struct error *err)
{
    json_auto_t *points = mount_points(body);
    const struct {
        const char *field;
        json_t *planned; /* owned */
        comparison *same;
    } facts[] = {
        {"Name", json_sprintf("/dcm.%s.%s", plan->user, plan->name), exact},
        {"Image", json_string(plan->image_id), exact},
        {"Mounts", json_incref(points), same_set},
    };
    int status = body && points ? 0 : fail(err, FAULT_INTERNAL, "out of memory");

    for (size_t i = 0; i < COUNT(facts); i++) {
        json_auto_t *planned = facts[i].planned;
        json_t *found = json_object_get(inspected, facts[i].field);
        if (status == 0 && !facts[i].same(planned, found))
            status = differs("", facts[i].field, planned, found, err);
    }
    if (status || compare_sections(body, inspected, err) ||
        compare_network(plan, body, inspected, err))
        return -1;
    return 0;
}

int plan_verify(const struct container_plan *plan, const json_t *inspected, struct error *err)
{
    json_auto_t *body = plan_body(plan);
    return plan_verify_body(plan, body, inspected, err);
}
