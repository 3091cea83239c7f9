/*
 * What the gate answers over its socket, for both ends: docs/protocol.md, "Gate". Pure.
 */
#ifndef DCM_SUBMITTER_GATE_ANSWER_H
#define DCM_SUBMITTER_GATE_ANSWER_H

#include <jansson.h>
#include <stddef.h>

#include "common/error.h"
#include "submitter/courier.h"

enum gate_answer_kind {
    ANSWER_CONFIRMED,
    ANSWER_OUTCOMES,
    ANSWER_RESULT,
    ANSWER_ITEM,
    ANSWER_END,
    ANSWER_ERROR
};

struct gate_answer {
    enum gate_answer_kind kind;
    json_t *value;                    /* result, item: an object; outcomes: an array of them */
    char cursor[COURIER_CURSOR_SIZE]; /* to `events`: from where to go on after this; else "" */
    struct error error;               /* error: as it met the other end */
};

/* The value is only read. A new reference, NULL without memory. */
json_t *gate_answer_encode(const struct gate_answer *answer);

/* FAULT_INTERNAL for what no gate says. An answer of kind error decodes well; *ret_answer owns the
 * value, of which nothing more is known but for outcomes. */
int gate_answer_decode(const char *bytes, size_t length, struct gate_answer *ret_answer,
                       struct error *err);
void gate_answer_clear(struct gate_answer *answer); /* accepts a zeroed struct */
static inline void auto_gate_answer(struct gate_answer *answer)
{
    gate_answer_clear(answer);
}

/* What became of one of several requests: a new reference, NULL without memory; and back. */
json_t *gate_outcome_of(const struct error *reason);
void gate_outcome_read(const json_t *outcome, struct error *ret_reason);

#endif
