/*
 * What a container has that policy grants, to be judged again before it runs again. The options
 * that were asked for are kept with it, in the signed label dcm.options, so that they are known for
 * as long as it is there. Pure.
 */
#ifndef DCM_WORKER_GRANTED_H
#define DCM_WORKER_GRANTED_H

#include <jansson.h>

#include "common/error.h"

/* The label's text: the options (schemas/run_args.h) as JSON. The caller's to free; NULL where
 * there are none. */
int granted_write(const json_t *options, char **ret_text, struct error *err);
/* The label as an inspected container has it, whose MAC has been verified. NULL: none. Borrowed. */
const char *granted_text(const json_t *inspected);

/* The options that it holds: a new object. FAULT_INTERNAL: it is not what granted_write writes. */
int granted_options(const json_t *inspected, json_t **ret_options, struct error *err);

/* The container as the args of a create that would make it, but for image and ports. A new object.
 * FAULT_INTERNAL as above. */
int granted_args(const json_t *inspected, json_t **ret_args, struct error *err);

#endif
