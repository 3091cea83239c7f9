/*
 * A child's conversation with one client: asks and answers in turn, all of it within bounded time.
 */
#ifndef DCM_SUBMITTER_GATE_CLIENT_H
#define DCM_SUBMITTER_GATE_CLIENT_H

#include "common/error.h"
#include "submitter/gate_keeper.h"
#include "submitter/gate_meter.h"
#include "submitter/gate_peer.h"

struct gate_client {
    int fd; /* borrowed, non-blocking */
    struct peer peer;
    struct meter *meter; /* borrowed; counts what is asked for */
};

/* Until the client leaves, or is silent for too long, or the gate stops. The keeper's courier works
 * for this client's user already. */
void gate_client_serve(const struct gate_client *client, struct gate_keeper *keeper);

/* One answer, and nothing more. */
void gate_client_refuse(const struct gate_client *client, const struct error *reason);

#endif
