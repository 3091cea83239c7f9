/*
 * What is asked over the gate's socket, for both ends: docs/protocol.md, "Gate". Pure.
 */
#ifndef DCM_SUBMITTER_GATE_ASK_H
#define DCM_SUBMITTER_GATE_ASK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "schemas/request.h"
#include "submitter/courier.h"

#define GATE_VERSION 1
#define GATE_SUBMIT_MOST_MS 10000 /* longer timeouts are cut to this by both ends */
#define GATE_WAIT_MOST_MS 5000
#define GATE_ENQUEUE_MOST 256 /* requests of one ask */

enum gate_ask_kind { ASK_SUBMIT, ASK_ENQUEUE, ASK_RECORD, ASK_EVENTS, ASK_LIST, ASK_COUNT };

struct gate_ask {
    enum gate_ask_kind kind;
    const struct request *requests; /* submit: one; enqueue: at most GATE_ENQUEUE_MOST */
    size_t count;                   /* of them */
    int wait_ms;              /* submit, enqueue: for the confirms; events: for the first of them */
    char id[IDENTIFIER_SIZE]; /* record, events */
    char after[COURIER_CURSOR_SIZE]; /* events */
    enum listing listing;            /* list */
};

/* The text of a packet, the caller's to free. The ask's requests are only read, stay the caller's,
 * and have been checked. Of an enqueue's as many go as fit, from the first on and at least one:
 * ask->count is how many. */
int gate_ask_encode(struct gate_ask *ask, char **ret_text, struct error *err);

/* Requests are `user`'s whatever they say themselves, and *ret_ask owns them. FAULT_INVALID names
 * the field. */
int gate_ask_decode(const char *bytes, size_t length, const char *user, struct gate_ask *ret_ask,
                    struct error *err);
void gate_ask_clear(struct gate_ask *ask); /* accepts a zeroed struct */
static inline void auto_gate_ask(struct gate_ask *ask)
{
    gate_ask_clear(ask);
}

/* An entry id of a Redis stream: two 64-bit numbers in decimal. */
bool gate_cursor_is_valid(const char *text);

#endif
