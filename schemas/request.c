#include "schemas/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/formats.h"
#include "schemas/ports.h"
#include "schemas/run_args.h"
#include "schemas/run_options.h"

/* Keep the tables in step with request.schema.json; tests/integration/test_schemas.py compares. */

static const char *const protocols[] = {"tcp", "udp", NULL};

static const struct field port_fields[] = {
    {.name = "address", ADDRESS},
    {.name = "host", .required = true, PORT_NUMBER},
    {.name = "container", .required = true, PORT_NUMBER},
    {.name = "protocol", .required = true, ONE_OF(protocols)},
};
static const struct shape port_shape = SHAPE(port_fields);
static const struct field port_item = {OBJECT(&port_shape)};

static const struct field mount_fields[] = {
    {.name = "source",
     .required = true,
     TEXT(option_is_mount_source, "a directory of the server that may be granted")},
    {.name = "target",
     .required = true,
     TEXT(option_is_mount_target, "a path in the container, outside of its system's directories")},
    {.name = "read_only", .kind = FIELD_BOOLEAN},
};
static const struct shape mount_shape = SHAPE(mount_fields);
static const struct field mount_item = {OBJECT(&mount_shape)};
static const struct field device_item = {TEXT(option_is_device, "a path below /dev")};
static const struct field capability_item = {
    TEXT(option_is_capability, "a capability that may be granted, such as NET_ADMIN")};
static const struct field value_item = {TEXT(
    option_is_value, "at most 4096 characters without line breaks or other control characters")};

static const struct field create_args[] = {
    {.name = "image", .required = true, IMAGE_REFERENCE},
    {.name = "name", TEXT(name_is_container_own, "a container name (container<number> is DCM's)")},
    {.name = "ports", LIST(PORTS_MAX, &port_item)},
    {.name = "address", ADDRESS},
    {.name = "server", SERVER},
    {.name = "millicpus", INTEGER(10, 1024000)},
    {.name = "memory", BYTES(6 << 20)},
    {.name = "pids", INTEGER(1, PIDS_MAX)},
    {.name = "capabilities", LIST(RUN_LIST_MAX, &capability_item)},
    {.name = "devices", LIST(RUN_LIST_MAX, &device_item)},
    {.name = "env",
     MAP(RUN_LIST_MAX, option_is_variable, "a variable's, and none of DCM's", &value_item)},
    {.name = "gpus", INTEGER(1, GPUS_MAX)},
    {.name = "mounts", LIST(RUN_LIST_MAX, &mount_item)},
    {.name = "restart", ONE_OF(restart_policies)},
    {.name = "shm_size", BYTES(1 << 20)},
    {.name = "ttl", LIFE_SECONDS},
};

#define CONTAINER TEXT(name_is_container_reference, "a container's name or SSH port")

static const struct field container_args[] = {
    {.name = "container", .required = true, CONTAINER},
};

static const struct field remove_args[] = {
    {.name = "container", .required = true, CONTAINER},
    {.name = "force", .kind = FIELD_BOOLEAN},
};

static const struct field logs_args[] = {
    {.name = "container", .required = true, CONTAINER},
    {.name = "follow", .kind = FIELD_BOOLEAN},
    {.name = "tail", INTEGER(1, 1000000)},
};

static const struct field recreate_args[] = {
    {.name = "container", .required = true, CONTAINER},
    {.name = "ports", LIST(PORTS_MAX, &port_item)},
};

static const struct field extend_args[] = {
    {.name = "container", .required = true, CONTAINER},
    {.name = "ttl", .required = true, LIFE_SECONDS},
};

static const struct field commit_args[] = {
    {.name = "container", .required = true, CONTAINER},
    {.name = "name", .required = true, IMAGE_NAME},
    {.name = "replace", .kind = FIELD_BOOLEAN},
    {.name = "message", CHARACTERS(1, 255)},
};

static const struct field image_args[] = {
    {.name = "image", .required = true, IMAGE_REFERENCE},
};

static const struct field cancel_args[] = {
    {.name = "request", .required = true, REQUEST_ID},
};

static bool is_explained(const char *text)
{
    enum op op;
    return op_from_name(text, &op) == 0 && op != OP_POLICY_EXPLAIN;
}

static const struct field explain_args[] = {
    {.name = "op", .required = true, TEXT(is_explained, "an operation that can be explained")},
    {.name = "args", OBJECT(NULL)}, /* check_args */
};

static const struct operation {
    const char *name;
    struct shape args;
} operations[OP_COUNT] = {
    [OP_PING] = {"ping", {NULL, 0}},
    [OP_CONTAINER_CREATE] = {"container.create", SHAPE(create_args)},
    [OP_CONTAINER_START] = {"container.start", SHAPE(container_args)},
    [OP_CONTAINER_STOP] = {"container.stop", SHAPE(container_args)},
    [OP_CONTAINER_RESTART] = {"container.restart", SHAPE(container_args)},
    [OP_CONTAINER_PAUSE] = {"container.pause", SHAPE(container_args)},
    [OP_CONTAINER_UNPAUSE] = {"container.unpause", SHAPE(container_args)},
    [OP_CONTAINER_REMOVE] = {"container.remove", SHAPE(remove_args)},
    [OP_CONTAINER_LOGS] = {"container.logs", SHAPE(logs_args)},
    [OP_CONTAINER_RECREATE] = {"container.recreate", SHAPE(recreate_args)},
    [OP_CONTAINER_EXTEND] = {"container.extend", SHAPE(extend_args)},
    [OP_IMAGE_COMMIT] = {"image.commit", SHAPE(commit_args)},
    [OP_IMAGE_REMOVE] = {"image.remove", SHAPE(image_args)},
    [OP_JOB_CANCEL] = {"job.cancel", SHAPE(cancel_args)},
    [OP_POLICY_EXPLAIN] = {"policy.explain", SHAPE(explain_args)},
};

