/* Publishing: a window of messages on their way, and what the broker says of each. */
#include "common/amqp_internal.h"

#include <amqp_framing.h>
#include <stdlib.h>
#include <string.h>

/* What is on its way together fits into the socket's buffer (amqp_open.c), and what the broker has
 * confirmed it has read: writing never blocks. */
#define IN_FLIGHT_MOST 131072
#define OVERHEAD 512 /* of a message beyond its body: three frames, properties, names */
#define PUBLISH_MAX (IN_FLIGHT_MOST - OVERHEAD)

/* publications[oldest…sent) are on their way, some of them settled out of turn. Those of a link go
 * out in the order in which they were shipped, and share its window. */
struct amqp_shipment {
    struct amqp_link *link; /* NULL: all is settled, and the link may be gone */
    struct amqp_shipment *next;
    const struct amqp_publication *publications;
    struct error *reasons;
    size_t count, oldest, sent;
    uint64_t before;           /* the sequence number of the link's last publish before these */
    bool settled[AMQP_WINDOW]; /* publications[i]: at i % AMQP_WINDOW */
};

static size_t weight_of(const struct amqp_publication *publication)
{
    return publication->length + OVERHEAD;
}

/* The broker closes the channel with these over a publish that it did not take. With any other
 * code, or none, what became of the publish is unknown. */
static bool means_not_published(uint16_t close_code)
{
    return close_code == AMQP_ACCESS_REFUSED || close_code == AMQP_NOT_FOUND ||
           close_code == AMQP_PRECONDITION_FAILED;
}

