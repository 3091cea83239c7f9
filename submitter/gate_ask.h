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

enum gate_ask_kind { ASK_SUBMIT, ASK_RECORD, ASK_EVENTS, ASK_LIST, ASK_COUNT };

struct gate_ask {
    enum gate_ask_kind kind;
    struct request request;          /* submit */
    int wait_ms;                     /* submit: for the confirm; events: for the first of them */
    char id[IDENTIFIER_SIZE];        /* record, events */
    char after[COURIER_CURSOR_SIZE]; /* events */
    enum listing listing;            /* list */
};

/* The request is only read, and stays the caller's. *ret_message is a new reference. */
int gate_ask_encode(const struct gate_ask *ask, json_t **ret_message, struct error *err);

/* A request is `user`'s whatever it says itself, and *ret_ask owns it. FAULT_INVALID names the
 * field. */
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
