#include "worker/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "worker/metrics_table.h"

/* A histogram's words: one for each bucket, the last of which has no bound, and the sum. */
#define BUCKETS (METRIC_BOUNDS + 1)
#define SUM BUCKETS

typedef _Atomic uint64_t word;

struct metrics {
    size_t size;                 /* in bytes, of all this */
    size_t begins[METRIC_COUNT]; /* where the words of each metric begin */
    word words[];
};

/* ---- places ---- */

static bool is_gauge(const struct metric_row *row)
{
    return row->kind != METRIC_KIND_COUNTER && row->kind != METRIC_KIND_HISTOGRAM;
}

static size_t words_each(const struct metric_row *row)
{
    return row->kind == METRIC_KIND_HISTOGRAM ? BUCKETS + 1 : 1;
}

static size_t values_of(const struct metric_label *label)
{
    return label ? label->count : 1;
}

static size_t words_of(const struct metric_row *row)
{
    return values_of(row->labels[0]) * values_of(row->labels[1]) * words_each(row);
}

/* The place of this value; as many as there are if it is none. */
static size_t place_of(const struct metric_label *label, const char *value)
{
    size_t place = 0;
    if (!label || !value)
        return label ? label->count : 0;
    while (place < label->count && strcmp(label->value(place), value) != 0)
        place++;
    return place;
}

static size_t begin_of(const struct metrics *metrics, enum metric metric, size_t first,
                       size_t second)
{
    const struct metric_row *row = &metric_rows[metric];
    return metrics->begins[metric] + (first * values_of(row->labels[1]) + second) * words_each(row);
}

/* The first word of the value with these labels, or NULL. */
static word *find(struct metrics *metrics, enum metric metric, const char *first,
                  const char *second)
{
    const struct metric_row *row = &metric_rows[metric];
    if (!metrics)
        return NULL;
    size_t one = place_of(row->labels[0], first), other = place_of(row->labels[1], second);
    if (one >= values_of(row->labels[0]) || other >= values_of(row->labels[1]))
        return NULL;
    return &metrics->words[begin_of(metrics, metric, one, other)];
}

/* ---- counting ---- */

int metrics_new(struct metrics **ret_metrics, struct error *err)
{
    size_t words = 0, begins[METRIC_COUNT];
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        begins[i] = words;
        words += words_of(&metric_rows[i]);
    }
    size_t size = sizeof(struct metrics) + words * sizeof(word);
    struct metrics *metrics =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (metrics == MAP_FAILED)
        return fail(err, FAULT_INTERNAL, "shared memory for metrics: %s", strerror(errno));
    metrics->size = size;
    memcpy(metrics->begins, begins, sizeof begins);
    metrics_set(metrics, METRIC_BUILD, DCM_VERSION, 1);
    *ret_metrics = metrics;
    return 0;
}

void metrics_free(struct metrics *metrics)
{
    if (metrics)
        munmap(metrics, metrics->size);
}

void metrics_add(struct metrics *metrics, enum metric metric, const char *first, const char *second)
{
    word *found = find(metrics, metric, first, second);
    if (found)
        atomic_fetch_add_explicit(found, 1, memory_order_relaxed);
}

/* One more than the value: 0 says that there is none. */
void metrics_set(struct metrics *metrics, enum metric metric, const char *first, uint64_t value)
{
    word *found = find(metrics, metric, first, NULL);
    if (found)
        atomic_store_explicit(found, value + (value != UINT64_MAX), memory_order_relaxed);
}

void metrics_observe(struct metrics *metrics, enum metric metric, const char *first, int64_t ms)
{
    word *found = find(metrics, metric, first, NULL);
    size_t bucket = 0;
    if (!found)
        return;
    while (bucket < METRIC_BOUNDS && ms > metric_bounds_ms[bucket])
        bucket++;
    atomic_fetch_add_explicit(&found[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&found[SUM], ms > 0 ? (uint64_t)ms : 0, memory_order_relaxed);
}

/* ---- printing ---- */

/* "op=\"ping\",", for each label that there is. */
#define LABELS_SIZE 128

static void write_labels(const struct metric_row *row, size_t first, size_t second,
                         char text[LABELS_SIZE])
{
    const size_t places[2] = {first, second};
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < 2 && row->labels[i] && length < LABELS_SIZE; i++)
        length += (size_t)snprintf(text + length, LABELS_SIZE - length, "%s%s=\"%s\"", i ? "," : "",
                                   row->labels[i]->name, row->labels[i]->value(places[i]));
}

/* Buckets include what is in the ones before. */
static void print_histogram(const struct metric_row *row, const word *words, const char *labels,
                            FILE *to)
{
    const char *comma = labels[0] ? "," : "";
    uint64_t sum = atomic_load(&words[SUM]), count = 0;
    for (size_t i = 0; i < METRIC_BOUNDS; i++) {
        count += atomic_load(&words[i]);
        fprintf(to, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", row->name, labels, comma,
                (double)metric_bounds_ms[i] / 1000, count);
    }
    count += atomic_load(&words[METRIC_BOUNDS]);
    fprintf(to, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", row->name, labels, comma, count);
    fprintf(to, "%s_sum{%s} %" PRIu64 ".%03" PRIu64 "\n", row->name, labels, sum / 1000,
            sum % 1000);
    fprintf(to, "%s_count{%s} %" PRIu64 "\n", row->name, labels, count);
}

static void print_value(const struct metric_row *row, const word *words, const char *labels,
                        FILE *to)
{
    uint64_t value = atomic_load(words);
    if (is_gauge(row) && value-- == 0)
        return; /* nobody has set it */
    if (row->kind == METRIC_KIND_VERSION) {
        fprintf(to, "%s{version=\"%016" PRIx64 "\"} 1\n", row->name, value);
        return;
    }
    fprintf(to, labels[0] ? "%s{%s} " : "%s%s ", row->name, labels);
    if (row->kind == METRIC_KIND_MOMENT)
        fprintf(to, "%" PRIu64 ".%03" PRIu64 "\n", value / 1000, value % 1000);
    else
        fprintf(to, "%" PRIu64 "\n", value);
}

static void print_row(const struct metrics *metrics, enum metric metric, FILE *to)
{
    static const char *const types[] = {[METRIC_KIND_COUNTER] = "counter",
                                        [METRIC_KIND_GAUGE] = "gauge",
                                        [METRIC_KIND_MOMENT] = "gauge",
                                        [METRIC_KIND_VERSION] = "gauge",
                                        [METRIC_KIND_HISTOGRAM] = "histogram"};
    const struct metric_row *row = &metric_rows[metric];
    char labels[LABELS_SIZE];
    fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name, types[row->kind]);
    for (size_t first = 0; first < values_of(row->labels[0]); first++)
        for (size_t second = 0; second < values_of(row->labels[1]); second++) {
            const word *words = &metrics->words[begin_of(metrics, metric, first, second)];
            write_labels(row, first, second, labels);
            if (row->kind == METRIC_KIND_HISTOGRAM)
                print_histogram(row, words, labels, to);
            else
                print_value(row, words, labels, to);
        }
}

void metrics_print(const struct metrics *metrics, FILE *to)
{
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++)
        print_row(metrics, metric, to);
}
