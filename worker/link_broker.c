#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <jansson.h>

#include "common/auto.h"
#include "common/clock.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "common/mutant.h"
#include "schemas/topology.h"
#include "worker/link_private.h"

#define TIMEOUT_MS 5000
#define HEARTBEAT_S 30
#define PAUSE_LEAST_MS 250
#define PAUSE_MOST_MS 5000

static const struct amqp_exchange requests = {.name = EXCHANGE_REQUESTS, .type = "direct"};
static const struct amqp_queue queues[] = {
    {.name = QUEUE_INTERACTIVE,
     .exchange = EXCHANGE_REQUESTS,
     .routing_key = ROUTE_INTERACTIVE,
     .max_length = QUEUE_INTERACTIVE_MAX},
    {.name = QUEUE_PARKED, .max_length = QUEUE_PARKED_MAX},
};

static int declare_all(struct amqp_link *broker, struct error *err)
{
    if (amqp_link_declare_exchange(broker, &requests, err) < 0)
        return -1;
    for (size_t i = 0; i < sizeof queues / sizeof queues[0]; i++)
        if (amqp_link_declare_queue(broker, &queues[i], err) < 0)
            return -1;
    return 0;
}

static int open_broker(struct link *link, bool publishes, struct amqp_link **ret_broker,
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
        .prefetch = (uint16_t)(link->slots * 2 + 4),
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
    if (open_broker(link, false, &broker, &err) < 0 || declare_all(broker, &err) < 0) {
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
    link->consuming = false;
    link->broker_missed = true;
    workload_disconnect(&link->workload);
    plan_next_try(link);
}

void link_keep_broker(struct link *link, bool stopping)
{
    struct error err = {0};
    if (!link->broker && !stopping && clock_ms() >= link->connect_at)
        connect_broker(link);
    if (!link->broker)
        return;
    bool wanted = link->recalled && !link->outage && !stopping;
    if (wanted == link->consuming)
        return;
    int status = wanted ? amqp_link_consume(link->broker, QUEUE_INTERACTIVE, &err)
                        : amqp_link_cancel(link->broker, &err);
    if (status < 0)
        link_lose_broker(link, &err);
    else
        link->consuming = wanted;
}

static void take_delivery(struct link *link, struct amqp_delivery *delivery)
{
    struct item *item = workload_add(&link->workload, WORK_DELIVERY);
    if (!item) {
        amqp_delivery_clear(delivery); /* unsettled: the broker keeps it */
        return;
    }
    item->tag = delivery->tag;
    memcpy(item->account, delivery->account, sizeof item->account);
    item->body = TAKE(delivery->body);
    item->length = delivery->length;
    errand_read(item->body, item->length, &item->errand);
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
        if (arrival == AMQP_CANCELLED) {
            log_warning("the broker cancelled the consumer");
            link->consuming = false;
        }
    }
}

void link_settle(struct link *link, struct item *item)
{
    struct error err = {0};
    if (!item->tag || !link->broker)
        return;
    uint64_t tag = item->tag;
    item->tag = 0;
    FAULT_POINT("settle.before");
    if (amqp_link_ack(link->broker, tag, false, &err) < 0)
        link_lose_broker(link, &err);
    FAULT_POINT("settle.after");
}

/* No JSON has control bytes but its white space; escaped, they would make a body grow sixfold. */
static bool is_text(const struct item *item)
{
    for (size_t i = 0; i < item->length; i++) {
        unsigned char byte = (unsigned char)item->body[i];
        if (byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r')
            return false;
    }
    return true;
}

int link_park(struct link *link, const struct item *item, const char *reason, struct error *err)
{
    /* A connection of its own, closed again: one that publishes is not read under a broker alarm,
     * acknowledgements included, and parking is rare. */
    AUTO(amqp_link) struct amqp_link *broker = NULL;
    json_auto_t *body = json_pack("{s:i, s:s, s:s, s:s}", "v", 1, "server", link->config->server,
                                  "publisher", item->account, "reason", reason);
    json_t *text = item->body && is_text(item) ? json_stringn(item->body, item->length) : NULL;
    json_object_set_new(body, "body", text ? text : json_null()); /* null: not text at all */
    json_object_set_new(body, "bytes", json_integer((json_int_t)item->length));
    if (item->id[0])
        json_object_set_new(body, "request", json_string(item->id));
    AUTO(string) char *bytes = json_dumps(body, JSON_COMPACT);
    if (!bytes)
        return fail(err, FAULT_INTERNAL, "out of memory");
    struct amqp_publication publication = {.exchange = "",
                                           .routing_key = QUEUE_PARKED,
                                           .message_id = item->id,
                                           .body = bytes,
                                           .length = strlen(bytes)};
    if (open_broker(link, true, &broker, err) < 0)
        return -1;
    return amqp_link_publish(broker, &publication, TIMEOUT_MS, err);
}
