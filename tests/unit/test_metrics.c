#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/auto.h"
#include "common/count.h"
#include "worker/metrics.h"
#include "worker/metrics_table.h"

#include <cmocka.h> /* last: it defines a macro fail() */

static int set_up(void **state)
{
    struct metrics *metrics = NULL;
    int status = metrics_new(&metrics, NULL);
    *state = metrics;
    return status;
}

static int tear_down(void **state)
{
    metrics_free(*state);
    return 0;
}

static char *print(const struct metrics *metrics)
{
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);
    assert_non_null(to);
    metrics_print(metrics, to);
    assert_int_equal(fclose(to), 0);
    return text;
}

static bool has_line(const struct metrics *metrics, const char *line)
{
    AUTO(string) char *text = print(metrics);
    AUTO(string) char *whole = NULL;
    assert_true(asprintf(&whole, "\n%s\n", line) > 0);
    return strstr(text, whole) != NULL;
}

static bool mentions(const struct metrics *metrics, const char *part)
{
    AUTO(string) char *text = print(metrics);
    return strstr(text, part) != NULL;
}

static void a_counter_begins_at_0_and_counts_by_its_labels(void **state)
{
    assert_true(has_line(*state, "dcm_requests_total{op=\"ping\",outcome=\"done\"} 0"));
    metrics_add(*state, METRIC_REQUESTS, "ping", "done");
    metrics_add(*state, METRIC_REQUESTS, "ping", "done");
    metrics_add(*state, METRIC_REQUESTS, "policy.explain", "unknown"); /* the last of both */
    assert_true(has_line(*state, "dcm_requests_total{op=\"ping\",outcome=\"done\"} 2"));
    assert_true(
        has_line(*state, "dcm_requests_total{op=\"policy.explain\",outcome=\"unknown\"} 1"));
    assert_true(has_line(*state, "dcm_requests_total{op=\"ping\",outcome=\"failed\"} 0"));
    assert_true(has_line(*state, "dcm_request_duration_seconds_count{op=\"ping\"} 0"));
}

static void what_no_table_has_becomes_no_label(void **state)
{
    AUTO(string) char *before = print(*state);
    metrics_add(*state, METRIC_REQUESTS, "evil\"} 1\n", "done");
    metrics_add(*state, METRIC_REQUESTS, "ping", "evil");
    metrics_add(*state, METRIC_REQUESTS, "ping", NULL);
    metrics_add(*state, METRIC_REQUESTS, NULL, "done");
    metrics_set(*state, METRIC_CONTAINERS, "evil", 3);
    metrics_observe(*state, METRIC_REQUEST_DURATION, "evil", 3);
    AUTO(string) char *after = print(*state);
    assert_string_equal(before, after);
}

static void a_gauge_is_shown_once_somebody_has_set_it(void **state)
{
    assert_false(mentions(*state, "\ndcm_engine_up "));
    assert_true(has_line(*state, "# TYPE dcm_engine_up gauge"));
    metrics_set(*state, METRIC_ENGINE_UP, NULL, 0);
    assert_true(has_line(*state, "dcm_engine_up 0"));
    metrics_set(*state, METRIC_ENGINE_UP, NULL, 1);
    assert_true(has_line(*state, "dcm_engine_up 1"));
    metrics_set(*state, METRIC_CONTAINERS, "paused", 12345678901);
    assert_true(has_line(*state, "dcm_containers{state=\"paused\"} 12345678901"));
    assert_false(mentions(*state, "dcm_containers{state=\"running\"}"));
}

static void moments_are_in_seconds_and_versions_are_labels(void **state)
{
    metrics_set(*state, METRIC_COMPARED, NULL, 1764331200042);
    metrics_set(*state, METRIC_POLICY, NULL, 0x0123456789abcdef);
    assert_true(has_line(*state, "dcm_last_comparison_timestamp_seconds 1764331200.042"));
    assert_true(has_line(*state, "dcm_policy_info{version=\"0123456789abcdef\"} 1"));
    assert_true(has_line(*state, "dcm_build_info{version=\"" DCM_VERSION "\"} 1"));
}

