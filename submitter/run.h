/* One command, from its words to its exit status: for every program that offers the commands. */
#ifndef DCM_SUBMITTER_RUN_H
#define DCM_SUBMITTER_RUN_H

#include "submitter/session.h"

/* Read the words, connect if the command needs it, and run it. argv is reordered. Returns the exit
 * status; what went wrong has been said. */
int run_words(struct session *session, int argc, char *argv[]);

/* Write out what is left. A result that could not be written has not been told: returns the
 * status, or where that was 0, a failure's. */
int run_finish(const struct session *session, int status);

#endif
