#include "submitter/gate_ask.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "schemas/fields.h"
#include "submitter/gate_packet.h"

#define ENVELOPE_BYTES 256 /* of an ask, around its requests */
#define CURSOR_DIGITS 19   /* of each number: what the store takes for sure (64 bits) */

static const char *const listing_names[] = {[LIST_CONTAINERS] = "containers",
                                            [LIST_REQUESTS] = "requests",
                                            [LIST_IMAGES] = "images",
                                            [LIST_LIMITS] = "limits",
                                            [LIST_COUNT] = NULL};

bool gate_cursor_is_valid(const char *text)
{
    static const char digits[] = "0123456789";
    size_t first = strspn(text, digits);
    size_t second = text[first] == '-' ? strspn(text + first + 1, digits) : 0;

    return first > 0 && first <= CURSOR_DIGITS && second > 0 && second <= CURSOR_DIGITS &&
           text[first + 1 + second] == '\0' && first + 1 + second < COURIER_CURSOR_SIZE;
}

static int limit(int number, int most)
{
    return number < most ? number : most;
}

/* As a number that has been checked to be in the range of an int. */
static int milliseconds_of(const json_t *message, const char *name)
{
    return (int)json_integer_value(json_object_get(message, name));
}

static int write_request(const struct request *request, json_t **ret_value, struct error *err)
{
    AUTO(string) char *text = NULL;

    if (request_encode(request, &text, err) == -1)
        return -1;
    return json_from_bytes(text, strlen(text), REQUEST_MAX_BYTES, ret_value, err);
}

static void write_patience(const struct gate_ask *ask, json_t *message)
{
    json_object_set_new(message, "timeout_ms",
                        json_integer(limit(ask->wait_ms, GATE_SUBMIT_MOST_MS)));
}

static int write_submit(const struct gate_ask *ask, json_t *message, struct error *err)
{
    json_t *request = NULL;

    if (write_request(ask->requests, &request, err) == -1)
        return -1;
    json_object_set_new(message, "request", request);
    write_patience(ask, message);
    return 0;
}

static int write_enqueue(const struct gate_ask *ask, json_t *message, struct error *err)
{
    json_t *requests = json_array();

    json_object_set_new(message, "requests", requests);
    for (size_t i = 0; i < ask->count; i++) {
        json_t *request = NULL;
        if (write_request(&ask->requests[i], &request, err) == -1)
            return -1;
        json_array_append_new(requests, request);
    }
    write_patience(ask, message);
    return 0;
}

/* Whose request it is, the kernel has said; what the message says of it does not count. */
static int read_request(json_t *value, const char *user, struct request *ret_request,
                        struct error *err)
{
    if (json_object_set_new(value, "user", json_string(user)) == -1)
        return fail(err, FAULT_INVALID, "request: must be an object");
    return request_from_json(value, ret_request, err);
}

/* What has been read so far is the ask's, also after a failure. */
static int read_requests(json_t *const *values, size_t count, const char *user,
                         struct gate_ask *ask, struct error *err)
{
    struct request *requests = calloc(count + 1, sizeof(*requests)); /* never of nothing */

    if (!requests)
        return fail(err, FAULT_INTERNAL, "out of memory");
    ask->requests = requests;
    for (; ask->count < count; ask->count++)
        if (read_request(values[ask->count], user, &requests[ask->count], err) == -1)
            return -1;
    return 0;
}

static int read_submit(const json_t *message, const char *user, struct gate_ask *ask,
                       struct error *err)
{
    json_t *request = json_object_get(message, "request");

    ask->wait_ms = limit(milliseconds_of(message, "timeout_ms"), GATE_SUBMIT_MOST_MS);
    return read_requests(&request, 1, user, ask, err);
}

static int read_enqueue(const json_t *message, const char *user, struct gate_ask *ask,
                        struct error *err)
{
    const json_t *list = json_object_get(message, "requests");
    json_t *requests[GATE_ENQUEUE_MOST];
    size_t count = json_array_size(list);

    for (size_t i = 0; i < count; i++)
        requests[i] = json_array_get(list, i);
    ask->wait_ms = limit(milliseconds_of(message, "timeout_ms"), GATE_SUBMIT_MOST_MS);
    if (read_requests(requests, count, user, ask, err) == -1)
        return fail_while(err, "requests[%zu]", ask->count);
    return 0;
}

size_t gate_ask_room(const struct request *requests, size_t count)
{
    size_t taken = 0, bytes = 0;

    for (; taken < count && taken < GATE_ENQUEUE_MOST; taken++) {
        AUTO(string) char *text = NULL;
        if (request_encode(&requests[taken], &text, NULL) == 0)
            bytes += strlen(text) + 1;
        if (bytes > GATE_PACKET_MAX - ENVELOPE_BYTES && taken > 0)
            break;
    }
    return taken;
}

static int write_record(const struct gate_ask *ask, json_t *message, struct error *err)
{
    (void)err;
    json_object_set_new(message, "id", json_string(ask->id));
    return 0;
}

static int read_record(const json_t *message, const char *user, struct gate_ask *ask,
                       struct error *err)
{
    (void)user;
    (void)err;
    snprintf(ask->id, sizeof(ask->id), "%s", json_string_value(json_object_get(message, "id")));
    return 0;
}

static int write_events(const struct gate_ask *ask, json_t *message, struct error *err)
{
    (void)err;
    json_object_set_new(message, "id", json_string(ask->id));
    json_object_set_new(message, "after", json_string(ask->after));
    json_object_set_new(message, "wait_ms", json_integer(limit(ask->wait_ms, GATE_WAIT_MOST_MS)));
    return 0;
}

