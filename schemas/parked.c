#include "schemas/parked.h"

#include "common/auto.h"
#include "schemas/formats.h"
#include "schemas/request.h"

/* Keep the tables in step with parked.schema.json; tests/integration/test_schemas.py compares. */

static const struct field attempt_fields[] = {
    {.name = "server", .required = true, SERVER},
    {.name = "begun", .required = true, TIME},
    {.name = "ended", TIME},
    {.name = "end", CHARACTERS(1, 63)},
};
static const struct shape attempt_shape = SHAPE(attempt_fields);
static const struct field each_attempt = {OBJECT(&attempt_shape)};

static const struct field parked_fields[] = {
    {.name = "v", .required = true, VERSION(PARKED_VERSION)},
    {.name = "id", .required = true, REQUEST_ID},
    {.name = "at", .required = true, TIME},
    {.name = "server", .required = true, SERVER},
    {.name = "publisher", .required = true, CHARACTERS(0, 63)},
    {.name = "reason", .required = true, CHARACTERS(1, 255)},
    {.name = "bytes", .required = true, BYTES(0)},
    {.name = "body", .required = true, .nullable = true, CHARACTERS(0, REQUEST_MAX_BYTES)},
    {.name = "attempts", .required = true, LIST(PARKED_ATTEMPTS_MOST, &each_attempt)},
};
static const struct shape parked_shape = SHAPE(parked_fields);

/* No JSON has control bytes but its white space; escaped, they would make a body grow sixfold. */
static json_t *text_of(const char *body, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)body[i];
        if (byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r')
            return json_null();
    }
    json_t *text = body ? json_stringn(body, length) : NULL;
    return text ? text : json_null();
}

static json_t *last_of(const json_t *attempts)
{
    size_t count = json_array_size(attempts);
    json_t *last = json_array();
    for (size_t i = count > PARKED_ATTEMPTS_MOST ? count - PARKED_ATTEMPTS_MOST : 0; i < count; i++)
        json_array_append(last, json_array_get(attempts, i));
    return last;
}

char *parked_encode(const struct parked *parked)
{
    char now[TIMESTAMP_SIZE];
    json_t *publisher = json_string(parked->publisher);
    timestamp_format(timestamp_now(), now);
    json_auto_t *document = json_pack(
        "{s:i, s:s, s:s, s:s, s:o, s:s, s:I, s:o, s:o}", "v", PARKED_VERSION, "id", parked->id,
        "at", now, "server", parked->server, "publisher", publisher ? publisher : json_string("?"),
        "reason", parked->reason[0] ? parked->reason : "?", "bytes", (json_int_t)parked->bytes,
        "body", text_of(parked->body, parked->length), "attempts", last_of(parked->attempts));
    return document ? json_dumps(document, JSON_COMPACT) : NULL;
}

json_t *parked_attempt(const char *server, int64_t begun, int64_t ended, const char *end)
{
    char began[TIMESTAMP_SIZE], over[TIMESTAMP_SIZE];
    timestamp_format(begun, began);
    timestamp_format(ended, over);
    return json_pack("{s:s, s:s, s:s*, s:s*}", "server", server, "begun", began, "ended",
                     ended ? over : NULL, "end", end[0] ? end : NULL);
}

int parked_decode(const char *bytes, size_t length, json_t **ret_parked, struct error *err)
{
    json_auto_t *document = NULL;
    if (json_from_bytes(bytes, length, PARKED_MAX_BYTES, &document, err) ||
        fields_check(document, &parked_shape, "", err))
        return -1;
    *ret_parked = TAKE(document);
    return 0;
}
