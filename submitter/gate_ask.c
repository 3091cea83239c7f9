#include "submitter/gate_ask_private.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/fields.h"
#include "submitter/gate_packet.h"

#define CURSOR_DIGITS 19 /* of each number: what the store takes for sure (64 bits) */

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

/* As a number that has been checked to be in the range of an int. */
static int milliseconds_of(const json_t *message, const char *name)
{
    return (int)number_at(message, name);
}

static void write_record(const struct gate_ask *ask, json_t *message)
{
    json_object_set_new(message, "id", json_string(ask->id));
}

static int read_record(const json_t *message, const char *user, struct gate_ask *ask,
                       struct error *err)
{
    (void)user;
    (void)err;
    snprintf(ask->id, sizeof(ask->id), "%s", text_at(message, "id"));
    return 0;
}

static void write_events(const struct gate_ask *ask, json_t *message)
{
    json_object_set_new(message, "id", json_string(ask->id));
    json_object_set_new(message, "after", json_string(ask->after));
    json_object_set_new(message, "wait_ms",
                        json_integer(gate_ask_limit(ask->wait_ms, GATE_WAIT_MOST_MS)));
}

static int read_events(const json_t *message, const char *user, struct gate_ask *ask,
                       struct error *err)
{
    snprintf(ask->after, sizeof(ask->after), "%s", text_at(message, "after"));
    ask->wait_ms = gate_ask_limit(milliseconds_of(message, "wait_ms"), GATE_WAIT_MOST_MS);
    return read_record(message, user, ask, err);
}

static void write_list(const struct gate_ask *ask, json_t *message)
{
    json_object_set_new(message, "what", json_string(listing_names[ask->listing]));
}

static int read_list(const json_t *message, const char *user, struct gate_ask *ask,
                     struct error *err)
{
    const char *what = text_at(message, "what");
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

/* Whatever can be asked, one row each. One that holds requests writes its whole text itself, the
 * others add to a message. */
static const struct {
    const char *name;
    struct shape shape;
    void (*add)(const struct gate_ask *ask, json_t *message);
    int (*write)(struct gate_ask *ask, char **ret_text, struct error *err);
    int (*read)(const json_t *message, const char *user, struct gate_ask *ask, struct error *err);
} asks[ASK_COUNT] = {
    [ASK_SUBMIT] = {"submit", SHAPE(submit_fields), NULL, gate_ask_write_submit,
                    gate_ask_read_submit},
    [ASK_ENQUEUE] = {"enqueue", SHAPE(enqueue_fields), NULL, gate_ask_write_enqueue,
                     gate_ask_read_enqueue},
    [ASK_RECORD] = {"record", SHAPE(record_fields), write_record, NULL, read_record},
    [ASK_EVENTS] = {"events", SHAPE(events_fields), write_events, NULL, read_events},
    [ASK_LIST] = {"list", SHAPE(list_fields), write_list, NULL, read_list},
};

int gate_ask_encode(struct gate_ask *ask, char **ret_text, struct error *err)
{
    if (asks[ask->kind].write)
        return asks[ask->kind].write(ask, ret_text, err);

    json_auto_t *message = json_pack("{s:i, s:s}", "v", GATE_VERSION, "ask", asks[ask->kind].name);
    if (!message)
        return fail(err, FAULT_INTERNAL, "out of memory");
    asks[ask->kind].add(ask, message);
    if (fields_check(message, &asks[ask->kind].shape, "", err) == -1)
        return -1;
    char *text = json_dumps(message, JSON_COMPACT);
    if (!text)
        return fail(err, FAULT_INTERNAL, "out of memory");
    *ret_text = text;
    return 0;
}

static int find_ask(const json_t *message, enum gate_ask_kind *ret_kind, struct error *err)
{
    const char *name = text_at(message, "ask");

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
