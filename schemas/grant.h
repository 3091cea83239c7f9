/*
 * What a user may have of one thing, as keepers publish it and `limits` lists it:
 * schemas/grant.schema.json. A number ({"what":"memory","part":"total","most":…}), an item of a
 * list
 * ({"what":"ports","item":"80"}), or {"what":"suspended"}; each with the rule that decided.
 */
#ifndef DCM_SCHEMAS_GRANT_H
#define DCM_SCHEMAS_GRANT_H

#include <jansson.h>

#include "common/error.h"

#define GRANT_MAX_BYTES 1024

/* FAULT_INVALID names the field. */
int grant_check(const json_t *grant, struct error *err);

#endif
