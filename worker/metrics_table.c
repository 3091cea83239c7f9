#include "worker/metrics_table.h"

#include "common/count.h"
#include "schemas/request.h"
#include "worker/difference.h"

/* ---- labels ---- */

static const char *op_value(size_t place)
{
    return op_name((enum op)place);
}

static const char *difference_value(size_t place)
{
    return difference_name((enum difference)place);
}

/* LABEL(queue, "queue", "interactive", …): a label whose values are these words. */
#define LABEL(id, text, ...)                                                                       \
    static const char *const id##_words[] = {__VA_ARGS__};                                         \
    static const char *id##_value(size_t place)                                                    \
    {                                                                                              \
        return id##_words[place];                                                                  \
    }                                                                                              \
    static const struct metric_label id = {text, COUNT(id##_words), id##_value};

static const struct metric_label op = {"op", OP_COUNT, op_value};
static const struct metric_label difference = {"kind", DIFFERENCE_COUNT, difference_value};
LABEL(version, "version", DCM_VERSION)
LABEL(loop, "process", "link", "keeper")
LABEL(process, "process", "link", "keeper", "runner", "metrics")
LABEL(runner_state, "state", "idle", "busy", "missing")
LABEL(outcome, "outcome", "done", "failed", "refused", "expired", "cancelled", "unknown")
LABEL(item_state, "state", "ready", "out", "orphaned", "waiting", "condemned", "unsorted")
LABEL(queue, "queue", "interactive", "unsorted", "parked")
LABEL(failure, "kind", "refused", "failed", "timeout", "unreachable")
LABEL(container_state, "state", "running", "paused", "stopped")
LABEL(use, "use", "ssh", "direct")
LABEL(place, "place", "engine", "storage", "state")

/* ---- metrics ---- */

const struct metric_row metric_rows[METRIC_COUNT] = {
    [METRIC_BUILD] = {"dcm_build_info",
                      METRIC_KIND_GAUGE,
                      {&version},
                      "Always 1; the version is what runs."},
    [METRIC_POLICY] = {"dcm_policy_info",
                       METRIC_KIND_VERSION,
                       {NULL},
                       "Always 1; the version is how that of the policy in use begins."},
    [METRIC_SEEN] = {"dcm_process_seen_timestamp_seconds",
                     METRIC_KIND_MOMENT,
                     {&loop},
                     "When this process last came round its loop."},
    [METRIC_PROCESS_FAILURES] = {"dcm_process_failures_total",
                                 METRIC_KIND_COUNTER,
                                 {&process},
                                 "Processes of the worker that failed or were killed."},
    [METRIC_RUNNERS] = {"dcm_runners",
                        METRIC_KIND_GAUGE,
                        {&runner_state},
                        "Runners, which carry requests out."},
    [METRIC_REQUESTS] = {"dcm_requests_total",
                         METRIC_KIND_COUNTER,
                         {&op, &outcome},
                         "Requests that have ended."},
    [METRIC_REQUEST_DURATION] = {"dcm_request_duration_seconds",
                                 METRIC_KIND_HISTOGRAM,
                                 {&op},
                                 "From a request's claim to its recorded result."},
    [METRIC_IN_HAND] = {"dcm_requests_in_hand",
                        METRIC_KIND_GAUGE,
                        {&item_state},
                        "Requests that the worker has taken from the broker and not settled."},
    [METRIC_QUEUE] = {"dcm_queue_messages",
                      METRIC_KIND_GAUGE,
                      {&queue},
                      "Messages that wait at the broker, asked every ten seconds."},
    [METRIC_BROKER_UP] = {"dcm_broker_up",
                          METRIC_KIND_GAUGE,
                          {NULL},
                          "Is there a connection to the broker?"},
    [METRIC_STORE_UP] = {"dcm_store_up",
                         METRIC_KIND_GAUGE,
                         {NULL},
                         "Did the store answer the last call?"},
    [METRIC_ENGINE_UP] = {"dcm_engine_up",
                          METRIC_KIND_GAUGE,
                          {NULL},
                          "Did the engine answer the last call?"},
    [METRIC_ENGINE_ERRORS] =
        {"dcm_engine_errors_total",
         METRIC_KIND_COUNTER,
         {&failure},
         "Calls that the engine refused (4xx), failed (5xx) or did not answer."},
    [METRIC_COMPARED] = {"dcm_last_comparison_timestamp_seconds",
                         METRIC_KIND_MOMENT,
                         {NULL},
                         "When engine, index and journal were last compared and put in order."},
    [METRIC_DIFFERENCES] = {"dcm_differences_total",
                            METRIC_KIND_COUNTER,
                            {&difference},
                            "Differences between engine, index and journal that were found."},
    [METRIC_DIFFERENCES_LEFT] = {"dcm_differences_left",
                                 METRIC_KIND_GAUGE,
                                 {&difference},
                                 "Of those found by the last comparison: not put right."},
    [METRIC_CONTAINERS] = {"dcm_containers",
                           METRIC_KIND_GAUGE,
                           {&container_state},
                           "Users' containers on this server, at the last comparison."},
    [METRIC_PORTS] = {"dcm_ports_leased",
                      METRIC_KIND_GAUGE,
                      {&use},
                      "Ports of this server that are leased, at the last comparison."},
    [METRIC_SSH_PORTS] = {"dcm_ssh_ports",
                          METRIC_KIND_GAUGE,
                          {NULL},
                          "SSH ports that this server has."},
    [METRIC_SUBNETS] = {"dcm_subnets",
                        METRIC_KIND_GAUGE,
                        {NULL},
                        "Subnets that the pool has, one a user."},
    [METRIC_SUBNETS_LEASED] = {"dcm_subnets_leased",
                               METRIC_KIND_GAUGE,
                               {NULL},
                               "Subnets that are leased, at the last comparison."},
    [METRIC_DISK] = {"dcm_disk_size_bytes",
                     METRIC_KIND_GAUGE,
                     {&place},
                     "Size of the file system of this folder."},
    [METRIC_DISK_FREE] = {"dcm_disk_free_bytes",
                          METRIC_KIND_GAUGE,
                          {&place},
                          "What is free on it."},
    [METRIC_DISK_FLOOR] = {"dcm_disk_floor_bytes",
                           METRIC_KIND_GAUGE,
                           {NULL},
                           "With less free on one of them, nothing is begun that makes data."},
};

const int64_t metric_bounds_ms[METRIC_BOUNDS] = {10,   50,   100,   250,   500,   1000,
                                                 2500, 5000, 10000, 30000, 60000, 120000};
