/* The requests in asks that submit some. They have been checked by whoever asks and are written as
 * text at once: a tree of all of them was most of what a client did. */
#include "submitter/gate_ask_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "submitter/gate_packet.h"

#define ENVELOPE_BYTES 256 /* of an ask, around its requests */

/* ---- written ---- */

int gate_ask_write_submit(struct gate_ask *ask, char **ret_text, struct error *err)
{
    AUTO(string) char *request = NULL;

    if (request_write(ask->requests, &request, err) == -1)
        return -1;
    if (asprintf(ret_text, "{\"v\":%d,\"ask\":\"submit\",\"timeout_ms\":%d,\"request\":%s}",
                 GATE_VERSION, gate_ask_limit(ask->wait_ms, GATE_SUBMIT_MOST_MS), request) == -1)
        return fail(err, FAULT_INTERNAL, "out of memory");
    return 0;
}

/* False: it does not fit behind the others any more. */
static bool add_request(char *text, size_t *length, const char *request, bool is_first)
{
    size_t more = strlen(request);

    if (*length + more + ENVELOPE_BYTES > GATE_PACKET_MAX && !is_first)
        return false;
    if (!is_first)
        text[(*length)++] = ',';
    memcpy(text + *length, request, more + 1);
    *length += more;
    return true;
}

int gate_ask_write_enqueue(struct gate_ask *ask, char **ret_text, struct error *err)
{
    AUTO(string) char *text = malloc(GATE_PACKET_MAX + 1);
    size_t most = ask->count < GATE_ENQUEUE_MOST ? ask->count : GATE_ENQUEUE_MOST;

    if (!text)
        return fail(err, FAULT_INTERNAL, "out of memory");
    size_t length =
        (size_t)sprintf(text, "{\"v\":%d,\"ask\":\"enqueue\",\"timeout_ms\":%d,\"requests\":[",
                        GATE_VERSION, gate_ask_limit(ask->wait_ms, GATE_SUBMIT_MOST_MS));
    for (ask->count = 0; ask->count < most; ask->count++) {
        AUTO(string) char *request = NULL;
        if (request_write(&ask->requests[ask->count], &request, err) == -1)
            return -1;
        if (!add_request(text, &length, request, ask->count == 0))
            break;
    }
    memcpy(text + length, "]}", sizeof("]}"));
    *ret_text = TAKE(text);
    return 0;
}

/* ---- read ---- */

/* Whose request it is, the kernel has said; what the message says of it does not count. */
static int read_request(json_t *value, const char *user, struct request *ret_request,
                        struct error *err)
{
    if (json_object_set_new(value, "user", json_string(user)) == -1)
        return fail(err, FAULT_INVALID, "request: must be an object");
    return request_from_json(value, ret_request, err);
}

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

/* As a number that has been checked to be in the range of an int. */
static int patience_of(const json_t *message)
{
    return gate_ask_limit((int)number_at(message, "timeout_ms"), GATE_SUBMIT_MOST_MS);
}

int gate_ask_read_submit(const json_t *message, const char *user, struct gate_ask *ask,
                         struct error *err)
{
    json_t *request = json_object_get(message, "request");

    ask->wait_ms = patience_of(message);
    return read_requests(&request, 1, user, ask, err);
}

int gate_ask_read_enqueue(const json_t *message, const char *user, struct gate_ask *ask,
                          struct error *err)
{
    const json_t *list = json_object_get(message, "requests");
    json_t *requests[GATE_ENQUEUE_MOST];
    size_t count = json_array_size(list);

    for (size_t i = 0; i < count; i++)
        requests[i] = json_array_get(list, i);
    ask->wait_ms = patience_of(message);
    if (read_requests(requests, count, user, ask, err) == -1)
        return fail_while(err, "requests[%zu]", ask->count);
    return 0;
}
