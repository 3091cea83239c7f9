#include "worker/plan_private.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "schemas/run_options.h"

#define PATH_VALUE "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const json_t *image_config(const json_t *image)
{
    return json_object_get(image, "Config");
}

int plan_check_image(const json_t *image, struct error *err)
{
    static const struct {
        const char *field;
        const char *what;
    } refused[] = {
        {"Volumes", "declares volumes"},
        {"OnBuild", "holds ONBUILD instructions"},
    };
    const char *os = text_at(image, "Os");

    if (!os || strcmp(os, "linux") != 0)
        return fail(err, FAULT_DENIED, "the image is not one for Linux");
    for (size_t i = 0; i < COUNT(refused); i++) {
        const json_t *value = json_object_get(image_config(image), refused[i].field);
        if (json_object_size(value) > 0 || json_array_size(value) > 0)
            return fail(err, FAULT_DENIED,
                        "the image %s, which DCM cannot override; ask for one without",
                        refused[i].what);
    }
    return 0;
}

json_t *plan_labels(const struct container_plan *plan)
{
    json_t *of_image = json_object_get(image_config(plan->image), "Labels");
    json_auto_t *labels = json_object();
    const char *name;
    json_t *value;

    json_object_foreach(of_image, name, value)
    {
        if (json_object_set_new(labels, name, json_string("")))
            return NULL;
    }
    return json_object_update_new(labels, json_deep_copy(plan->labels)) ? NULL : TAKE(labels);
}

static bool has_variable(const json_t *env, const char *name, size_t length)
{
    for (size_t i = 0; i < json_array_size(env); i++) {
        const char *entry = json_string_value(json_array_get(env, i));
        if (strcspn(entry, "=") == length && memcmp(entry, name, length) == 0)
            return true;
    }
    return false;
}

/* What was asked for, and behind it the names: by DCM_ENV the init tells what to hand on to the
 * sessions of sshd, which give none of their environment away. */
static int add_asked(json_t *env, json_t *asked)
{
    json_auto_t *names = NULL;
    const char *name;
    json_t *value;

    json_object_foreach(asked, name, value)
    {
        json_t *longer = names ? json_sprintf("%s %s", json_string_value(names), name)
                               : json_sprintf("DCM_ENV=%s", name);
        json_decref(names);
        names = longer;
        if (option_is_reserved_variable(name, strlen(name)) ||
            json_array_append_new(env, json_sprintf("%s=%s", name, json_string_value(value))))
            return -1;
    }
    return names ? json_array_append(env, names) : 0;
}

/* "NVIDIA_VISIBLE_DEVICES=0,1", which the engine's hook goes by: just what the engine itself makes
 * of as many GPUs, and none where none are granted. */
static json_t *visible_devices(const struct container_plan *plan)
{
    json_int_t gpus = number_at(plan->options, "gpus");
    char text[64 + 3 * GPUS_MAX];
    int used = snprintf(text, sizeof(text), "NVIDIA_VISIBLE_DEVICES=%s", gpus ? "0" : "void");

    for (int i = 1; i < gpus && i < GPUS_MAX; i++)
        used += snprintf(text + used, sizeof(text) - (size_t)used, ",%d", i);
    return json_string(text);
}

json_t *plan_environment(const struct container_plan *plan)
{
    const json_t *of_image = json_object_get(image_config(plan->image), "Env");
    json_auto_t *env =
        json_pack("[s, o, o, o]", "PATH=" PATH_VALUE, json_sprintf("DCM_USER=%s", plan->user),
                  json_sprintf("DCM_UID=%lu", (unsigned long)plan->uid), visible_devices(plan));

    if (add_asked(env, json_object_get(plan->options, "env")))
        return NULL;
    for (size_t i = 0; env && i < json_array_size(of_image); i++) {
        const char *entry = json_string_value(json_array_get(of_image, i));
        size_t name = entry ? strcspn(entry, "=") : 0;
        if (name == 0 || has_variable(env, entry, name))
            continue;
        size_t kept = option_is_reserved_variable(entry, name) ? name : strlen(entry);
        if (json_array_append_new(env, json_stringn(entry, kept)))
            return NULL;
    }
    return TAKE(env);
}

json_t *plan_exposed_ports(const struct container_plan *plan, json_t *published)
{
    json_t *sources[] = {published, json_object_get(image_config(plan->image), "ExposedPorts")};
    json_auto_t *exposed = json_object();
    const char *port;
    json_t *value;

    for (size_t i = 0; i < COUNT(sources); i++) {
        json_object_foreach(sources[i], port, value)
        {
            if (json_object_set_new(exposed, port, json_object()))
                return NULL;
        }
    }
    return TAKE(exposed);
}