static int read_events(const json_t *message, const char *user, struct gate_ask *ask,
                       struct error *err)
{
    snprintf(ask->after, sizeof(ask->after), "%s",
             json_string_value(json_object_get(message, "after")));
    ask->wait_ms = limit(milliseconds_of(message, "wait_ms"), GATE_WAIT_MOST_MS);
    return read_record(message, user, ask, err);
}

static int write_list(const struct gate_ask *ask, json_t *message, struct error *err)
{
    (void)err;
    json_object_set_new(message, "what", json_string(listing_names[ask->listing]));
    return 0;
}

static int read_list(const json_t *message, const char *user, struct gate_ask *ask,
                     struct error *err)
{
    const char *what = json_string_value(json_object_get(message, "what"));
    (void)user;
    (void)err;
    for (enum listing listing = 0; listing < LIST_COUNT; listing++)
        if (strcmp(what, listing_names[listing]) == 0)
            ask->listing = listing;
    return 0;
}

#define HEAD                                                                                       \
    {.name = "v",                                                                                  \
     .kind = FIELD_INTEGER,                                                                        \
     .required = true,                                                                             \
     .least = GATE_VERSION,                                                                        \
     .most = GATE_VERSION},                                                                        \
    {                                                                                              \
        .name = "ask", .kind = FIELD_TEXT, .required = true, .most = 16                            \
    }
#define ID                                                                                         \
    {                                                                                              \
        .name = "id", .kind = FIELD_TEXT, .required = true, .well_formed = identifier_is_valid,    \
        .expects = "a request id"                                                                  \
    }
#define MILLISECONDS(of, at_least)                                                                 \
    {                                                                                              \
        .name = (of), .kind = FIELD_INTEGER, .required = true, .least = (at_least),                \
        .most = INT_MAX                                                                            \
    }

static const struct field submit_fields[] = {
    HEAD,
    {.name = "request", .kind = FIELD_OBJECT, .required = true}, /* request_decode sees to it */
    MILLISECONDS("timeout_ms", 1),
};
static const struct field requests_item = {.kind = FIELD_OBJECT};
static const struct field enqueue_fields[] = {
    HEAD,
    {.name = "requests",
     .kind = FIELD_LIST,
     .required = true,
     .least = 1,
     .most = GATE_ENQUEUE_MOST,
     .item = &requests_item},
    MILLISECONDS("timeout_ms", 1),
};
static const struct field record_fields[] = {HEAD, ID};
static const struct field events_fields[] = {
    HEAD,
    ID,
    {.name = "after",
     .kind = FIELD_TEXT,
     .required = true,
     .well_formed = gate_cursor_is_valid,
     .expects = "an entry id of a stream"},
    MILLISECONDS("wait_ms", 0),
};
static const struct field list_fields[] = {
    HEAD,
    {.name = "what", .kind = FIELD_TEXT, .required = true, .choices = listing_names},
};

/* Whatever can be asked, one row each. */
static const struct {
    const char *name;
    struct shape shape;
    int (*write)(const struct gate_ask *ask, json_t *message, struct error *err);
    int (*read)(const json_t *message, const char *user, struct gate_ask *ask, struct error *err);
} asks[ASK_COUNT] = {
    [ASK_SUBMIT] = {"submit", SHAPE(submit_fields), write_submit, read_submit},
    [ASK_ENQUEUE] = {"enqueue", SHAPE(enqueue_fields), write_enqueue, read_enqueue},
    [ASK_RECORD] = {"record", SHAPE(record_fields), write_record, read_record},
    [ASK_EVENTS] = {"events", SHAPE(events_fields), write_events, read_events},
    [ASK_LIST] = {"list", SHAPE(list_fields), write_list, read_list},
};

int gate_ask_encode(const struct gate_ask *ask, json_t **ret_message, struct error *err)
{
    json_auto_t *message = json_pack("{s:i, s:s}", "v", GATE_VERSION, "ask", asks[ask->kind].name);

    if (!message)
        return fail(err, FAULT_INTERNAL, "out of memory");
    if (asks[ask->kind].write(ask, message, err) == -1 ||
        fields_check(message, &asks[ask->kind].shape, "", err) == -1)
        return -1;
    *ret_message = TAKE(message);
    return 0;
}

static int find_ask(const json_t *message, enum gate_ask_kind *ret_kind, struct error *err)
{
    const char *name = json_string_value(json_object_get(message, "ask"));

    for (size_t kind = 0; name && kind < ASK_COUNT; kind++) {
        if (strcmp(asks[kind].name, name) == 0) {
            *ret_kind = (enum gate_ask_kind)kind;
            return 0;
        }
    }
    return fail(err, FAULT_INVALID, "ask: must be one of submit, enqueue, record, events, list");
}

int gate_ask_decode(const char *bytes, size_t length, const char *user, struct gate_ask *ret_ask,
                    struct error *err)
{
    json_auto_t *message = NULL;
    struct gate_ask ask = {0};

    if (json_from_bytes(bytes, length, GATE_PACKET_MAX, &message, err) == -1 ||
        find_ask(message, &ask.kind, err) == -1 ||
        fields_check(message, &asks[ask.kind].shape, "", err) == -1 ||
        asks[ask.kind].read(message, user, &ask, err) == -1) {
        gate_ask_clear(&ask);
        return -1;
    }
    *ret_ask = ask;
    return 0;
}

void gate_ask_clear(struct gate_ask *ask)
{
    struct request *requests = (struct request *)(uintptr_t)ask->requests;

    for (size_t i = 0; i < ask->count; i++)
        request_clear(&requests[i]);
    free(requests);
    *ask = (struct gate_ask){0};
}
