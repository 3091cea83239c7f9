/*
 * What the worker counts of itself, in memory that its processes share: each adds or sets where
 * something happens, and one of them prints it all (worker/metrics_server.h). A value is one atomic
 * word: nobody waits, and whoever dies leaves nothing torn. The table in metrics_table.c says what
 * there is.
 */
#ifndef DCM_WORKER_METRICS_H
#define DCM_WORKER_METRICS_H

#include <stdint.h>
#include <stdio.h>

#include "common/error.h"

/* Which; of what kind each is, the table says. */
enum metric {
    METRIC_BUILD,
    METRIC_POLICY,
    METRIC_SEEN,
    METRIC_PROCESS_FAILURES,
    METRIC_RUNNERS,
    METRIC_REQUESTS,
    METRIC_REQUEST_DURATION,
    METRIC_IN_HAND,
    METRIC_QUEUE,
    METRIC_BROKER_UP,
    METRIC_STORE_UP,
    METRIC_ENGINE_UP,
    METRIC_ENGINE_ERRORS,
    METRIC_COMPARED,
    METRIC_DIFFERENCES,
    METRIC_DIFFERENCES_LEFT,
    METRIC_CONTAINERS,
    METRIC_PORTS,
    METRIC_SSH_PORTS,
    METRIC_SUBNETS,
    METRIC_SUBNETS_LEASED,
    METRIC_DISK,
    METRIC_DISK_FREE,
    METRIC_DISK_FLOOR,
    METRIC_COUNT
};

struct metrics;

/* Every counter 0, every gauge without a value. */
int metrics_new(struct metrics **ret_metrics, struct error *err);
void metrics_free(struct metrics *metrics); /* accepts NULL */
static inline void auto_metrics(struct metrics **slot)
{
    metrics_free(*slot);
}

/*
 * Labels are given by their values, in the table's order, NULL for those that the metric has not.
 * What is no value of the table's is passed over: nothing that a user writes becomes a label.
 * metrics may be NULL, for a process that is alone.
 */
void metrics_add(struct metrics *metrics, enum metric metric, const char *first,
                 const char *second);
/* Of a gauge; one that is a moment takes milliseconds since the epoch. */
void metrics_set(struct metrics *metrics, enum metric metric, const char *first, uint64_t value);
void metrics_observe(struct metrics *metrics, enum metric metric, const char *first, int64_t ms);

/* Prometheus' text format, version 0.0.4. A gauge that nobody has set has no line of its own. */
void metrics_print(const struct metrics *metrics, FILE *to);

#endif
