/* The rows of worker/metrics.h: what each metric is called, means and is told apart by. The names
 * follow Prometheus' conventions: base units, _total for what only grows. */
#ifndef DCM_WORKER_METRICS_TABLE_H
#define DCM_WORKER_METRICS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "worker/metrics.h"

/* What a value is, and so how it is kept and printed. */
enum metric_kind {
    METRIC_KIND_COUNTER,
    METRIC_KIND_GAUGE,
    METRIC_KIND_MOMENT,    /* a gauge that is kept in milliseconds and printed in seconds */
    METRIC_KIND_VERSION,   /* a gauge of 1, whose value is printed as the label "version", in hex */
    METRIC_KIND_HISTOGRAM, /* of milliseconds, printed in seconds */
};

struct metric_label {
    const char *name;
    size_t count;
    const char *(*value)(size_t place); /* printable, without quotes and backslashes */
};

struct metric_row {
    const char *name;
    enum metric_kind kind;
    const struct metric_label *labels[2]; /* NULL: no more */
    const char *help;
};
extern const struct metric_row metric_rows[METRIC_COUNT];

/* Upper bounds of a histogram's buckets, in milliseconds, rising; one more has no bound. */
#define METRIC_BOUNDS 12
extern const int64_t metric_bounds_ms[METRIC_BOUNDS];

#endif
