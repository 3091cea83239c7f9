/* What dcm-submit and dcm-submit-direct have in common: nearly everything. */
#ifndef DCM_SUBMITTER_SUBMIT_H
#define DCM_SUBMITTER_SUBMIT_H

#include "submitter/connect.h"

/* One command, from the caller's words to the exit status. `direct` is how to connect with
 * --config. */
int submit(int argc, char *argv[], connect_with *direct);

#endif
