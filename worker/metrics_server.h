/*
 * The process that tells Prometheus what the worker has counted: HTTP, GET /metrics. It has nothing
 * but a socket that listens on loopback and the counters: no account of root's, no files, no way to
 * broker, store or engine. Whatever a client does to it, requests go on.
 */
#ifndef DCM_WORKER_METRICS_SERVER_H
#define DCM_WORKER_METRICS_SERVER_H

#include "worker/config.h"
#include "worker/metrics.h"

/* Serve at `socket` (worker/loopback.h) until told to end. Returns the exit status. */
int metrics_server_run(const struct worker_config *config, const struct metrics *metrics,
                       int socket);

#endif
