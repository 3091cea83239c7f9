/*
 * The policy file: schemas/policy.schema.json. This reads and checks it; worker/policy.h judges by
 * it.
 */
#ifndef DCM_SCHEMAS_POLICY_DOCUMENT_H
#define DCM_SCHEMAS_POLICY_DOCUMENT_H

#include <jansson.h>
#include <stddef.h>

#include "common/error.h"

#define POLICY_VERSION 1
#define POLICY_MAX_BYTES (4 << 20)

/* FAULT_INVALID with "LINE:COLUMN: …" for syntax and with the field's path for the rest. New
 * reference. */
int policy_document_decode(const char *bytes, size_t length, json_t **ret_policy,
                           struct error *err);
/* The same of a file, whose path begins the message. FAULT_DEPENDENCY if it cannot be read. */
int policy_document_read(const char *path, json_t **ret_policy, struct error *err);

#endif
