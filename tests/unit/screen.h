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

/* For cmocka: a screen and a courier that answers to a ping. */
struct scene {
    struct fake_courier fake;
    struct screen screen;
};
int scene_set_up(void **state);
int scene_tear_down(void **state);
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set_up, scene_tear_down)

size_t lines_of(const char *text);

#endif
