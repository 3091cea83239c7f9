#include "schemas/result.h"

#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "schemas/formats.h"
#include "schemas/ports.h"

/* Keep the tables in step with result.schema.json; tests/integration/test_schemas.py compares. */

static const char *const protocols[] = {"tcp", "udp", NULL};

static const struct field port_fields[] = {
    {.name = "address", .required = true, ADDRESS},
    {.name = "host", .required = true, PORT_NUMBER},
    {.name = "container", .required = true, PORT_NUMBER},
    {.name = "protocol", .required = true, ONE_OF(protocols)},
};
static const struct shape port_shape = SHAPE(port_fields);
static const struct field port_item = {OBJECT(&port_shape)};

static const char *const container_states[] = {"creating", "running", "paused", "stopped", NULL};

static const struct field container_fields[] = {
    {.name = "name", .required = true, TEXT(name_is_container, "a container name")},
    {.name = "id", .required = true, .nullable = true, TEXT(name_is_engine_id, "64 hex digits")},
    {.name = "state", .required = true, ONE_OF(container_states)},
    {.name = "waits_for", ADDRESS},
    {.name = "address", .required = true, ADDRESS},
    {.name = "ssh_port", .required = true, PORT_NUMBER},
    {.name = "ports", .required = true, LIST(PORTS_MAX, &port_item)},
    {.name = "image", .required = true, IMAGE_REFERENCE},
    {.name = "created", .required = true, TIME},
    {.name = "expires", .required = true, .nullable = true, TIME},
};
static const struct shape container_shape = SHAPE(container_fields);

static const struct field image_fields[] = {
    {.name = "name", .required = true, IMAGE_NAME},
    {.name = "id", .required = true, TEXT(name_is_image_id, "an image id")},
    {.name = "owner", .required = true, .nullable = true, USER},
    {.name = "bytes", .required = true, BYTES(0)},
    {.name = "created", .required = true, TIME},
};
static const struct shape image_shape = SHAPE(image_fields);

#define DECISIONS_MAX 2048
#define DECISION_WHAT_MAX 511

static const struct field decision_fields[] = {
    {.name = "what", .required = true, CHARACTERS(1, DECISION_WHAT_MAX)},
    {.name = "allowed", .kind = FIELD_BOOLEAN, .required = true},
    {.name = "rule", CHARACTERS(1, sizeof(((struct error *)NULL)->rule) - 1)},
    {.name = "message", CHARACTERS(1, sizeof(((struct error *)NULL)->text) - 1)},
};
static const struct shape decision_shape = SHAPE(decision_fields);
static const struct field decision_item = {OBJECT(&decision_shape)};

static const struct field explanation_fields[] = {
    {.name = "op", .required = true, TEXT(op_is_known, "an operation of this version")},
    {.name = "allowed", .kind = FIELD_BOOLEAN, .required = true},
    {.name = "decisions", .required = true, LIST(DECISIONS_MAX, &decision_item)},
    {.name = "omitted", BYTES(1)},
};
static const struct shape explanation_shape = SHAPE(explanation_fields);

static const struct field job_fields[] = {
    {.name = "exit_code", .required = true, INTEGER(0, 255)},
};
static const struct shape job_shape = SHAPE(job_fields);

static const char *const error_codes[] = {
    "invalid",      "policy_denied", "quota_exceeded", "not_found", "conflict", "unavailable",
    "engine_error", "expired",       "cancelled",      "internal",  NULL,
};

static const struct field error_fields[] = {
    {.name = "code", .required = true, ONE_OF(error_codes)},
    {.name = "message", .required = true, CHARACTERS(1, sizeof(((struct error *)NULL)->text) - 1)},
    {.name = "rule", CHARACTERS(1, sizeof(((struct error *)NULL)->rule) - 1)},
};
static const struct shape error_shape = SHAPE(error_fields);

static const char *const result_states[] = {
    "queued", "running", "done", "failed", "refused", "expired", "cancelled", "unknown", NULL,
};