const char *op_name(enum op op)
{
    return operations[op].name;
}

int op_from_name(const char *name, enum op *ret_op)
{
    for (size_t i = 0; name && i < OP_COUNT; i++) {
        if (strcmp(operations[i].name, name) == 0) {
            *ret_op = (enum op)i;
            return 0;
        }
    }
    return -1;
}

bool op_is_known(const char *name)
{
    enum op op;
    return op_from_name(name, &op) == 0;
}

static const char *const classes[] = {"interactive", "batch", NULL};

static const struct field request_fields[] = {
    {.name = "v", .required = true, VERSION(REQUEST_VERSION)},
    {.name = "id", .required = true, REQUEST_ID},
    {.name = "op", .required = true, TEXT(op_is_known, "an operation of this version")},
    {.name = "user", .required = true, USER},
    {.name = "submitted", .required = true, TIME},
    {.name = "deadline", TIME},
    {.name = "class", ONE_OF(classes)},
    {.name = "args", OBJECT(NULL)},
};
static const struct shape request_shape = SHAPE(request_fields);

/* Before everything else: the other rules of a later version are not ours to judge by. */
static int check_version(const json_t *message, struct error *err)
{
    json_int_t version = number_at(message, "v");
    if (version <= REQUEST_VERSION)
        return 0; /* whatever else it is, the table of fields tells */
    return fail(err, FAULT_INVALID,
                "upgrade this server: it knows requests of version %d, this one is of version "
                "%" JSON_INTEGER_FORMAT,
                REQUEST_VERSION, version);
}

/* The args that stand beside an op, in a message or in what is to be explained. path: theirs. */
static int check_args(const json_t *asked, const char *path, enum op *ret_op, struct error *err)
{
    enum op op;
    if (op_from_name(text_at(asked, "op"), &op))
        return fail(err, FAULT_INTERNAL, "op: checked, and yet unknown");
    json_auto_t *none = json_object();
    const json_t *args = json_object_get(asked, "args");
    if (fields_check(args ? args : none, &operations[op].args, path, err))
        return -1;

    /* What a table cannot say: the container's port 22, and what is asked for twice. */
    struct ports ports;
    struct error wrong = {0};
    if (ports_from_json(json_object_get(args, "ports"), &ports, &wrong) ||
        run_args_check(args, &wrong))
        return fail(err, wrong.fault, "%s.%.200s", path, wrong.text);
    *ret_op = op;
    return 0;
}

static int check_message(const json_t *message, struct error *err)
{
    enum op op = OP_COUNT;
    if (check_version(message, err) || fields_check(message, &request_shape, "", err) ||
        check_args(message, "args", &op, err))
        return -1;
    return op == OP_POLICY_EXPLAIN
               ? check_args(json_object_get(message, "args"), "args.args", &op, err)
               : 0;
}

/* Milliseconds of a field that has been checked; 0 if it is not there. */
static int64_t time_of(const json_t *message, const char *field)
{
    int64_t milliseconds = 0;
    const char *text = text_at(message, field);
    if (text)
        timestamp_parse(text, &milliseconds, NULL);
    return milliseconds;
}

static bool is_batch(const json_t *message)
{
    const char *class = text_at(message, "class");
    return class && strcmp(class, "batch") == 0;
}

int request_from_json(const json_t *message, struct request *ret_request, struct error *err)
{
    if (check_message(message, err))
        return -1;

    struct request request = {
        .submitted = time_of(message, "submitted"),
        .deadline = time_of(message, "deadline"),
        .batch = is_batch(message),
    };
    /* 0 means none: a deadline at the epoch itself must not become no deadline. */
    if (request.deadline == 0 && json_object_get(message, "deadline"))
        request.deadline = 1;
    snprintf(request.id, sizeof(request.id), "%s", text_at(message, "id"));
    snprintf(request.user, sizeof(request.user), "%s", text_at(message, "user"));
    op_from_name(text_at(message, "op"), &request.op);
    json_t *args = json_object_get(message, "args");
    request.args = args ? json_incref(args) : json_object();
    if (!request.args)
        return fail(err, FAULT_INTERNAL, "out of memory");
    *ret_request = request;
    return 0;
}

int request_decode(const char *bytes, size_t length, struct request *ret_request, struct error *err)
{
    json_auto_t *message = NULL;
    if (json_from_bytes(bytes, length, REQUEST_MAX_BYTES, &message, err))
        return -1;
    return request_from_json(message, ret_request, err);
}

bool request_of_later_version(const char *bytes, size_t length, struct request *ret_request)
{
    json_auto_t *message = NULL;
    struct request request = {0};
    if (json_from_bytes(bytes, length, REQUEST_MAX_BYTES, &message, NULL) ||
        check_version(message, NULL) == 0)
        return false;

    const char *id = text_at(message, "id");
    const char *user = text_at(message, "user");
    json_t *args = json_object_get(message, "args");
    if (!identifier_is_valid(id) || !name_is_user(user) ||
        op_from_name(text_at(message, "op"), &request.op))
        return false;
    snprintf(request.id, sizeof(request.id), "%s", id);
    snprintf(request.user, sizeof(request.user), "%s", user);
    request.submitted = (int64_t)identifier_milliseconds(id);
    request.args = json_is_object(args) ? json_incref(args) : json_object();
    *ret_request = request;
    return request.args;
}

void request_clear(struct request *request)
{
    json_decref(request->args);
    *request = (struct request){0};
}