static int fail_blocked(const struct amqp_link *link, struct error *err)
{
    return fail(err, FAULT_DEPENDENCY,
                "broker %s: takes no messages while it is short of memory or disk", link->name);
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
    if (publication->publisher) {
        properties._flags |= AMQP_BASIC_APP_ID_FLAG;
        properties.app_id = amqp_cstring_bytes(publication->publisher);
    }
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

/* The first that has something to send, if there is room for it. */
static struct amqp_shipment *next_to_send(const struct amqp_link *link)
{
    struct amqp_shipment *shipment = link->shipments;

    while (shipment && shipment->sent == shipment->count)
        shipment = shipment->next;
    if (!shipment || link->under_way == AMQP_WINDOW ||
        shipment->sent - shipment->oldest == AMQP_WINDOW)
        return NULL;
    size_t more = weight_of(&shipment->publications[shipment->sent]);
    return link->bytes_under_way + more <= IN_FLIGHT_MOST ? shipment : NULL;
}

static int send_next(struct amqp_shipment *shipment, struct error *err)
{
    const struct amqp_publication *next = &shipment->publications[shipment->sent];
    struct amqp_link *link = shipment->link;

    if (shipment->sent == 0)
        shipment->before = link->published;
    if (send_message(link, next, err) < 0)
        return -1;
    link->under_way++;
    link->bytes_under_way += weight_of(next);
    shipment->settled[shipment->sent++ % AMQP_WINDOW] = false;
    return 0;
}

/* ---- what the broker says ---- */

static bool is_settled(const struct amqp_shipment *shipment, size_t index)
{
    return index < shipment->oldest || shipment->settled[index % AMQP_WINDOW];
}

static void settle(struct amqp_shipment *shipment, size_t index, bool rejected)
{
    struct amqp_link *link = shipment->link;

    if (is_settled(shipment, index))
        return;
    shipment->settled[index % AMQP_WINDOW] = true;
    link->under_way--;
    link->bytes_under_way -= weight_of(&shipment->publications[index]);
    link->rejected |= rejected;
    if (rejected)
        fail(&shipment->reasons[index], FAULT_DEPENDENCY, "broker %s: the queue is full",
             link->name);
    while (shipment->oldest < shipment->sent && shipment->settled[shipment->oldest % AMQP_WINDOW])
        shipment->oldest++;
}

/* A confirm of an earlier publish, whose time had run out, is none of ours. */
static void hear_confirm(struct amqp_shipment *shipment, const struct event *event)
{
    if (shipment->sent == 0 || event->tag <= shipment->before)
        return;
    size_t last = (size_t)(event->tag - shipment->before - 1);

    for (size_t i = event->multiple ? shipment->oldest : last; i <= last && i < shipment->sent; i++)
        settle(shipment, i, event->kind == EVENT_REJECTED);
}

/* Its confirm follows. */
static void hear_return(struct amqp_shipment *shipment, const struct event *event)
{
    for (size_t i = shipment->oldest; i < shipment->sent; i++)
        if (!is_settled(shipment, i) &&
            strcmp(shipment->publications[i].message_id, event->message_id) == 0)
            fail(&shipment->reasons[i], FAULT_DEPENDENCY,
                 "broker %s: no queue takes the message: %s", shipment->link->name, event->reason);
}

static void hear(struct amqp_link *link, const struct event *event)
{
    for (struct amqp_shipment *one = link->shipments; one; one = one->next) {
        if (event->kind == EVENT_CONFIRMED || event->kind == EVENT_REJECTED)
            hear_confirm(one, event);
        else if (event->kind == EVENT_RETURNED)
            hear_return(one, event);
    }
}

/* ---- when it ends early ---- */

/* Nothing of these has left us. */
static void fail_unsent(struct amqp_shipment *shipment, const struct error *reason)
{
    for (size_t i = shipment->sent; i < shipment->count; i++)
        shipment->reasons[i] = *reason;
    shipment->count = shipment->sent;
}

static void fail_under_way(struct amqp_shipment *shipment, const struct error *reason)
{
    for (size_t i = shipment->oldest; i < shipment->sent; i++) {
        if (is_settled(shipment, i))
            continue;
        settle(shipment, i, false);
        shipment->reasons[i] = *reason;
    }
}

/* The connection broke, for all that is on its way there. Where it was closed over the one message
 * under way, the broker has said that it does not have it; which of several it was closed over,
 * nobody knows. */
static void break_off(struct amqp_link *link, const struct error *reason)
{
    struct error doubt = *reason;

    if (link->under_way != 1 || !means_not_published(link->close_code))
        doubt.fault = FAULT_UNCONFIRMED;
    for (struct amqp_shipment *one = link->shipments; one; one = one->next) {
        fail_unsent(one, reason);
        fail_under_way(one, &doubt);
        one->link = NULL;
    }
    link->shipments = NULL;
}

/* A broker with an alarm answers once that is over: a new connection would only have to find out
 * about the alarm by another unconfirmed message. Any other silence is a reason to reconnect. */
static void run_out(struct amqp_shipment *shipment, int timeout_ms)
{
    struct amqp_link *link = shipment->link;
    struct error late, doubt;

    link->broken = link->dead = !link->blocked;
    fail(&late, FAULT_DEPENDENCY, "broker %s: too slow to take it within %d ms", link->name,
         timeout_ms);
    fail(&doubt, FAULT_UNCONFIRMED, "broker %s: no confirm within %d ms%s", link->name, timeout_ms,
         link->blocked ? ": it is short of memory or disk" : "");
    late.rule[0] = doubt.rule[0] = '\0';
    fail_unsent(shipment, &late);
    fail_under_way(shipment, &doubt);
    if (link->broken)
        break_off(link, &late);
}

/* ---- shipments ---- */

static void fail_all_unsent(struct amqp_link *link, const struct error *reason)
{
    for (struct amqp_shipment *one = link->shipments; one; one = one->next)
        fail_unsent(one, reason);
}

/* As much as there is room for, in packets as large as may be. */
static void send_some(struct amqp_link *link)
{
    struct amqp_shipment *next = next_to_send(link);
    struct error err = {0};

    if (!next)
        return;
    if (link->blocked) {
        fail_blocked(link, &err);
        fail_all_unsent(link, &err);
        return;
    }
    bool several = next->count - next->sent > 1;
    if (several)
        amqp_link_cork(link, true);
    for (; next; next = next_to_send(link)) {
        if (send_next(next, &err) < 0) {
            break_off(link, &err);
            break;
        }
    }
    if (several)
        amqp_link_cork(link, false);
}

/* Bring the link's state up to date. A connection that broke while it was idle shows here, before
 * anything is sent. */
static int catch_up(struct amqp_link *link, struct error *err)
{
    struct event event;

    do {
        if (amqp_link_step(link, 0, &event, err) < 0) {
            break_off(link, err);
            return -1;
        }
        hear(link, &event);
    } while (event.kind != EVENT_NONE);
    return link->blocked ? fail_blocked(link, err) : 0;
}

/* Nothing is sent where something cannot be. */
static int check_all(struct amqp_link *link, const struct amqp_publication *publications,
                     size_t count, struct error *err)
{
    if (!link->publishes)
        return fail(err, FAULT_INTERNAL, "a link that consumes does not publish");
    for (size_t i = 0; i < count; i++)
        if (publications[i].length > PUBLISH_MAX)
            return fail(err, FAULT_INVALID, "a message of %zu bytes is too large to publish",
                        publications[i].length);
    return catch_up(link, err);
}

static void append(struct amqp_link *link, struct amqp_shipment *shipment)
{
    struct amqp_shipment **slot = &link->shipments;

    while (*slot)
        slot = &(*slot)->next;
    *slot = shipment;
    shipment->link = link;
}

static void take_out(struct amqp_shipment *shipment)
{
    struct amqp_shipment **slot = &shipment->link->shipments;

    while (*slot != shipment)
        slot = &(*slot)->next;
    *slot = shipment->next;
}

int amqp_link_ship(struct amqp_link *link, const struct amqp_publication *publications,
                   size_t count, struct error *reasons, struct amqp_shipment **ret_shipment)
{
    struct error err = {0};
    struct amqp_shipment *shipment = calloc(1, sizeof(*shipment));

    memset(reasons, 0, count * sizeof(*reasons));
    if (!link->shipments)
        link->rejected = false;
    if (!shipment)
        fail(&err, FAULT_INTERNAL, "out of memory");
    else
        check_all(link, publications, count, &err);
    if (err.fault != FAULT_NONE) {
        for (size_t i = 0; i < count; i++)
            reasons[i] = err;
        free(shipment);
        return -1;
    }
    *shipment =
        (struct amqp_shipment){.publications = publications, .reasons = reasons, .count = count};
    append(link, shipment);
    send_some(link);
    *ret_shipment = shipment;
    return 0;
}

void amqp_shipment_land(struct amqp_shipment *shipment, int timeout_ms)
{
    int64_t deadline = clock_ms() + timeout_ms;
    struct event event;
    struct error err = {0};

    /* Where it breaks, nothing is left to be settled, and shipment->link is none. */
    while (shipment->oldest < shipment->count) {
        struct amqp_link *link = shipment->link;
        send_some(link);
        if (shipment->oldest == shipment->count)
            break;
        if (amqp_link_step(link, deadline, &event, &err) < 0)
            break_off(link, &err);
        else if (event.kind == EVENT_NONE)
            run_out(shipment, timeout_ms);
        else
            hear(link, &event);
    }
    if (shipment->link)
        take_out(shipment);
    free(shipment);
}

int amqp_link_publish_all(struct amqp_link *link, const struct amqp_publication *publications,
                          size_t count, int timeout_ms, struct error *reasons)
{
    struct amqp_shipment *shipment = NULL;
    int status = 0;

    if (amqp_link_ship(link, publications, count, reasons, &shipment) == 0)
        amqp_shipment_land(shipment, timeout_ms);
    for (size_t i = 0; i < count; i++)
        if (reasons[i].fault != FAULT_NONE)
            status = -1;
    return status;
}

int amqp_link_publish(struct amqp_link *link, const struct amqp_publication *publication,
                      int timeout_ms, struct error *err)
{
    struct error reason;

    if (amqp_link_publish_all(link, publication, 1, timeout_ms, &reason) == 0)
        return 0;
    return fail(err, reason.fault, "%s", reason.text);
}
