/* A session whose output a test can read. */
#ifndef DCM_TESTS_SCREEN_H
#define DCM_TESTS_SCREEN_H

#include "submitter/session.h"
#include "tests/unit/fake_courier.h"

struct screen {
    struct session session;
    char *out, *err; /* what has been written, after screen_read */
    size_t out_size, err_size;
};

/* For alice; fake may be NULL. */
void screen_open(struct screen *screen, struct fake_courier *fake);
void screen_read(struct screen *screen); /* flush, so that out and err are whole */
void screen_close(struct screen *screen);

/* Parse the words, separated by spaces, and run the command. Returns the exit status, also for a
 * line that does not parse. */
int screen_run(struct screen *screen, const char *line);

#endif
