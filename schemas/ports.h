/*
 * Published ports: [ADDRESS:][HOST:]CONTAINER[/tcp|udp], ranges of equal length.
 *
 * Text, C and JSON ({"address":…,"host":…,"container":…,"protocol":…}) of the same thing. A bare
 * port means the same number on both sides. The container's port 22/tcp is DCM's and is refused;
 * so is a host port that is asked for twice.
 */
#ifndef DCM_SCHEMAS_PORTS_H
#define DCM_SCHEMAS_PORTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define PORTS_MAX 64 /* of one container */

struct port {
    char address[16];     /* IPv4 in canonical form; "" means: any alias that has them all free */
    uint16_t host;        /* 1 to 65535 */
    uint16_t container;   /* 1 to 65535 */
    const char *protocol; /* "tcp" or "udp", static */
};
struct ports {
    size_t count;
    struct port list[PORTS_MAX];
};

/* Add what text asks for. FAULT_INVALID names the text and what is wrong with it; *ports stays. */
int ports_parse(const char *text, struct ports *ports, struct error *err);
/* Of a request's "args.ports", already checked against the schema. */
int ports_from_json(const json_t *list, struct ports *ret_ports, struct error *err);
json_t *ports_to_json(const struct ports *ports); /* new reference */

/* LO[-HI][/tcp|udp], as the policy lists host ports; without a protocol it is tcp. */
struct port_range {
    uint16_t first, last;
    const char *protocol; /* "tcp" or "udp", static */
};
bool port_range_parse(const char *text, struct port_range *ret_range);

#endif