static const struct field result_fields[] = {
    {.name = "v", .required = true, VERSION(RESULT_VERSION)},
    {.name = "request", .required = true, REQUEST_ID},
    {.name = "op", .required = true, TEXT(op_is_known, "an operation of this version")},
    {.name = "user", .required = true, USER},
    {.name = "state", .required = true, ONE_OF(result_states)},
    {.name = "server", .required = true, .nullable = true, SERVER},
    {.name = "submitted", .required = true, TIME},
    {.name = "finished", TIME},
    {.name = "container", OBJECT(NULL)}, /* container_check */
    {.name = "image", OBJECT(&image_shape)},
    {.name = "job", OBJECT(&job_shape)},
    {.name = "explanation", OBJECT(&explanation_shape)},
    {.name = "warning", CHARACTERS(1, RESULT_WARNING_SIZE - 1)},
    {.name = "error", OBJECT(&error_shape)},
};
static const struct shape result_shape = SHAPE(result_fields);

json_t *result_new(const struct request *request)
{
    char submitted[TIMESTAMP_SIZE];
    timestamp_format(request->submitted, submitted);
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:n, s:s}", "v", RESULT_VERSION, "request",
                     request->id, "op", op_name(request->op), "user", request->user, "state",
                     "queued", "server", "submitted", submitted);
}

/* server, finished: NULL where there is none. */
static char *write_text(const struct request *request, const char *state, const char *server,
                        const char *finished)
{
    char submitted[TIMESTAMP_SIZE];
    const char *quote = server ? "\"" : "";
    char *text = NULL;

    timestamp_format(request->submitted, submitted);
    if (asprintf(&text,
                 "{\"v\":%d,\"request\":\"%s\",\"op\":\"%s\",\"user\":\"%s\",\"state\":\"%s\","
                 "\"server\":%s%s%s,\"submitted\":\"%s\"%s%s%s}",
                 RESULT_VERSION, request->id, op_name(request->op), request->user, state, quote,
                 server ? server : "null", quote, submitted, finished ? ",\"finished\":\"" : "",
                 finished ? finished : "", finished ? "\"" : "") == -1)
        return NULL;
    return text;
}

char *result_new_text(const struct request *request)
{
    return write_text(request, "queued", NULL, NULL);
}

char *result_done_text(const struct request *request, const char *server)
{
    char now[TIMESTAMP_SIZE];

    timestamp_format(timestamp_now(), now);
    return write_text(request, "done", server, now);
}

static void set_state(json_t *result, const char *state, const char *server)
{
    json_object_set_new(result, "state", json_string(state));
    if (server)
        json_object_set_new(result, "server", json_string(server));
}

static void set_finished(json_t *result)
{
    char now[TIMESTAMP_SIZE];
    timestamp_format(timestamp_now(), now);
    json_object_set_new(result, "finished", json_string(now));
}

void result_set_running(json_t *result, const char *server)
{
    set_state(result, "running", server);
}

void result_set_done(json_t *result, const char *server)
{
    set_state(result, "done", server);
    set_finished(result);
}

void result_set_failed(json_t *result, const char *server, const struct error *err)
{
    const char *code = fault_code(err->fault);
    set_state(result, fault_state(err->fault), server);
    set_finished(result);
    json_object_set_new(result, "error",
                        json_pack("{s:s, s:s, s:s*}", "code", code, "message",
                                  err->text[0] ? err->text : code, "rule",
                                  err->rule[0] ? err->rule : NULL));
}

const char *result_state(const json_t *result)
{
    return text_at(result, "state");
}

/* What a state says about the fields "finished" and "error". */
static bool state_is_final(const char *state)
{
    return state && strcmp(state, "queued") != 0 && strcmp(state, "running") != 0;
}

static bool state_has_error(const char *state)
{
    return state_is_final(state) && strcmp(state, "done") != 0;
}

