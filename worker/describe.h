/* A container as users see it: the "container" part of results and of the index. */
#ifndef DCM_WORKER_DESCRIBE_H
#define DCM_WORKER_DESCRIBE_H

#include <jansson.h>
#include <stdint.h>

#include "schemas/ports.h"

struct description {
    const char *name;
    const char *id; /* full */
    const char *state;
    const char *address; /* see describe_address */
    uint16_t ssh_port;
    const struct ports *ports;
    const char *image;   /* told without the tag "latest", which is implied */
    const char *created; /* RFC 3339 in UTC, of any precision; what is none becomes now */
    int64_t expires;     /* milliseconds since 1970; 0: without an end */
};

/* The address that a user is told: the one that all of the ports are on. Where they are on several,
 * or there are none, the server's first, for SSH listens on every one. Borrowed from either. */
const char *describe_address(char *const *addresses, const struct ports *ports);

/* As users see what an engine's list calls State (API 1.41): "running", "paused", or "stopped" for
 * all its other words, created, exited, dead, …, and for none. */
const char *describe_state(const char *engine_state);

/* An engine's time, of any precision, in milliseconds since 1970. -1 where it is none. */
int describe_time(const char *text, int64_t *ret_milliseconds);

/* As users see the end of a container: a text, or null for 0. New reference. */
json_t *describe_end(int64_t expires);

/* New reference, to the form of schemas/result.schema.json. */
json_t *describe_container(const struct description *description);

/* The "image" part. owner NULL: the administrator's. id "sha256:…"; created as above. */
json_t *describe_image(const char *name, const char *id, const char *owner, json_int_t bytes,
                       const char *created);

/* The ports that an inspected container publishes, SSH's apart (0: none). What is beyond PORTS_MAX
 * is left out. */
void describe_ports(const json_t *inspected, struct ports *ret_ports, uint16_t *ret_ssh_port);

#endif
