#include "worker/plan_again.h"

#include "common/auto.h"
#include "common/count.h"
#include "worker/plan_private.h"

/* What a container has of its own in Config, apart from what changes. The engine's report holds
 * more, such as a host name made of the old id. */
static const char *const kept[] = {
    "Cmd", "Entrypoint", "Env", "Healthcheck", "StopSignal", "Tty", "User", "WorkingDir",
};

static json_t *host_config(const struct container_plan *plan, const json_t *present,
                           json_t *bindings)
{
    json_auto_t *host = json_deep_copy(json_object_get(present, "HostConfig"));
    bool failed = json_object_set(host, "PortBindings", bindings) != 0;

    /* As the policy has it now: a layer is bounded when it is made, and this is a new one. */
    json_object_del(host, "StorageOpt");
    if (plan->disk)
        failed |= json_object_set_new(host, "StorageOpt", plan_storage_options(plan)) != 0;
    return failed ? NULL : TAKE(host);
}

json_t *plan_again_body(const struct container_plan *plan, const json_t *present)
{
    const json_t *config = json_object_get(present, "Config");
    json_auto_t *body = json_object();
    json_auto_t *bindings = plan_port_bindings(plan);
    const struct {
        const char *name;
        json_t *value; /* owned */
    } changed[] = {
        {"ExposedPorts", plan_exposed_ports(plan, bindings)},
        {"HostConfig", host_config(plan, present, bindings)},
        {"Image", json_string(plan->image_id)},
        {"Labels", plan_labels(plan)},
    };
    bool failed = false;

    for (size_t i = 0; i < COUNT(kept); i++) {
        json_t *value = json_object_get(config, kept[i]);
        failed |= value && json_object_set(body, kept[i], value);
    }
    for (size_t i = 0; i < COUNT(changed); i++)
        failed |= json_object_set_new(body, changed[i].name, changed[i].value) != 0;
    return failed ? NULL : TAKE(body);
}

int plan_again_verify(const struct container_plan *plan, const json_t *present,
                      const json_t *inspected, struct error *err)
{
    json_auto_t *body = plan_again_body(plan, present);
    return plan_verify_body(plan, body, inspected, err);
}
