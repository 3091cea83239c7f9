/* What the options of `docker run` that were granted make of a create body. */
#include "worker/plan_private.h"

#define SHM_BYTES (64 << 20)

json_t *plan_restart_policy(const struct container_plan *plan)
{
    const char *asked = json_string_value(json_object_get(plan->options, "restart"));

    /* What ran before a reboot runs after it, and what was stopped stays so. */
    return json_pack("{s:s}", "Name", asked ? asked : "unless-stopped");
}

json_t *plan_shm_size(const struct container_plan *plan)
{
    json_t *asked = json_object_get(plan->options, "shm_size");

    return asked ? json_incref(asked) : json_integer(SHM_BYTES);
}
