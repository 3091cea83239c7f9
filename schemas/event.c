#include "schemas/event.h"

#include <resolv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/formats.h"

/* Keep the tables in step with event.schema.json; tests/integration/test_schemas.py compares. */

#define BASE64_SIZE(bytes) (((size_t)(bytes) + 2) / 3 * 4)
#define BASE64_ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

static const char *const phases[PHASE_COUNT + 1] = {
    [PHASE_QUEUED] = "queued",     [PHASE_PLACED] = "placed", [PHASE_CREATING] = "creating",
    [PHASE_STARTING] = "starting", [PHASE_PARKED] = "parked", [PHASE_DONE] = "done",
    [PHASE_COUNT] = NULL,
};

static const char *const streams[] = {"stdout", "stderr", NULL};

/* Base64 as encoders write it (RFC 4648, section 4): padded, no white space, and no bits set that
 * stand for nothing. libresolv's decoder lets white space pass. */
static bool is_base64(const char *text)
{
    size_t length = strlen(text);
    size_t digits = strspn(text, BASE64_ALPHABET);
    size_t padding = length - digits;
    if (length % 4 != 0 || length > BASE64_SIZE(EVENT_OUTPUT_MAX) || padding > 2 ||
        strspn(text + digits, "=") != padding)
        return false;
    if (padding == 0)
        return true;
    size_t last = (size_t)(strchr(BASE64_ALPHABET, text[digits - 1]) - BASE64_ALPHABET);
    return last % (padding == 1 ? 4 : 16) == 0;
}

static const char *const progress_kind[] = {"progress", NULL};
static const struct field progress_fields[] = {
    {.name = "v", .required = true, VERSION(EVENT_VERSION)},
    {.name = "request", .required = true, REQUEST_ID},
    {.name = "kind", .required = true, ONE_OF(progress_kind)},
    {.name = "phase", .required = true, ONE_OF(phases)},
    {.name = "at", .required = true, TIME},
};
static const struct shape progress_shape = SHAPE(progress_fields);

static const char *const output_kind[] = {"output", NULL};
static const struct field output_fields[] = {
    {.name = "v", .required = true, VERSION(EVENT_VERSION)},
    {.name = "request", .required = true, REQUEST_ID},
    {.name = "kind", .required = true, ONE_OF(output_kind)},
    {.name = "stream", .required = true, ONE_OF(streams)},
    {.name = "data", .required = true, TEXT(is_base64, "base64 of at most 32768 bytes")},
    {.name = "at", .required = true, TIME},
};
static const struct shape output_shape = SHAPE(output_fields);

static bool is_kind(const json_t *event, const char *kind)
{
    const char *actual = text_at(event, "kind");
    return actual && strcmp(actual, kind) == 0;
}

static int event_check(const json_t *event, struct error *err)
{
    if (is_kind(event, "output"))
        return fields_check(event, &output_shape, "", err);
    if (is_kind(event, "progress") || !json_is_object(event))
        return fields_check(event, &progress_shape, "", err);
    return fail(err, FAULT_INVALID, "kind: must be one of progress, output");
}

const char *phase_name(enum phase phase)
{
    return phases[phase];
}

/* By hand: words that need no quoting, of which every request has several. */
char *event_progress(const char *request_id, enum phase phase)
{
    char now[TIMESTAMP_SIZE];
    char *text = NULL;
    timestamp_format(timestamp_now(), now);
    if (asprintf(&text,
                 "{\"v\":%d,\"request\":\"%s\",\"kind\":\"progress\",\"phase\":\"%s\","
                 "\"at\":\"%s\"}",
                 EVENT_VERSION, request_id, phase_name(phase), now) < 0)
        return NULL;
    return text;
}

json_t *event_output(const char *request_id, const char *stream, const void *data, size_t length)
{
    if (length > EVENT_OUTPUT_MAX)
        return NULL;
    AUTO(string) char *base64 = malloc(BASE64_SIZE(length) + 1);
    if (!base64 || b64_ntop(data, length, base64, BASE64_SIZE(length) + 1) < 0)
        return NULL;
    char now[TIMESTAMP_SIZE];
    timestamp_format(timestamp_now(), now);
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s}", "v", EVENT_VERSION, "request", request_id,
                     "kind", "output", "stream", stream, "data", base64, "at", now);
}

int event_output_data(const json_t *event, const char **ret_stream, unsigned char **ret_data,
                      size_t *ret_length, struct error *err)
{
    const char *stream = text_at(event, "stream");
    const char *base64 = text_at(event, "data");
    if (!stream || !base64 || !is_base64(base64))
        return fail(err, FAULT_INVALID, "the event holds no output");

    size_t size = strlen(base64) + 1; /* larger than needed, and never empty */
    AUTO(string) char *data = malloc(size);
    if (!data)
        return fail(err, FAULT_INTERNAL, "out of memory");
    int length = b64_pton(base64, (unsigned char *)data, size);
    if (length < 0)
        return fail(err, FAULT_INVALID, "data: is not base64");
    *ret_stream = stream;
    *ret_length = (size_t)length;
    *ret_data = (unsigned char *)TAKE(data);
    return 0;
}

int event_decode(const char *text, json_t **ret_event, struct error *err)
{
    json_auto_t *event = NULL;
    if (json_from_bytes(text, strlen(text), EVENT_MAX_BYTES, &event, err) ||
        event_check(event, err))
        return -1;
    *ret_event = TAKE(event);
    return 0;
}
