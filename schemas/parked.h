/*
 * What stands in the queue dcm.parked: a copy of a message that no worker could make anything of,
 * or that has killed every runner, with its history: schemas/parked.schema.json.
 */
#ifndef DCM_SCHEMAS_PARKED_H
#define DCM_SCHEMAS_PARKED_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define PARKED_VERSION 1
#define PARKED_MAX_BYTES 131072
#define PARKED_ATTEMPTS_MOST 64

struct parked {
    const char *id;        /* the request's; of what is no request, a new one */
    const char *server;    /* whose worker has set it aside */
    const char *publisher; /* as the broker validated it; "" if there was none */
    const char *reason;
    const char *body; /* length bytes; NULL: not kept */
    size_t length;
    uint64_t bytes;         /* as many the message had */
    const json_t *attempts; /* an array of parked_attempt(); the last ones are kept */
};
/* As of now. The caller's to free; NULL when memory is short. A body that is no text is left out.
 */
char *parked_encode(const struct parked *parked);

/* Times are milliseconds since the epoch. ended 0, end "": nobody saw it. New reference. */
json_t *parked_attempt(const char *server, int64_t begun, int64_t ended, const char *end);

/* bytes need no terminating NUL. FAULT_INVALID names the field. */
int parked_decode(const char *bytes, size_t length, json_t **ret_parked, struct error *err);

#endif
