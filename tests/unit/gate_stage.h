/* A gate that plays a part, and a courier that meets it. */
#ifndef DCM_TESTS_GATE_STAGE_H
#define DCM_TESTS_GATE_STAGE_H

#include <sys/types.h>

#include "submitter/courier.h"

#define ID "01a20a75-eaec-7a6f-84e4-b4b0d27b8dd1"
#define EVENT(phase)                                                                               \
    "{\"v\":1,\"request\":\"" ID "\",\"kind\":\"progress\",\"phase\":\"" phase                     \
    "\",\"at\":\"2026-11-23T22:10:29.745Z\"}"

struct stage {
    char folder[32], path[64];
    int listener;
    pid_t gate;
    struct courier *courier;
};

/* For cmocka; *state is the struct stage. */
int stage_set_up(void **state);
int stage_tear_down(void **state);
#define ON_A_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set_up, stage_tear_down)

/* A gate that plays this part and ends, and the stage's courier, which is connected to it. */
struct courier *meet(struct stage *stage, void (*part)(int listener));

/* What a part is made of: take in a client, take one packet of his, send him one. */
int welcome(int listener);
void heed(int client);
void say(int client, const char *text);
/* A part: it hears one ask and leaves it at that. */
void stay_silent(int listener);

#endif