static void a_histogram_adds_up(void **state)
{
    static const int64_t durations[] = {-5, 0, 10, 11, 1000, 120000, 120001, 9999999};
    for (size_t i = 0; i < COUNT(durations); i++)
        metrics_observe(*state, METRIC_REQUEST_DURATION, "image.commit", durations[i]);
    static const char *const lines[] = {
        "dcm_request_duration_seconds_bucket{op=\"image.commit\",le=\"0.01\"} 3",
        "dcm_request_duration_seconds_bucket{op=\"image.commit\",le=\"0.05\"} 4",
        "dcm_request_duration_seconds_bucket{op=\"image.commit\",le=\"0.5\"} 4",
        "dcm_request_duration_seconds_bucket{op=\"image.commit\",le=\"1\"} 5",
        "dcm_request_duration_seconds_bucket{op=\"image.commit\",le=\"60\"} 5",
        "dcm_request_duration_seconds_bucket{op=\"image.commit\",le=\"120\"} 6",
        "dcm_request_duration_seconds_bucket{op=\"image.commit\",le=\"+Inf\"} 8",
        "dcm_request_duration_seconds_sum{op=\"image.commit\"} 10241.021",
        "dcm_request_duration_seconds_count{op=\"image.commit\"} 8",
        "dcm_request_duration_seconds_count{op=\"image.remove\"} 0",
    };
    for (size_t i = 0; i < COUNT(lines); i++)
        assert_true(has_line(*state, lines[i]));
}

static void what_processes_add_at_once_is_all_there(void **state)
{
    enum { PROCESSES = 4, EACH = 20000 };
    pid_t pids[PROCESSES];
    for (size_t i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        assert_int_not_equal(pids[i], -1);
        for (size_t j = 0; pids[i] == 0 && j < EACH; j++)
            metrics_add(*state, METRIC_REQUESTS, "ping", "done");
        if (pids[i] == 0)
            _exit(EXIT_SUCCESS);
    }
    for (size_t i = 0; i < PROCESSES; i++)
        assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
    assert_true(has_line(*state, "dcm_requests_total{op=\"ping\",outcome=\"done\"} 80000"));
}

static void who_is_alone_counts_nothing(void **state)
{
    (void)state;
    metrics_add(NULL, METRIC_REQUESTS, "ping", "done");
    metrics_set(NULL, METRIC_ENGINE_UP, NULL, 1);
    metrics_observe(NULL, METRIC_REQUEST_DURATION, "ping", 1);
}

static void every_row_keeps_to_prometheus_conventions(void **state)
{
    (void)state;
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        const struct metric_row *row = &metric_rows[i];
        size_t length = strlen(row->name);
        bool is_total = length > 6 && strcmp(row->name + length - 6, "_total") == 0;
        assert_int_equal(strncmp(row->name, "dcm_", 4), 0);
        assert_int_equal(strspn(row->name, "abcdefghijklmnopqrstuvwxyz_"), length);
        assert_int_equal(is_total, row->kind == METRIC_KIND_COUNTER);
        assert_true(strlen(row->help) > 0 && !strpbrk(row->help, "\\\n|"));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(row->name, metric_rows[j].name);
        for (size_t j = 0; j < 2 && row->labels[j]; j++)
            for (size_t k = 0; k < row->labels[j]->count; k++)
                assert_null(strpbrk(row->labels[j]->value(k), "\\\"\n"));
    }
    for (size_t i = 1; i < METRIC_BOUNDS; i++)
        assert_true(metric_bounds_ms[i - 1] < metric_bounds_ms[i]);
}

#define WITH_METRICS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_METRICS(a_counter_begins_at_0_and_counts_by_its_labels),
        WITH_METRICS(what_no_table_has_becomes_no_label),
        WITH_METRICS(a_gauge_is_shown_once_somebody_has_set_it),
        WITH_METRICS(moments_are_in_seconds_and_versions_are_labels),
        WITH_METRICS(a_histogram_adds_up),
        WITH_METRICS(what_processes_add_at_once_is_all_there),
        WITH_METRICS(who_is_alone_counts_nothing),
        WITH_METRICS(every_row_keeps_to_prometheus_conventions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
