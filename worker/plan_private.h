/*
 * plan.c's own: what an image brings along, and what the body says to it. The engine keeps whatever
 * of the image's the body does not name, so each of these names all of it. All are new references,
 * NULL when memory is out.
 */
#ifndef DCM_WORKER_PLAN_PRIVATE_H
#define DCM_WORKER_PLAN_PRIVATE_H

#include <jansson.h>

#include "worker/plan.h"

/* The plan's labels. The image's others can't be taken away, only overwritten with nothing. */
json_t *plan_labels(const struct container_plan *plan);

/* Our variables, those asked for, and the image's: harmless ones as they are, withheld ones as a
 * bare name, which makes the engine drop them when it starts the container (ContainerCreate, Env).
 */
json_t *plan_environment(const struct container_plan *plan);

/* What the options that were granted make of the body; without them, what everybody gets. */
json_t *plan_capabilities(const struct container_plan *plan);
json_t *plan_devices(const struct container_plan *plan);
json_t *plan_device_requests(const struct container_plan *plan);
json_t *plan_mounts(const struct container_plan *plan);
json_t *plan_restart_policy(const struct container_plan *plan);
json_t *plan_shm_size(const struct container_plan *plan);
json_t *plan_storage_options(const struct container_plan *plan);

/* HostConfig.PortBindings: SSH's and the plan's. */
json_t *plan_port_bindings(const struct container_plan *plan);

/* The ports published (an object by "80/tcp") and the image's, which do nothing without
 * PublishAllPorts. */
json_t *plan_exposed_ports(const struct container_plan *plan, json_t *published);

/* Of the plan: user, name, image_id and network. body NULL: memory is out. */
int plan_verify_body(const struct container_plan *plan, json_t *body, const json_t *inspected,
                     struct error *err);

#endif
