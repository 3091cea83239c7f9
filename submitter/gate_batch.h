/*
 * The requests of one ask on their way through the gate: begun and finished in two steps, so that
 * a child reads and checks the next ones while the broker has these.
 */
#ifndef DCM_SUBMITTER_GATE_BATCH_H
#define DCM_SUBMITTER_GATE_BATCH_H

#include "submitter/courier_direct.h"
#include "submitter/gate_ask.h"
#include "submitter/gate_client.h"

struct batch;

/* Takes the ask's requests, as many as the user has left of his share, and sends them. NULL without
 * memory: nothing is sent, and the ask is as it was. */
struct batch *batch_begin(const struct gate_client *client, struct courier *courier,
                          struct gate_ask *ask);

/* Waits for the confirms, notes down and logs what came of each. The first one's reason is
 * borrowed, and what became of all is a new reference to an array of outcomes. */
const struct error *batch_finish(struct batch *batch, struct courier *courier);
json_t *batch_outcomes(const struct batch *batch);
void batch_free(struct batch *batch); /* accepts NULL; finished */
static inline void auto_batch(struct batch **slot)
{
    batch_free(*slot);
}

#endif
