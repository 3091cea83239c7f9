#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/auto.h"
#include "common/clock.h"
#include "common/count.h"
#include "common/log.h"
#include "common/mutant.h"
#include "schemas/topology.h"
#include "worker/link_private.h"

#define TIMEOUT_MS 5000
#define HEARTBEAT_S 30
#define PAUSE_LEAST_MS 250
#define PAUSE_MOST_MS 5000

#define BATCH_PREFETCH 8

static const struct amqp_exchange exchanges[] = {
    {.name = EXCHANGE_UNSORTED, .type = "fanout"},
    {.name = EXCHANGE_REQUESTS, .type = "direct", .alternate = EXCHANGE_UNSORTED},
};
static const struct amqp_queue queues[] = {
    {.name = QUEUE_INTERACTIVE,
     .exchange = EXCHANGE_REQUESTS,
     .routing_key = ROUTE_INTERACTIVE,
     .max_length = QUEUE_INTERACTIVE_MAX},
    {.name = QUEUE_UNSORTED,
     .exchange = EXCHANGE_UNSORTED,
     .routing_key = "",
     .max_length = QUEUE_UNSORTED_MAX},
    {.name = QUEUE_PARKED, .max_length = QUEUE_PARKED_MAX},
};

int link_declare_all(struct amqp_link *broker, struct error *err)
{
    for (size_t i = 0; i < COUNT(exchanges); i++)
        if (amqp_link_declare_exchange(broker, &exchanges[i], err) < 0)
            return -1;
    for (size_t i = 0; i < COUNT(queues); i++)
        if (amqp_link_declare_queue(broker, &queues[i], err) < 0)
            return -1;
    return 0;
}

int link_open_broker(const struct link *link, bool publishes, struct amqp_link **ret_broker,
                     struct error *err)
{
    char name[SERVER_NAME_MAX + 16] = "dcm-worker ";
    strncat(name, link->config->server, SERVER_NAME_MAX);
    struct amqp_link_options options = {
        .endpoints = (const char *const *)link->config->broker,
        .name = name,
        .timeout_ms = TIMEOUT_MS,
        .heartbeat_s = publishes ? 0 : HEARTBEAT_S,
        .publishes = publishes,
    };
    return amqp_link_open(&options, ret_broker, err);
}

/* Half of the pause is chance, so that workers do not come back in step. */
static void plan_next_try(struct link *link)
{
    uint32_t chance = 0;
    if (getrandom(&chance, sizeof chance, GRND_NONBLOCK) < 0)
        chance = (uint32_t)clock_ms();
    int64_t pause = link->connect_pause ? link->connect_pause * 2 : PAUSE_LEAST_MS;
    link->connect_pause = pause < PAUSE_MOST_MS ? pause : PAUSE_MOST_MS;
    link->connect_at = clock_ms() + link->connect_pause / 2 +
                       (int64_t)(chance % (uint32_t)link->connect_pause) / 2;
}

static void connect_broker(struct link *link)
{
    struct error err = {0};
    AUTO(amqp_link) struct amqp_link *broker = NULL;
    if (link_open_broker(link, false, &broker, &err) < 0 || link_declare_all(broker, &err) < 0) {
        if (!link->broker_missed)
            log_warning("broker: %s; trying again until it answers", err.text);
        link->broker_missed = true;
        plan_next_try(link);
        return;
    }
    log_info("connected to the broker as %s", amqp_link_account(broker));
    link->broker_missed = false;
    link->connect_pause = 0;
    link->broker = TAKE(broker);
}

void link_lose_broker(struct link *link, const struct error *err)
{
    log_warning("lost the broker: %s", err->text);
    amqp_link_close(link->broker);
    link->broker = NULL;
    link->interactive = link->unsorted = (struct consumer){0};
    link->settled = 0;
    link->broker_missed = true;
    batches_disconnect(&link->batches);
    link->returned = true;
    plan_next_try(link);
}

void link_drop_returned(struct link *link)
{
    if (link->returned)
        workload_disconnect(&link->workload);
    link->returned = false;
}

/* ---- consuming ---- */

static bool is_consuming(const struct link *link)
{
    bool any = link->interactive.runs || link->unsorted.runs;
    for (const struct batch *batch = link->batches.first; batch && !any; batch = batch->next)
        any = batch->consumer.runs;
    return any;
}

static int stop_consuming(struct link *link, struct error *err)
{
    link->interactive.runs = link->unsorted.runs = false;
    for (struct batch *batch = link->batches.first; batch; batch = batch->next)
        batch->consumer.runs = false;
    return amqp_link_cancel(link->broker, err);
}

