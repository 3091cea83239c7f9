#include "worker/parked_desk.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/auto.h"
#include "common/clock.h"
#include "common/members.h"
#include "schemas/parked.h"
#include "schemas/topology.h"

void parked_item_clear(struct parked_item *item)
{
    json_decref(item->document);
    request_clear(&item->request);
    *item = (struct parked_item){.copies = 0};
}

static int item_read(const struct amqp_delivery *delivery, struct parked_item *ret_item,
                     struct error *err)
{
    struct parked_item item = {.copies = 1, .tags = {delivery->tag}};
    if (parked_decode(delivery->body, delivery->length, &item.document, err) < 0)
        return -1;
    item.id = text_at(item.document, "id");
    item.server = text_at(item.document, "server");
    item.publisher = text_at(item.document, "publisher");
    item.body = text_at(item.document, "body");
    if (!item.body)
        fail(&item.unreadable, FAULT_INVALID, "it is no text");
    else
        request_decode(item.body, strlen(item.body), &item.request, &item.unreadable);
    *ret_item = item;
    return 0;
}

int desk_open_broker(const struct desk *desk, bool publishes, struct amqp_link **ret_link,
                     struct error *err)
{
    struct amqp_link_options options = {.endpoints = (const char *const *)desk->broker,
                                        .name = "dcm-worker --parked",
                                        .timeout_ms = DESK_TIMEOUT_MS,
                                        .publishes = publishes};
    return amqp_link_open(&options, ret_link, err);
}

/* The broker gives back what a reader held a moment after that has gone. */
static int await_turn(const struct desk *desk, size_t *ret_messages, struct error *err)
{
    const struct timespec pause = {.tv_nsec = 50 * 1000000L};
    int64_t end = clock_ms() + DESK_TIMEOUT_MS;
    size_t consumers = 1;
    while (true) {
        if (amqp_link_count(desk->queue, QUEUE_PARKED, ret_messages, &consumers, err) < 0)
            return -1;
        if (consumers == 0)
            return 0;
        if (clock_ms() > end)
            return fail(err, FAULT_CONFLICT,
                        "somebody else is reading the parked messages: try again later");
        nanosleep(&pause, NULL);
    }
}

static int visit_delivery(const struct amqp_delivery *delivery, parked_visit *visit, void *context)
{
    AUTO(parked_item) struct parked_item item = {.copies = 0};
    struct error err = {0};
    if (item_read(delivery, &item, &err) == 0)
        return visit(&item, context);
    fprintf(stderr, "dcm-worker: a message in %s is none of ours, and stays there: %s\n",
            QUEUE_PARKED, err.text);
    return 0;
}

int desk_visit(struct desk *desk, parked_visit *visit, void *context, struct error *err)
{
    size_t left = 0;
    unsigned consumer = 0;
    if (desk_open_broker(desk, false, &desk->queue, err) < 0 || await_turn(desk, &left, err) < 0 ||
        (left > 0 && amqp_link_consume(desk->queue, QUEUE_PARKED, 0, &consumer, err) < 0))
        return -1;
    while (left > 0) {
        struct amqp_delivery delivery = {0};
        enum amqp_arrival arrival = AMQP_NOTHING;
        if (amqp_link_next(desk->queue, DESK_TIMEOUT_MS, PARKED_MAX_BYTES, &arrival, &delivery,
                           err) < 0)
            return -1;
        if (arrival == AMQP_NOTHING || arrival == AMQP_CANCELLED)
            return fail(err, FAULT_DEPENDENCY, "the broker does not hand out what is parked");
        if (arrival != AMQP_DELIVERY)
            continue;
        left--;
        int status = visit_delivery(&delivery, visit, context);
        amqp_delivery_clear(&delivery);
        if (status != 0)
            return 0;
    }
    return 0;
}

int desk_acknowledge(struct desk *desk, const struct parked_item *item, struct error *err)
{
    for (size_t i = 0; i < item->copies; i++)
        if (amqp_link_ack(desk->queue, item->tags[i], false, err) < 0)
            return -1;
    return 0;
}

struct wanted {
    const char *id;
    struct parked_item *item;
};

static bool same_body(const struct parked_item *one, const struct parked_item *other)
{
    if (!one->body || !other->body)
        return one->body == other->body;
    return strcmp(one->body, other->body) == 0;
}

/* A link that died between parking and settling has parked it again. */
static int pick(struct parked_item *item, void *context)
{
    const struct wanted *wanted = context;
    struct parked_item *found = wanted->item;
    if (strcmp(item->id, wanted->id) != 0)
        return 0;
    if (found->copies == 0) {
        *found = *item;
        *item = (struct parked_item){.copies = 0};
    } else if (found->copies < COPIES_MOST && same_body(found, item)) {
        found->tags[found->copies++] = item->tags[0];
    }
    return 0;
}

int desk_find(struct desk *desk, const char *id, struct parked_item *ret_item, struct error *err)
{
    struct wanted wanted = {.id = id, .item = ret_item};
    return desk_visit(desk, pick, &wanted, err);
}
