#include "common/amqp_internal.h"

#include <amqp_framing.h>
#include <stdio.h>
#include <stdlib.h>

const char *amqp_link_account(const struct amqp_link *link)
{
    return link->account;
}

bool amqp_link_is_broken(const struct amqp_link *link)
{
    return link->broken;
}

bool amqp_link_was_rejected(const struct amqp_link *link)
{
    return link->rejected;
}

int amqp_link_fd(const struct amqp_link *link)
{
    return amqp_get_sockfd(link->connection);
}

bool amqp_link_has_input(const struct amqp_link *link)
{
    return link->waiting.kind != EVENT_NONE || amqp_frames_enqueued(link->connection) ||
           amqp_data_in_buffer(link->connection);
}

/* What the last call to the broker came to. */
static int check_call(struct amqp_link *link, const char *doing, struct error *err)
{
    return amqp_link_check_reply(link, amqp_get_rpc_reply(link->connection), doing, err);
}

static amqp_table_entry_t text_argument(const char *name, const char *value)
{
    return (amqp_table_entry_t){
        .key = amqp_cstring_bytes(name),
        .value = {.kind = AMQP_FIELD_KIND_UTF8,
                  .value.bytes = value ? amqp_cstring_bytes(value) : amqp_empty_bytes},
    };
}

int amqp_link_declare_exchange(struct amqp_link *link, const struct amqp_exchange *exchange,
                               struct error *err)
{
    amqp_table_entry_t alternate = text_argument("alternate-exchange", exchange->alternate);

    if (amqp_link_check_usable(link, err) < 0)
        return -1;
    amqp_exchange_declare(link->connection, AMQP_CHANNEL, amqp_cstring_bytes(exchange->name),
                          amqp_cstring_bytes(exchange->type), false, true, false, false,
                          (amqp_table_t){exchange->alternate ? 1 : 0, &alternate});
    return check_call(link, "declaring an exchange", err);
}

int amqp_link_declare_queue(struct amqp_link *link, const struct amqp_queue *queue,
                            struct error *err)
{
    amqp_table_entry_t entries[] = {
        text_argument("x-queue-type", "quorum"),
        text_argument("x-overflow", "reject-publish"),
        {.key = amqp_cstring_bytes("x-max-length"),
         .value = {.kind = AMQP_FIELD_KIND_I64, .value.i64 = queue->max_length}},
    };
    amqp_table_t arguments = {queue->max_length > 0 ? 3 : 2, entries};
    amqp_bytes_t name = amqp_cstring_bytes(queue->name);

    if (amqp_link_check_usable(link, err) < 0)
        return -1;
    amqp_queue_declare(link->connection, AMQP_CHANNEL, name, false, true, false, false, arguments);
    if (check_call(link, "declaring a queue", err) < 0)
        return -1;
    if (!queue->exchange)
        return 0;
    amqp_queue_bind(link->connection, AMQP_CHANNEL, name, amqp_cstring_bytes(queue->exchange),
                    amqp_cstring_bytes(queue->routing_key), amqp_empty_table);
    return check_call(link, "binding a queue", err);
}

int amqp_link_find_queue(struct amqp_link *link, const char *queue, struct error *err)
{
    if (amqp_link_check_usable(link, err) < 0)
        return -1;
    amqp_queue_declare(link->connection, AMQP_CHANNEL, amqp_cstring_bytes(queue), true, true, false,
                       false, amqp_empty_table);
    if (check_call(link, "looking for a queue", err) == 0)
        return 0;
    if (link->close_code == AMQP_NOT_FOUND)
        fail(err, FAULT_NOT_FOUND, "broker %s: there is no queue %s", link->name, queue);
    return -1;
}

int amqp_link_count(struct amqp_link *link, const char *queue, size_t *ret_messages,
                    size_t *ret_consumers, struct error *err)
{
    if (amqp_link_check_usable(link, err) < 0)
        return -1;
    const amqp_queue_declare_ok_t *counted =
        amqp_queue_declare(link->connection, AMQP_CHANNEL, amqp_cstring_bytes(queue), true, false,
                           false, false, amqp_empty_table);
    if (check_call(link, "looking at a queue", err) < 0)
        return -1;
    *ret_messages = counted->message_count;
    *ret_consumers = counted->consumer_count;
    return 0;
}

struct consumer_tag {
    char text[24];
};

static struct consumer_tag tag_of_consumer(unsigned number)
{
    struct consumer_tag tag;
    snprintf(tag.text, sizeof(tag.text), CONSUMER_TAG "%u", number);
    return tag;
}

