#include "worker/plan_private.h"

#include <stdbool.h>
#include <stdio.h>

#include "common/auto.h"
#include "common/count.h"

#define NANOCPUS_PER_MILLICPU 1000000

struct member {
    const char *name;
    json_t *value; /* owned */
};

/* Takes every value. NULL when one of them is NULL: it could not be made. */
static json_t *object_of(const struct member *members, size_t count)
{
    json_auto_t *object = json_object();
    bool failed = false;

    for (size_t i = 0; i < count; i++)
        failed |= json_object_set_new(object, members[i].name, members[i].value) != 0;
    return failed ? NULL : TAKE(object);
}

/* Adds a binding to the list of its container port. */
static int add_binding(json_t *bindings, const struct port *port)
{
    json_auto_t *key = json_sprintf("%u/%s", (unsigned)port->container, port->protocol);
    const char *name = json_string_value(key);
    json_t *list = json_object_get(bindings, name);

    if (!list) {
        list = json_array();
        if (json_object_set_new(bindings, name, list))
            return -1;
    }
    return json_array_append_new(list, json_pack("{s:s, s:o}", "HostIp", port->address, "HostPort",
                                                 json_sprintf("%u", (unsigned)port->host)));
}

json_t *plan_port_bindings(const struct container_plan *plan)
{
    json_auto_t *bindings = json_object();
    struct port ssh = {.host = plan->ssh_port, .container = 22, .protocol = "tcp"};

    snprintf(ssh.address, sizeof(ssh.address), "%s", plan->ssh_address);
    if (add_binding(bindings, &ssh))
        return NULL;
    for (size_t i = 0; i < plan->ports->count; i++)
        if (add_binding(bindings, &plan->ports->list[i]))
            return NULL;
    return TAKE(bindings);
}

/*
 * No "no-new-privileges": sudo and su inside are the users' own business, and all of the container
 * is theirs already. No Ulimits: a hard limit above the engine's own would not start. Runtime,
 * UsernsMode and the rest are the engine's defaults; plan_verify sees to it that nothing
 * else comes of them.
 */
static json_t *host_config(const struct container_plan *plan)
{
    const struct member members[] = {
        {"CapAdd", plan_capabilities(plan)},
        {"CapDrop", json_pack("[s]", "ALL")},
        {"CgroupnsMode", json_string("private")},
        {"DeviceRequests", plan_device_requests(plan)},
        {"Devices", plan_devices(plan)},
        {"Init", json_true()},
        {"IpcMode", json_string("private")},
        {"LogConfig", json_pack("{s:s, s:{s:s, s:s}}", "Type", "json-file", "Config", "max-size",
                                "10m", "max-file", "3")},
        {"Memory", json_integer(plan->memory)},
        {"MemorySwap", json_integer(plan->memory)}, /* memory and swap together: so, no swap */
        {"Mounts", plan_mounts(plan)},
        {"NanoCpus", json_integer(plan->millicpus * NANOCPUS_PER_MILLICPU)},
        {"NetworkMode", json_string(plan->network)},
        {"PidsLimit", json_integer(plan->pids)},
        {"PortBindings", plan_port_bindings(plan)},
        {"Privileged", json_false()},
        {"PublishAllPorts", json_false()},
        {"ReadonlyRootfs", json_false()},
        {"RestartPolicy", plan_restart_policy(plan)},
        {"ShmSize", plan_shm_size(plan)},
        {"StorageOpt", plan_storage_options(plan)},
    };

    return object_of(members, COUNT(members));
}

json_t *plan_body(const struct container_plan *plan)
{
    json_t *bindings = plan_port_bindings(plan);
    const struct member members[] = {
        {"Cmd", json_array()}, /* beside an Entrypoint of ours the image's does not count */
        {"Entrypoint", json_pack("[s]", "/usr/sbin/dcm-init")},
        {"Env", plan_environment(plan)},
        {"ExposedPorts", plan_exposed_ports(plan, bindings)},
        {"Healthcheck", json_pack("{s:[s]}", "Test", "NONE")},
        {"HostConfig", host_config(plan)},
        {"Image", json_string(plan->image_id)},
        {"Labels", plan_labels(plan)},
        {"StopSignal", json_string("SIGTERM")},
        {"Tty", json_false()},
        {"User", json_string("0:0")}, /* empty would keep the image's */
        {"WorkingDir", json_string("/")},
    };

    json_decref(bindings);
    return object_of(members, COUNT(members));
}
