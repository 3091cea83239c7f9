/* The table of options (options_table.c), as the reader of a line uses it. */
#ifndef DCM_SUBMITTER_OPTIONS_PRIVATE_H
#define DCM_SUBMITTER_OPTIONS_PRIVATE_H

#include "submitter/options.h"

/* Keep the value, which is NULL for a flag, and that the option was given. FAULT_INVALID names the
 * option. */
int option_take(enum option option, const char *value, struct options *options, struct error *err);

#endif
