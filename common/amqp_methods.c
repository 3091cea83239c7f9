/* What the broker says by a method: of its own accord, or as the answer to a call. */
#include "common/amqp_internal.h"

#include <amqp_framing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/count.h"

/* The texts of AMQP have a length and no end. */
static int fail_closed(struct amqp_link *link, uint16_t code, amqp_bytes_t text, const char *doing,
                       struct error *err)
{
    link->broken = true;
    link->close_code = code;
    return fail(err, FAULT_DEPENDENCY, "broker %s: %s: %.*s", link->name, doing, (int)text.len,
                text.len ? (const char *)text.bytes : "");
}

static int fail_channel_closed(struct amqp_link *link, const void *method, const char *doing,
                               struct error *err)
{
    const amqp_channel_close_t *close = method;
    return fail_closed(link, close->reply_code, close->reply_text, doing, err);
}

static int fail_connection_closed(struct amqp_link *link, const void *method, const char *doing,
                                  struct error *err)
{
    const amqp_connection_close_t *close = method;
    amqp_connection_close_ok_t ok = {0};

    amqp_send_method(link->connection, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
    link->dead = true;
    return fail_closed(link, close->reply_code, close->reply_text, doing, err);
}

int amqp_link_check_reply(struct amqp_link *link, amqp_rpc_reply_t reply, const char *doing,
                          struct error *err)
{
    if (reply.reply_type == AMQP_RESPONSE_NORMAL)
        return 0;
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
        return amqp_link_fail_status(link, reply.library_error, doing, err);
    if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD)
        return fail_channel_closed(link, reply.reply.decoded, doing, err);
    if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD)
        return fail_connection_closed(link, reply.reply.decoded, doing, err);
    return amqp_link_fail_status(link, AMQP_STATUS_WRONG_METHOD, doing, err);
}

/* One row for each method that the broker may send of its own accord. Handlers fill *event for
 * what is complete with this frame. */
typedef int take_method(struct amqp_link *link, const void *method, struct event *event,
                        struct error *err);

/* A message's parts come one after the other: a second one within the first is no AMQP. */
static int begin_content(struct amqp_link *link, struct error *err)
{
    if (link->content.awaited != AWAIT_METHOD)
        return amqp_link_fail_status(link, AMQP_STATUS_BAD_AMQP_DATA, "reading a message", err);
    link->content.awaited = AWAIT_HEADER;
    return 0;
}

/* The number that amqp_link_consume gave out; 0 for a tag that is none of ours. */
static unsigned consumer_of(amqp_bytes_t tag)
{
    char text[24];
    size_t length = sizeof(CONSUMER_TAG) - 1;

    snprintf(text, sizeof(text), "%.*s", (int)tag.len, tag.len ? (const char *)tag.bytes : "");
    return strncmp(text, CONSUMER_TAG, length) == 0 ? (unsigned)strtoul(text + length, NULL, 10)
                                                    : 0;
}

static int take_delivery(struct amqp_link *link, const void *method, struct event *event,
                         struct error *err)
{
    const amqp_basic_deliver_t *deliver = method;

    (void)event;
    if (begin_content(link, err) < 0)
        return -1;
    link->content.event = (struct event){
        .kind = EVENT_DELIVERY,
        .delivery = {.tag = deliver->delivery_tag,
                     .consumer = consumer_of(deliver->consumer_tag),
                     .redelivered = deliver->redelivered},
    };
    return 0;
}

static int take_return(struct amqp_link *link, const void *method, struct event *event,
                       struct error *err)
{
    const amqp_basic_return_t *returned = method;
    amqp_bytes_t text = returned->reply_text;

    (void)event;
    if (begin_content(link, err) < 0)
        return -1;
    link->content.event = (struct event){.kind = EVENT_RETURNED};
    snprintf(link->content.event.reason, sizeof(link->content.event.reason), "%.*s", (int)text.len,
             text.len ? (const char *)text.bytes : "");
    return 0;
}

static int take_ack(struct amqp_link *link, const void *method, struct event *event,
                    struct error *err)
{
    const amqp_basic_ack_t *ack = method;

    (void)link;
    (void)err;
    event->kind = EVENT_CONFIRMED;
    event->tag = ack->delivery_tag;
    event->multiple = ack->multiple;
    return 0;
}

static int take_nack(struct amqp_link *link, const void *method, struct event *event,
                     struct error *err)
{
    const amqp_basic_nack_t *nack = method;

    (void)link;
    (void)err;
    event->kind = EVENT_REJECTED;
    event->tag = nack->delivery_tag;
    event->multiple = nack->multiple;
    return 0;
}

static int take_cancel(struct amqp_link *link, const void *method, struct event *event,
                       struct error *err)
{
    const amqp_basic_cancel_t *cancel = method;

    (void)link;
    (void)err;
    event->kind = EVENT_CANCELLED;
    event->delivery.consumer = consumer_of(cancel->consumer_tag);
    return 0;
}

static int take_blocked(struct amqp_link *link, const void *method, struct event *event,
                        struct error *err)
{
    (void)method;
    (void)err;
    link->blocked = true;
    event->kind = EVENT_BLOCKED;
    return 0;
}

static int take_unblocked(struct amqp_link *link, const void *method, struct event *event,
                          struct error *err)
{
    (void)method;
    (void)err;
    link->blocked = false;
    event->kind = EVENT_UNBLOCKED;
    return 0;
}

static int take_channel_close(struct amqp_link *link, const void *method, struct event *event,
                              struct error *err)
{
    (void)event;
    return fail_channel_closed(link, method, "closed our channel", err);
}

static int take_connection_close(struct amqp_link *link, const void *method, struct event *event,
                                 struct error *err)
{
    (void)event;
    return fail_connection_closed(link, method, "closed our connection", err);
}

static const struct {
    amqp_method_number_t id;
    take_method *take;
} methods[] = {
    {AMQP_BASIC_DELIVER_METHOD, take_delivery},
    {AMQP_BASIC_RETURN_METHOD, take_return},
    {AMQP_BASIC_ACK_METHOD, take_ack},
    {AMQP_BASIC_NACK_METHOD, take_nack},
    {AMQP_BASIC_CANCEL_METHOD, take_cancel},
    {AMQP_CONNECTION_BLOCKED_METHOD, take_blocked},
    {AMQP_CONNECTION_UNBLOCKED_METHOD, take_unblocked},
    {AMQP_CHANNEL_CLOSE_METHOD, take_channel_close},
    {AMQP_CONNECTION_CLOSE_METHOD, take_connection_close},
};

/* What stands in no row is an answer that came too late to matter. */
int amqp_link_take_method(struct amqp_link *link, const amqp_frame_t *frame, struct event *event,
                          struct error *err)
{
    for (size_t i = 0; i < COUNT(methods); i++)
        if (methods[i].id == frame->payload.method.id)
            return methods[i].take(link, frame->payload.method.decoded, event, err);
    return 0;
}
