/*
 * What one container is to be: the engine's create body, built from nothing, and the check of what
 * the engine made against it. Pure. Docker Engine API 1.41, ContainerCreate.
 *
 * An image supplies User, Env, Entrypoint, Cmd, Healthcheck, Volumes, ExposedPorts, StopSignal,
 * WorkingDir and Labels, and an empty field keeps the image's: each is set explicitly, and what
 * cannot be overridden (Volumes, ONBUILD) is refused by plan_check_image.
 */
#ifndef DCM_WORKER_PLAN_H
#define DCM_WORKER_PLAN_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"
#include "schemas/ports.h"

struct container_plan {
    const char *user;
    uid_t uid;
    const char *name;     /* "container2635" */
    const char *image_id; /* "sha256:…" */
    const json_t *image;  /* the image as inspected: its Config is overridden field by field */
    const json_t *labels; /* signed */
    int64_t memory, millicpus, pids;
    int64_t disk;               /* bytes of the writable layer; 0: unbounded */
    const json_t *options;      /* asked for and granted (schemas/run_args.h); NULL: none */
    uint16_t ssh_port;          /* published on ssh_address */
    const char *ssh_address;    /* "0.0.0.0" */
    const struct ports *ports;  /* with addresses filled in */
    const char *network;        /* "dcm.<user>" */
    const char *root_directory; /* on the host: becomes /root */
    const char *home_directory; /* on the host: becomes /home/<user> */
    const char *keys_directory; /* on the host, root-owned: becomes /etc/dcm/keys, read-only */
};

/* FAULT_DENIED for an image that asks for what cannot be overridden. */
int plan_check_image(const json_t *image, struct error *err);
/* New reference; NULL only when memory is out or a text is not UTF-8. */
json_t *plan_body(const struct container_plan *plan);
/* Compare an inspected container with the plan, whole: what the body sets must be there, and what
 * it does not set must be nothing. FAULT_ENGINE names the first difference. */
int plan_verify(const struct container_plan *plan, const json_t *inspected, struct error *err);

#endif
