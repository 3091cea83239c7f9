/* The options of `docker run` that a command line asks for, as a request's args. */
#ifndef DCM_SUBMITTER_RUN_OPTIONS_H
#define DCM_SUBMITTER_RUN_OPTIONS_H

#include <jansson.h>

#include "submitter/options.h"

/* A new object of those that were given. NULL: a text is not UTF-8, or memory is out. */
json_t *run_options_args(const struct options *options);

#endif