int amqp_link_consume(struct amqp_link *link, const char *queue, uint16_t prefetch,
                      unsigned *ret_consumer, struct error *err)
{
    struct consumer_tag tag = tag_of_consumer(link->next_consumer);

    if (link->publishes)
        return fail(err, FAULT_INTERNAL, "a link that publishes does not consume");
    if (amqp_link_check_usable(link, err) < 0)
        return -1;
    amqp_basic_qos(link->connection, AMQP_CHANNEL, 0, prefetch, false);
    if (check_call(link, "limiting a consumer", err) < 0)
        return -1;
    amqp_basic_consume(link->connection, AMQP_CHANNEL, amqp_cstring_bytes(queue),
                       amqp_cstring_bytes(tag.text), false, false, false, amqp_empty_table);
    if (check_call(link, "consuming", err) < 0)
        return -1;
    *ret_consumer = link->next_consumer++;
    return 0;
}

/* The broker answers as well for consumers that it has cancelled itself. */
int amqp_link_cancel(struct amqp_link *link, struct error *err)
{
    for (; link->first_consumer < link->next_consumer; link->first_consumer++) {
        struct consumer_tag tag = tag_of_consumer(link->first_consumer);

        if (amqp_link_check_usable(link, err) < 0)
            return -1;
        amqp_basic_cancel(link->connection, AMQP_CHANNEL, amqp_cstring_bytes(tag.text));
        if (check_call(link, "cancelling a consumer", err) < 0)
            return -1;
    }
    return 0;
}

void amqp_delivery_clear(struct amqp_delivery *delivery)
{
    free(delivery->body);
    *delivery = (struct amqp_delivery){.tag = 0};
}

/* What each event is to the caller of amqp_link_next; the rest is a publisher's own matter. */
static enum amqp_arrival arrival_of(enum event_kind kind)
{
    static const enum amqp_arrival arrivals[] = {
        [EVENT_DELIVERY] = AMQP_DELIVERY,
        [EVENT_CANCELLED] = AMQP_CANCELLED,
        [EVENT_BLOCKED] = AMQP_BLOCKED,
        [EVENT_UNBLOCKED] = AMQP_UNBLOCKED,
    };
    return arrivals[kind];
}

/* The event that amqp_link_tick came across, or the next one that a caller can make use of. */
static int next_event(struct amqp_link *link, int timeout_ms, struct event *ret_event,
                      struct error *err)
{
    int64_t deadline = clock_ms() + timeout_ms;

    if (link->waiting.kind != EVENT_NONE) {
        *ret_event = link->waiting;
        link->waiting = (struct event){.kind = EVENT_NONE};
        return 0;
    }
    do {
        if (amqp_link_step(link, deadline, ret_event, err) < 0)
            return -1;
    } while (ret_event->kind != EVENT_NONE && arrival_of(ret_event->kind) == AMQP_NOTHING);
    return 0;
}

int amqp_link_next(struct amqp_link *link, int timeout_ms, size_t max_body,
                   enum amqp_arrival *ret_arrival, struct amqp_delivery *ret_delivery,
                   struct error *err)
{
    struct event event;

    if (next_event(link, timeout_ms, &event, err) < 0)
        return -1;
    if (event.delivery.length > max_body)
        event.delivery.length = 0;
    if (event.kind == EVENT_DELIVERY || event.kind == EVENT_CANCELLED)
        *ret_delivery = event.delivery;
    *ret_arrival = arrival_of(event.kind);
    return 0;
}

int amqp_link_ack(struct amqp_link *link, uint64_t tag, bool multiple, struct error *err)
{
    if (amqp_link_check_usable(link, err) < 0)
        return -1;
    int status = amqp_basic_ack(link->connection, AMQP_CHANNEL, tag, multiple);
    if (status != AMQP_STATUS_OK)
        return amqp_link_fail_status(link, status, "acknowledging", err);
    return 0;
}

int amqp_link_tick(struct amqp_link *link, struct error *err)
{
    struct event event = link->waiting;

    while (event.kind == EVENT_NONE || arrival_of(event.kind) == AMQP_NOTHING) {
        if (amqp_link_step(link, 0, &event, err) < 0)
            return -1;
        if (event.kind == EVENT_NONE)
            return 0;
    }
    if (!link->publishes)
        link->waiting = event;
    return amqp_link_check_usable(link, err);
}
