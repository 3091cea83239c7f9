/* What the options of `docker run` that were granted make of a create body. */
#include "worker/plan_private.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"

#define SHM_BYTES (64 << 20)

/* What sshd, apt, useradd and their like need inside. Not NET_RAW (forged packets on the user's
 * network and the host's bridges), not MKNOD, nothing that reaches beyond the container. */
static const char *const capabilities[] = {
    "CAP_AUDIT_WRITE", "CAP_CHOWN",  "CAP_DAC_OVERRIDE",     "CAP_FOWNER",
    "CAP_FSETID",      "CAP_KILL",   "CAP_NET_BIND_SERVICE", "CAP_SETGID",
    "CAP_SETPCAP",     "CAP_SETUID", "CAP_SYS_CHROOT",
};

json_t *plan_capabilities(const struct container_plan *plan)
{
    const json_t *asked = json_object_get(plan->options, "capabilities");
    json_auto_t *list = json_array();

    for (size_t i = 0; i < COUNT(capabilities); i++)
        if (json_array_append_new(list, json_string(capabilities[i])))
            return NULL;
    for (size_t i = 0; i < json_array_size(asked); i++) {
        const char *name = json_string_value(json_array_get(asked, i));
        if (json_array_append_new(list, json_sprintf("CAP_%s", name)))
            return NULL;
    }
    return TAKE(list);
}

/* By the same path inside. Without "m": what nodes there are is the engine's to say. */
json_t *plan_devices(const struct container_plan *plan)
{
    const json_t *asked = json_object_get(plan->options, "devices");
    json_auto_t *list = json_array();

    for (size_t i = 0; i < json_array_size(asked); i++) {
        json_t *path = json_array_get(asked, i);
        if (json_array_append_new(list,
                                  json_pack("{s:O, s:O, s:s}", "PathOnHost", path,
                                            "PathInContainer", path, "CgroupPermissions", "rw")))
            return NULL;
    }
    return TAKE(list);
}

/* The first ones of the server, as many as asked for, by whatever driver the engine has. */
json_t *plan_device_requests(const struct container_plan *plan)
{
    json_int_t gpus = number_at(plan->options, "gpus");

    return gpus ? json_pack("[{s:s, s:I, s:[[s]]}]", "Driver", "", "Count", gpus, "Capabilities",
                            "gpu")
                : json_array();
}

/* Takes target. A mount, not one of Binds: there a colon separates, and a source that is missing is
 * made. */
static json_t *bind_mount(const char *source, json_t *target, bool read_only)
{
    return json_pack("{s:s, s:s, s:o, s:b, s:{s:s}}", "Type", "bind", "Source", source, "Target",
                     target, "ReadOnly", read_only, "BindOptions", "Propagation", "rprivate");
}

/* The user's storage and keys, and behind them the directories asked for. */
json_t *plan_mounts(const struct container_plan *plan)
{
    const json_t *asked = json_object_get(plan->options, "mounts");
    json_auto_t *list =
        json_pack("[o, o, o]", bind_mount(plan->root_directory, json_string("/root"), false),
                  bind_mount(plan->home_directory, json_sprintf("/home/%s", plan->user), false),
                  bind_mount(plan->keys_directory, json_string("/etc/dcm/keys"), true));

    for (size_t i = 0; list && i < json_array_size(asked); i++) {
        const json_t *mount = json_array_get(asked, i);
        if (json_array_append_new(list, bind_mount(text_at(mount, "source"),
                                                   json_incref(json_object_get(mount, "target")),
                                                   flag_at(mount, "read_only"))))
            return NULL;
    }
    return TAKE(list);
}

json_t *plan_restart_policy(const struct container_plan *plan)
{
    const char *asked = text_at(plan->options, "restart");

    /* What ran before a reboot runs after it, and what was stopped stays so. */
    return json_pack("{s:s}", "Name", asked ? asked : "unless-stopped");
}

/* An engine whose storage cannot bound a container's layer refuses the container for it. */
json_t *plan_storage_options(const struct container_plan *plan)
{
    char size[24];

    snprintf(size, sizeof(size), "%" PRId64, plan->disk);
    return plan->disk ? json_pack("{s:s}", "size", size) : json_null();
}

json_t *plan_shm_size(const struct container_plan *plan)
{
    json_t *asked = json_object_get(plan->options, "shm_size");

    return asked ? json_incref(asked) : json_integer(SHM_BYTES);
}
