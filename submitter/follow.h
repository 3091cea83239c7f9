/*
 * Following a request to its result. The record is the truth and the stream a hint: wake-ups may be
 * lost and entries trimmed, so the record is read when an event says that something happened, and
 * every few seconds all the same. Waiting is the store's blocking read, never a sleep, except while
 * the store is away.
 */
#ifndef DCM_SUBMITTER_FOLLOW_H
#define DCM_SUBMITTER_FOLLOW_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "submitter/courier.h"

struct pace {
    int wait_ms;     /* the longest blocking read: so long may a signal go unnoticed */
    int look_ms;     /* the record is read at least so often */
    int patience_ms; /* so long may the store be away */
    int again_ms;    /* so long may a record be missing before we ask again */
};
extern const struct pace follow_pace;

struct following {
    struct courier *courier;
    const char *id;
    bool submitted; /* by us: that there is no record yet means queued, not unknown */
    bool fresh;     /* it has hardly ended yet: its events first, as courier_foresee has them */
    /* What we have submitted, to be asked again, under the same id, where the store has lost its
     * record; or NULL. */
    const struct request *request;
    int64_t until; /* clock_ms; 0: without end */
    const volatile sig_atomic_t *interrupted;
    const struct pace *pace; /* &follow_pace */
    /* Every event, in order, those that come before the result included. Nonzero ends it all. */
    int (*heed)(const json_t *event, void *context);
    void *context;
};

/* 0: *ret_result is the final result, a new reference. FAULT_UNFINISHED: stopped before that, for
 * the reason in err->text. FAULT_NOT_FOUND: there is no such request. */
int follow(const struct following *following, json_t **ret_result, struct error *err);

/* Only what the stream holds by now. */
int follow_past(const struct following *following, struct error *err);

#endif
