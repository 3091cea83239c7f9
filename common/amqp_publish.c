#include "common/amqp_internal.h"

#include <amqp_framing.h>
#include <string.h>

/* A message of this size fits into the socket's buffer (amqp_open.c), which is empty whenever we
 * publish, because each publish waits for its confirm: writing it never blocks. */
#define PUBLISH_MAX 131072

/* The broker closes the channel with these over a publish that it did not take. With any other
 * code, or none, what became of the publish is unknown. */
static bool means_not_published(uint16_t close_code)
{
    return close_code == AMQP_ACCESS_REFUSED || close_code == AMQP_NOT_FOUND ||
           close_code == AMQP_PRECONDITION_FAILED;
}

/* Bring the link's state up to date. A connection that broke while it was idle shows here, before
 * anything is sent. */
static int catch_up(struct amqp_link *link, struct error *err)
{
    struct event event;

    do {
        if (amqp_link_step(link, 0, &event, err) < 0)
            return -1;
    } while (event.kind != EVENT_NONE);
    if (link->blocked)
        return fail(err, FAULT_DEPENDENCY,
                    "broker %s: takes no messages while it is short of memory or disk", link->name);
    return 0;
}

static int send_message(struct amqp_link *link, const struct amqp_publication *publication,
                        struct error *err)
{
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
                  AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_USER_ID_FLAG,
        .content_type = amqp_cstring_bytes("application/json"),
        .delivery_mode = AMQP_DELIVERY_PERSISTENT,
        .message_id = amqp_cstring_bytes(publication->message_id),
        .user_id = amqp_cstring_bytes(link->account),
    };
    /* librabbitmq lacks a const; it only reads. */
    amqp_bytes_t body = {.len = publication->length, .bytes = (void *)(uintptr_t)publication->body};
    int status = amqp_basic_publish(
        link->connection, AMQP_CHANNEL, amqp_cstring_bytes(publication->exchange),
        amqp_cstring_bytes(publication->routing_key), true, false, &properties, body);

    /* The last bytes have not left us: the broker holds no whole message. */
    if (status != AMQP_STATUS_OK)
        return amqp_link_fail_status(link, status, "publishing", err);
    link->published++;
    return 0;
}

/* A broker with an alarm answers once that is over: a new connection would only have to find out
 * about the alarm by another unconfirmed message. Any other silence is a reason to reconnect. */
static int fail_unconfirmed(struct amqp_link *link, int timeout_ms, struct error *err)
{
    link->broken = link->dead = !link->blocked;
    return fail(err, FAULT_UNCONFIRMED, "broker %s: no confirm within %d ms%s", link->name,
                timeout_ms, link->blocked ? ": it is short of memory or disk" : "");
}

/* Does this settle our last publish? The confirm of an earlier one may come late. */
static bool settles(const struct amqp_link *link, const struct event *event)
{
    if (event->kind != EVENT_CONFIRMED && event->kind != EVENT_REJECTED)
        return false;
    return event->tag == link->published || (event->multiple && event->tag > link->published);
}

static int await_confirm(struct amqp_link *link, const struct amqp_publication *publication,
                         int timeout_ms, struct error *err)
{
    int64_t deadline = clock_ms() + timeout_ms;
    struct event event;
    struct event returned = {.kind = EVENT_NONE};

    do {
        if (amqp_link_step(link, deadline, &event, err) < 0) {
            if (err && !means_not_published(link->close_code))
                err->fault = FAULT_UNCONFIRMED;
            return -1;
        }
        if (event.kind == EVENT_NONE)
            return fail_unconfirmed(link, timeout_ms, err);
        if (event.kind == EVENT_RETURNED && strcmp(event.message_id, publication->message_id) == 0)
            returned = event;
    } while (!settles(link, &event));

    if (event.kind == EVENT_REJECTED)
        return fail(err, FAULT_DEPENDENCY, "broker %s: the queue is full", link->name);
    if (returned.kind == EVENT_RETURNED)
        return fail(err, FAULT_DEPENDENCY, "broker %s: no queue takes the message: %s", link->name,
                    returned.reason);
    return 0;
}

int amqp_link_publish(struct amqp_link *link, const struct amqp_publication *publication,
                      int timeout_ms, struct error *err)
{
    if (!link->publishes)
        return fail(err, FAULT_INTERNAL, "a link that consumes does not publish");
    if (publication->length > PUBLISH_MAX)
        return fail(err, FAULT_INVALID, "a message of %zu bytes is too large to publish",
                    publication->length);
    if (catch_up(link, err) < 0 || send_message(link, publication, err) < 0)
        return -1;
    return await_confirm(link, publication, timeout_ms, err);
}
