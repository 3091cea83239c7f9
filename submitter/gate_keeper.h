/*
 * Keeps the connections of a child's courier warm, between clients and between a client's asks.
 */
#ifndef DCM_SUBMITTER_GATE_KEEPER_H
#define DCM_SUBMITTER_GATE_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "submitter/courier.h"
#include "submitter/courier_direct.h"
#include "submitter/publisher.h"

#define GATE_KEEP_MS (PUBLISHER_HEARTBEAT_S * 1000 / 3)

struct gate_keeper {
    struct courier *courier; /* borrowed */
    int64_t due;             /* when to look after it again, by clock_ms(); 0: now */
    bool lost;               /* and said so */
};

/* Does nothing until it is due: with the broker out of reach it costs a few seconds. */
void gate_keep(struct gate_keeper *keeper);

#endif
