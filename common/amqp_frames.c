/* Frames in, events out. */
#include "common/amqp_internal.h"

#include <amqp_framing.h>
#include <stdlib.h>
#include <string.h>

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
    delivery->size = content->missing;
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
    if (properties->_flags & AMQP_BASIC_APP_ID_FLAG)
        copy_property(properties->app_id, delivery->publisher, sizeof(delivery->publisher));
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
        return amqp_link_take_method(link, frame, event, err);
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
        struct timeval left = amqp_timeval(deadline - clock_ms());
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
