/* A courier that plays what a test has written down, faults and lost wake-ups included. */
#ifndef DCM_TESTS_FAKE_COURIER_H
#define DCM_TESTS_FAKE_COURIER_H

#include <signal.h>

#include "submitter/courier.h"

#define FAKE_STEPS 16
#define FAKE_ID "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9fa0b1"

/* One answer of record(). */
struct fake_record {
    enum fault fault; /* of the call itself */
    const char *state;
    enum fault ends_with; /* of a request that has failed */
};
/* One answer of events(): what comes, one JSON text a member; none: nothing in the time to wait. */
struct fake_events {
    enum fault fault;
    const char *texts[4];
};
struct fake_courier {
    struct courier courier; /* first */
    enum op op;             /* of the requests in records and lists */

    /* Steps are played in turn; the last one again and again. */
    enum fault submits[FAKE_STEPS];
    struct fake_record records[FAKE_STEPS];
    struct fake_events events[FAKE_STEPS];
    json_t *lists[LIST_COUNT]; /* by enum listing; borrowed; NULL: FAULT_DEPENDENCY */
    /* Raised by the n-th call of events, counted from 1; 0: never. */
    size_t interrupt_at;
    volatile sig_atomic_t interrupted;

    /* What has happened. */
    size_t submit_calls, record_calls, events_calls;
    char submitted[FAKE_STEPS][IDENTIFIER_SIZE];
    json_t *args; /* of the last request submitted; the test's to free */
    int64_t deadline;
    int longest_wait_ms;
};

/* Zeroed, and ready to be filled in. */
void fake_courier_begin(struct fake_courier *fake);

/* New reference. state may be NULL: then it has failed with `fault`. */
json_t *fake_result(enum op op, const char *id, const char *state, enum fault fault);

#define FAKE_PROGRESS(phase)                                                                       \
    "{\"v\":1,\"request\":\"" FAKE_ID "\",\"kind\":\"progress\",\"phase\":\"" phase                \
    "\",\"at\":\"2026-11-23T21:00:00.000Z\"}"
/* base64: the data as it is in the event. */
#define FAKE_OUTPUT(stream, base64)                                                                \
    "{\"v\":1,\"request\":\"" FAKE_ID "\",\"kind\":\"output\",\"stream\":\"" stream                \
    "\",\"data\":\"" base64 "\",\"at\":\"2026-11-23T21:00:00.000Z\"}"

#endif