static int consume(struct link *link, const char *queue, size_t prefetch, struct consumer *consumer,
                   struct error *err)
{
    if (consumer->runs)
        return 0;
    if (amqp_link_consume(link->broker, queue, (uint16_t)prefetch, &consumer->number, err) < 0)
        return -1;
    consumer->runs = true;
    return 0;
}

/* Of the batch class what is known to be there: a consumer of nothing costs the connection. */
static int consume_all(struct link *link, struct error *err)
{
    size_t of_interactive = link->slots * PREFETCH_EACH;
    size_t of_unsorted = link->slots * PREFETCH_UNSORTED_EACH;
    if (consume(link, QUEUE_INTERACTIVE, of_interactive, &link->interactive, err) < 0 ||
        consume(link, QUEUE_UNSORTED, of_unsorted, &link->unsorted, err) < 0)
        return -1;
    for (struct batch *batch = link->batches.first; batch; batch = batch->next) {
        char queue[QUEUE_NAME_SIZE];
        queue_of_user(queue, batch->user);
        if (batch->certain && consume(link, queue, BATCH_PREFETCH, &batch->consumer, err) < 0)
            return -1;
    }
    return 0;
}

/* The broker has ended a consumer: its queue is gone, or is led by another node from now on. */
static void lose_consumer(struct link *link, unsigned number)
{
    struct error err = {0};
    struct batch *batch = batches_by_consumer(&link->batches, number);
    if (batch) {
        batch->consumer.runs = false;
        batch->certain = false;
        return;
    }
    log_warning("the broker cancelled the consumer");
    if (number == link->interactive.number)
        link->interactive.runs = false;
    if (number == link->unsorted.number)
        link->unsorted.runs = false;
    if (link_declare_all(link->broker, &err) < 0)
        link_lose_broker(link, &err);
}

void link_keep_broker(struct link *link, bool stopping)
{
    struct error err = {0};
    link_drop_returned(link);
    if (!link->broker && !stopping && clock_ms() >= link->connect_at)
        connect_broker(link);
    if (!link->broker)
        return;
    int status = 0;
    if (link->recalled && !link->outage && !stopping)
        status = consume_all(link, &err);
    else if (is_consuming(link))
        status = stop_consuming(link, &err);
    if (status < 0)
        link_lose_broker(link, &err);
}

/* ---- what comes ---- */

/* What a worker has sorted says who published it; a worker's account is no publisher's. */
static const char *publisher_of(const struct link *link, const struct amqp_delivery *delivery)
{
    bool passed_on =
        delivery->publisher[0] && strcmp(delivery->account, amqp_link_account(link->broker)) == 0;
    return passed_on ? delivery->publisher : delivery->account;
}

/* Whoever may publish can name any user's queue. Another's requests do not take his turns. */
static bool is_misplaced(const struct item *item)
{
    return item->batch && strcmp(item->batch->user, item->errand.user) != 0;
}

static void take_delivery(struct link *link, struct amqp_delivery *delivery)
{
    struct item *item = workload_add(&link->workload, WORK_DELIVERY);
    if (!item) {
        amqp_delivery_clear(delivery); /* unsettled: the broker keeps it */
        return;
    }
    item->tag = delivery->tag;
    item->batch = batches_by_consumer(&link->batches, delivery->consumer);
    snprintf(item->account, sizeof item->account, "%s", publisher_of(link, delivery));
    item->body = TAKE(delivery->body);
    item->length = delivery->length;
    item->bytes = delivery->size;
    errand_read(item->body, item->length, &item->errand);
    if (delivery->consumer == link->unsorted.number || is_misplaced(item))
        link_sort(link, item);
    if (IS_MUTANT(MUTANT_ACK_EARLY))
        link_settle(link, item);
}

void link_read_broker(struct link *link)
{
    /* Bounded, so that a flood does not keep the runners' words waiting. */
    for (int turn = 0; link->broker && turn < 64; turn++) {
        struct error err = {0};
        enum amqp_arrival arrival = AMQP_NOTHING;
        struct amqp_delivery delivery = {0};
        if (amqp_link_next(link->broker, 0, REQUEST_MAX_BYTES, &arrival, &delivery, &err) < 0) {
            link_lose_broker(link, &err);
            return;
        }
        if (arrival == AMQP_NOTHING)
            return;
        if (arrival == AMQP_DELIVERY)
            take_delivery(link, &delivery);
        if (arrival == AMQP_CANCELLED)
            lose_consumer(link, delivery.consumer);
    }
}
