/* The plan of a container like any other: alice's. Whoever uses it adds image, labels and ports. */
#ifndef DCM_TESTS_UNIT_USUAL_PLAN_H
#define DCM_TESTS_UNIT_USUAL_PLAN_H

#include "worker/plan.h"

static const struct ports no_ports;

static const struct container_plan usual_plan = {
    .user = "alice",
    .uid = 2001,
    .name = "container2635",
    .image_id = "sha256:11",
    .memory = 512 << 20,
    .millicpus = 500,
    .pids = 256,
    .ssh_port = 2635,
    .ssh_address = "0.0.0.0",
    .ports = &no_ports,
    .network = "dcm.alice",
    .root_directory = "/srv/dcm/alice/root",
    .home_directory = "/srv/dcm/alice/home",
    .keys_directory = "/etc/dcm/keys/alice",
};

#endif
