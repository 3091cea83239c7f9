/* What the link shows of itself to Prometheus (worker/metrics.h). */
#include "common/clock.h"
#include "common/count.h"
#include "schemas/topology.h"
#include "schemas/units.h"
#include "worker/link_private.h"

#define ASK_EVERY_MS 10000

static const char *const states[] = {
    [ITEM_READY] = "ready",         [ITEM_OUT] = "out",
    [ITEM_ORPHANED] = "orphaned",   [ITEM_WAITING] = "waiting",
    [ITEM_CONDEMNED] = "condemned", [ITEM_UNSORTED] = "unsorted",
};
#define STATES COUNT(states)

/* The link's own questions to runners are nobody's requests. */
static bool is_request(const struct item *item)
{
    return item->kind != WORK_RECALL && item->kind != WORK_BATCHES && item->kind != WORK_FORGET;
}

static void measure_items(const struct link *link)
{
    size_t counts[STATES] = {0};
    for (const struct item *item = link->workload.first; item; item = item->next)
        counts[item->state] += is_request(item);
    for (size_t i = 0; i < STATES; i++)
        metrics_set(link->metrics, METRIC_IN_HAND, states[i], counts[i]);
}

static void measure_runners(const struct link *link)
{
    size_t idle = 0, missing = 0;
    for (size_t i = 0; i < link->slots; i++) {
        missing += link->runners[i].socket < 0;
        idle += link->runners[i].socket >= 0 && link->runners[i].out == 0;
    }
    metrics_set(link->metrics, METRIC_RUNNERS, "idle", idle);
    metrics_set(link->metrics, METRIC_RUNNERS, "missing", missing);
    metrics_set(link->metrics, METRIC_RUNNERS, "busy", link->slots - idle - missing);
}

/* A round trip each, so not often, and not for nobody. */
static void measure_queues(struct link *link)
{
    static const struct {
        const char *queue, *name;
    } queues[] = {
        {QUEUE_INTERACTIVE, "interactive"}, {QUEUE_UNSORTED, "unsorted"}, {QUEUE_PARKED, "parked"}};
    int64_t now = clock_ms();
    if (!link->broker)
        link->measure_at = 0;
    if (!link->config->metrics || !link->broker || now < link->measure_at)
        return;
    link->measure_at = now + ASK_EVERY_MS;
    for (size_t i = 0; i < COUNT(queues); i++) {
        struct error err = {0};
        size_t messages = 0, consumers = 0;
        if (amqp_link_count(link->broker, queues[i].queue, &messages, &consumers, &err) < 0) {
            link_lose_broker(link, &err);
            return;
        }
        metrics_set(link->metrics, METRIC_QUEUE, queues[i].name, messages);
    }
}

void link_measure(struct link *link)
{
    measure_queues(link);
    measure_items(link);
    measure_runners(link);
    metrics_set(link->metrics, METRIC_BROKER_UP, NULL, link->broker != NULL);
    metrics_set(link->metrics, METRIC_SEEN, "link", (uint64_t)timestamp_now());
}
