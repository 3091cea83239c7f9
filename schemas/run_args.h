/*
 * The options of `docker run` among the args of a container.create, by the names under which they
 * are asked for, kept with a container, and judged. Pure.
 */
#ifndef DCM_SCHEMAS_RUN_ARGS_H
#define DCM_SCHEMAS_RUN_ARGS_H

#include <jansson.h>

#include "common/error.h"

/* In the order of their names, NULL-terminated. */
extern const char *const run_args[];

/* Those of them that args ask for: a new object, NULL only when memory is out. Shares the values.
 */
json_t *run_args_of(const json_t *args);

/* What a table of fields cannot say of args that have passed one. FAULT_INVALID names the place in
 * args: "capabilities: …". */
int run_args_check(const json_t *args, struct error *err);

#endif
