/*
 * What the files of gate_ask share, and nobody else includes:
 *
 *   gate_ask.c           one row an ask: its shape, how it is written and read
 *   gate_ask_requests.c  the requests in asks that submit some
 */
#ifndef DCM_SUBMITTER_GATE_ASK_PRIVATE_H
#define DCM_SUBMITTER_GATE_ASK_PRIVATE_H

#include "submitter/gate_ask.h"

/* Each as gate_ask_encode. */
int gate_ask_write_submit(struct gate_ask *ask, char **ret_text, struct error *err);
int gate_ask_write_enqueue(struct gate_ask *ask, char **ret_text, struct error *err);

/* As gate_ask_decode, of messages that have their shape. What has been read is the ask's, also
 * after a failure. */
int gate_ask_read_submit(const json_t *message, const char *user, struct gate_ask *ask,
                         struct error *err);
int gate_ask_read_enqueue(const json_t *message, const char *user, struct gate_ask *ask,
                          struct error *err);

/* What both ends cut a wait to. */
static inline int gate_ask_limit(int number, int most)
{
    return number < most ? number : most;
}

#endif
