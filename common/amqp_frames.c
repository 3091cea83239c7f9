/* Everything that the broker says without being asked: frames in, events out. */
#include "common/amqp_internal.h"

#include <amqp_framing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t amqp_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct timeval amqp_timeval(int64_t ms)
{
    if (ms < 0)
        ms = 0;
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

int amqp_link_check_usable(const struct amqp_link *link, struct error *err)
{
    if (link->broken)
        return fail(err, FAULT_DEPENDENCY, "broker %s: the connection is broken", link->name);
    return 0;
}

int amqp_link_fail_status(struct amqp_link *link, int status, const char *doing, struct error *err)
{
    link->broken = link->dead = true;
    return fail(err, FAULT_DEPENDENCY, "broker %s: %s: %s", link->name, doing,
                amqp_error_string2(status));
}

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

static int take_delivery(struct amqp_link *link, const void *method, struct event *event,
                         struct error *err)
{
    const amqp_basic_deliver_t *deliver = method;

    (void)event;
    (void)err;
    link->content.awaited = AWAIT_HEADER;
    link->content.event = (struct event){
        .kind = EVENT_DELIVERY,
        .delivery = {.tag = deliver->delivery_tag, .redelivered = deliver->redelivered},
    };
    return 0;
}

static int take_return(struct amqp_link *link, const void *method, struct event *event,
                       struct error *err)
{
    const amqp_basic_return_t *returned = method;
    amqp_bytes_t text = returned->reply_text;

    (void)event;
    (void)err;
    link->content.awaited = AWAIT_HEADER;
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
    (void)link;
    (void)method;
    (void)err;
    event->kind = EVENT_CANCELLED;
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
static int take_method_frame(struct amqp_link *link, const amqp_frame_t *frame, struct event *event,
                             struct error *err)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (methods[i].id == frame->payload.method.id)
            return methods[i].take(link, frame->payload.method.decoded, event, err);
    return 0;
}

/* A complete content becomes the event. */
static void finish_content(struct content *content, struct event *event)
{
    if (content->missing > 0)
        return;
    *event = content->event;
    *content = (struct content){.awaited = AWAIT_METHOD};
}

/* What does not fit, or holds a NUL, is none of ours: left empty, it is refused. */
static void copy_property(amqp_bytes_t value, char *text, size_t size)
{
    if (value.len > 0 && value.len < size && !memchr(value.bytes, '\0', value.len))
        memcpy(text, value.bytes, value.len);
}

static int take_header(struct amqp_link *link, const amqp_frame_t *frame, struct event *event,
                       struct error *err)
{
    struct content *content = &link->content;
    struct amqp_delivery *delivery = &content->event.delivery;
    const amqp_basic_properties_t *properties = frame->payload.properties.decoded;

    if (content->awaited != AWAIT_HEADER)
        return amqp_link_fail_status(link, AMQP_STATUS_BAD_AMQP_DATA, "reading a message", err);
    content->awaited = AWAIT_BODY;
    content->missing = frame->payload.properties.body_size;
    content->dropped = content->event.kind != EVENT_DELIVERY || content->missing > AMQP_BODY_MAX;

    if (content->event.kind == EVENT_DELIVERY) {
        delivery->body = malloc(content->dropped ? 1 : content->missing + 1);
        if (!delivery->body) {
            link->broken = true;
            return fail(err, FAULT_INTERNAL, "out of memory");
        }
    }
    if (properties->_flags & AMQP_BASIC_USER_ID_FLAG)
        copy_property(properties->user_id, delivery->account, sizeof(delivery->account));
    if (properties->_flags & AMQP_BASIC_MESSAGE_ID_FLAG)
        copy_property(properties->message_id, content->event.message_id,
                      sizeof(content->event.message_id));
    finish_content(content, event);
    return 0;
}

static int take_body(struct amqp_link *link, const amqp_frame_t *frame, struct event *event,
                     struct error *err)
{
    struct content *content = &link->content;
    struct amqp_delivery *delivery = &content->event.delivery;
    amqp_bytes_t part = frame->payload.body_fragment;

    if (content->awaited != AWAIT_BODY || part.len > content->missing)
        return amqp_link_fail_status(link, AMQP_STATUS_BAD_AMQP_DATA, "reading a message", err);
    if (!content->dropped) {
        memcpy(delivery->body + delivery->length, part.bytes, part.len);
        delivery->length += part.len;
    }
    content->missing -= part.len;
    finish_content(content, event);
    return 0;
}

static int take_frame(struct amqp_link *link, const amqp_frame_t *frame, struct event *event,
                      struct error *err)
{
    switch (frame->frame_type) {
    case AMQP_FRAME_METHOD:
        return take_method_frame(link, frame, event, err);
    case AMQP_FRAME_HEADER:
        return take_header(link, frame, event, err);
    case AMQP_FRAME_BODY:
        return take_body(link, frame, event, err);
    default:
        return 0;
    }
}

int amqp_link_step(struct amqp_link *link, int64_t deadline, struct event *ret_event,
                   struct error *err)
{
    struct event event = {.kind = EVENT_NONE};

    if (amqp_link_check_usable(link, err) < 0)
        return -1;
    while (event.kind == EVENT_NONE) {
        struct timeval left = amqp_timeval(deadline - amqp_now_ms());
        amqp_frame_t frame;

        amqp_maybe_release_buffers(link->connection);
        int status = amqp_simple_wait_frame_noblock(link->connection, &frame, &left);
        if (status == AMQP_STATUS_TIMEOUT)
            break;
        if (status != AMQP_STATUS_OK)
            return amqp_link_fail_status(link, status, "reading", err);
        if (take_frame(link, &frame, &event, err) < 0)
            return -1;
    }
    *ret_event = event;
    return 0;
}