bool result_is_final(const json_t *result)
{
    return state_is_final(result_state(result));
}

enum fault result_fault(const json_t *result, struct error *ret_error)
{
    const char *state = result_state(result);
    if (!state_is_final(state)) {
        fail(ret_error, FAULT_UNFINISHED, "the request is %s", state ? state : "in no state");
        return FAULT_UNFINISHED;
    }
    if (!state_has_error(state))
        return FAULT_NONE;
    const json_t *error = json_object_get(result, "error");
    const char *message = text_at(error, "message");
    const char *rule = text_at(error, "rule");
    enum fault fault = fault_of_end(text_at(error, "code"), state);
    fail_by_rule(ret_error, fault, rule ? rule : "", "%s", message ? message : state);
    return fault;
}

/* A field that is there in some states, and only in them. */
static int check_presence(const json_t *result, const char *field, bool expected, struct error *err)
{
    bool present = json_object_get(result, field) != NULL;
    if (present == expected)
        return 0;
    return fail(err, FAULT_INVALID, "%s: %s in state %s", field,
                present ? "out of place" : "missing", result_state(result));
}

/* Neither touches anything, so their results have nothing to describe. */
static int check_untouched(const json_t *result, struct error *err)
{
    static const char *const parts[] = {"container", "image", "job", "warning"};
    const char *op = text_at(result, "op");
    if (strcmp(op, op_name(OP_PING)) != 0 && strcmp(op, op_name(OP_POLICY_EXPLAIN)) != 0)
        return 0;
    for (size_t i = 0; i < COUNT(parts); i++)
        if (json_object_get(result, parts[i]))
            return fail(err, FAULT_INVALID, "%s: out of place in the result of a %s", parts[i], op);
    return 0;
}

/* Who is refused is told why, and nobody else. */
static int check_decisions(const json_t *explanation, struct error *err)
{
    const json_t *decisions = json_object_get(explanation, "decisions");
    for (size_t i = 0; i < json_array_size(decisions); i++) {
        const json_t *decision = json_array_get(decisions, i);
        bool allowed = flag_at(decision, "allowed");
        if (allowed == (json_object_get(decision, "message") != NULL))
            return fail(err, FAULT_INVALID, "explanation.decisions[%zu].message: %s", i,
                        allowed ? "out of place" : "missing");
    }
    return 0;
}

int container_check(const json_t *container, const char *path, struct error *err)
{
    if (fields_check(container, &container_shape, path, err))
        return -1;
    const char *state = text_at(container, "state");
    if (json_is_null(json_object_get(container, "id")) && strcmp(state, "creating") != 0)
        return fail(err, FAULT_INVALID, "%s%sid: missing in state %s", path, *path ? "." : "",
                    state);
    return 0;
}

int image_check(const json_t *image, const char *path, struct error *err)
{
    return fields_check(image, &image_shape, path, err);
}

int result_check(const json_t *result, struct error *err)
{
    if (fields_check(result, &result_shape, "", err))
        return -1;
    const char *state = result_state(result);
    const char *op = text_at(result, "op");
    bool explains = strcmp(op, op_name(OP_POLICY_EXPLAIN)) == 0 && strcmp(state, "done") == 0;
    if (check_presence(result, "finished", state_is_final(state), err) ||
        check_presence(result, "error", state_has_error(state), err) ||
        check_presence(result, "explanation", explains, err) || check_untouched(result, err))
        return -1;
    const json_t *container = json_object_get(result, "container");
    if (container && container_check(container, "container", err))
        return -1;
    return check_decisions(json_object_get(result, "explanation"), err);
}

int result_decode(const char *text, json_t **ret_result, struct error *err)
{
    json_auto_t *result = NULL;
    if (json_from_bytes(text, strlen(text), RESULT_MAX_BYTES, &result, err) ||
        result_check(result, err))
        return -1;
    *ret_result = TAKE(result);
    return 0;
}
