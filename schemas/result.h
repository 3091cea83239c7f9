/*
 * What a request came to, as users read it with --json and as the store keeps it:
 * schemas/result.schema.json. States: queued, running, done, failed, refused, expired, cancelled,
 * unknown; the last six are final.
 */
#ifndef DCM_SCHEMAS_RESULT_H
#define DCM_SCHEMAS_RESULT_H

#include <jansson.h>
#include <stdbool.h>

#include "common/error.h"
#include "schemas/request.h"

#define RESULT_VERSION 1
#define RESULT_MAX_BYTES 65536
#define RESULT_WARNING_SIZE 256 /* of the "warning" part and its NUL */

/* A result in state "queued", server null. New reference. */
json_t *result_new(const struct request *request);
/* Its text, of a request that has been checked, without the tree. The caller's to free; NULL
 * without memory. */
char *result_new_text(const struct request *request);
/* The same of one that is done on this server, now. */
char *result_done_text(const struct request *request, const char *server);

/* server is borrowed; NULL leaves it as it is. All other parts are the caller's. */
void result_set_running(json_t *result, const char *server);
void result_set_done(json_t *result, const char *server);
/* State, error.code, error.message and error.rule follow from *err. */
void result_set_failed(json_t *result, const char *server, const struct error *err);

const char *result_state(const json_t *result); /* borrowed */
bool result_is_final(const json_t *result);
/* FAULT_NONE for done, FAULT_UNFINISHED before the end; otherwise the error part, back in C. */
enum fault result_fault(const json_t *result, struct error *ret_error);

/* Check a document against the schema's tables. */
int result_check(const json_t *result, struct error *err);
int result_decode(const char *text, json_t **ret_result, struct error *err);

/* The "container" part, also what `ps` lists. path is where it stands, for messages. */
int container_check(const json_t *container, const char *path, struct error *err);
/* The "image" part, also what `images` lists. */
int image_check(const json_t *image, const char *path, struct error *err);

#endif
