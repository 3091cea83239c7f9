/*
 * What happens to a request on its way, as entries of its stream (field "event"):
 * schemas/event.schema.json. A stream is a hint; the record is the truth.
 */
#ifndef DCM_SCHEMAS_EVENT_H
#define DCM_SCHEMAS_EVENT_H

#include <jansson.h>
#include <stddef.h>

#include "common/error.h"

#define EVENT_VERSION 1
#define EVENT_MAX_BYTES 65536
#define EVENT_OUTPUT_MAX 32768 /* bytes of output in one event, before base64 */

enum phase {
    PHASE_QUEUED,
    PHASE_PLACED,
    PHASE_CREATING,
    PHASE_STARTING,
    PHASE_PARKED,
    PHASE_DONE,
    PHASE_COUNT
};
const char *phase_name(enum phase phase);

/* {"v":1,"request":ID,"kind":"progress","phase":"creating","at":…} as text, which is the caller's
 * to free; NULL: out of memory. */
char *event_progress(const char *request_id, enum phase phase);
/* {"v":1,"request":ID,"kind":"output","stream":"stdout"|"stderr","data":base64,"at":…} New
 * reference; NULL for more than EVENT_OUTPUT_MAX bytes. */
json_t *event_output(const char *request_id, const char *stream, const void *data, size_t length);
/* The bytes of a checked output event; *ret_data is the caller's to free, *ret_stream borrowed.
 * FAULT_INVALID for an event of another kind. */
int event_output_data(const json_t *event, const char **ret_stream, unsigned char **ret_data,
                      size_t *ret_length, struct error *err);
int event_decode(const char *text, json_t **ret_event, struct error *err);

#endif
