/*
 * What a submitter asks, as it travels in the body of an AMQP message: schemas/request.schema.json.
 */
#ifndef DCM_SCHEMAS_REQUEST_H
#define DCM_SCHEMAS_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "schemas/digest.h"
#include "schemas/identifier.h"
#include "schemas/names.h"

#define REQUEST_VERSION 1
#define REQUEST_MAX_BYTES 32768

/* The operations, `noun.verb`. One table in request.c says each one's name and arguments. */
enum op {
    OP_PING,
    OP_CONTAINER_CREATE,
    OP_CONTAINER_START,
    OP_CONTAINER_STOP,
    OP_CONTAINER_RESTART,
    OP_CONTAINER_PAUSE,
    OP_CONTAINER_UNPAUSE,
    OP_CONTAINER_REMOVE,
    OP_CONTAINER_LOGS,
    OP_CONTAINER_RECREATE,
    OP_CONTAINER_EXTEND,
    OP_IMAGE_COMMIT,
    OP_IMAGE_REMOVE,
    OP_JOB_CANCEL,
    OP_POLICY_EXPLAIN, /* its args are another request's op and args */
    OP_COUNT
};
const char *op_name(enum op op);                     /* "container.create" */
int op_from_name(const char *name, enum op *ret_op); /* -1 for none of them, also for NULL */
bool op_is_known(const char *name);

struct request {
    char id[IDENTIFIER_SIZE];
    enum op op;
    char user[USER_NAME_MAX + 1];
    bool batch;        /* of the batch class: behind everything interactive, in turn with others' */
    int64_t submitted; /* milliseconds since the epoch, as the submitter says; for display only */
    int64_t deadline;  /* milliseconds since the epoch; 0: none. Not started later than this */
    json_t *args;      /* an object, checked against the op's table; owned */
};
void request_clear(struct request *request); /* accepts a zeroed struct */
static inline void auto_request(struct request *request)
{
    request_clear(request);
}

/*
 * bytes need no terminating NUL; a message without args has empty ones. FAULT_INVALID names the
 * field. A message of a higher version fails with FAULT_INVALID and the text "upgrade this server:
 * …".
 */
int request_decode(const char *bytes, size_t length, struct request *ret_request,
                   struct error *err);
/* The same of what has been parsed, for whoever bounds the text. The args are shared with it. */
int request_from_json(const json_t *message, struct request *ret_request, struct error *err);
/*
 * Of a message of a higher version as much as an answer needs: id, user, op, and the args unread,
 * whose rules are not ours. False where it is none, or these are nothing that this version knows.
 */
bool request_of_later_version(const char *bytes, size_t length, struct request *ret_request);
/* Check as decode would and write it. *ret_text is the caller's to free. */
int request_encode(const struct request *request, char **ret_text, struct error *err);
/* Write one that has been checked: by request_decode, request_from_json or request_encode. */
int request_write(const struct request *request, char **ret_text, struct error *err);

/* SHA-256 in hex over the canonical {user, op, args}: the same id with another hash is refused. */
#define REQUEST_HASH_SIZE DIGEST_SIZE
void request_hash(const struct request *request, char ret_hash[REQUEST_HASH_SIZE]);

#endif
