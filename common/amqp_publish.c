/* Publishing: messages go out as there is room for them, and are waited for. */
#include "common/amqp_shipment.h"

#include <amqp_framing.h>
#include <stdlib.h>
#include <string.h>

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

static int send_next(struct amqp_shipment *shipment, struct error *err)
{
    const struct amqp_publication *next = &shipment->publications[shipment->sent];
    struct amqp_link *link = shipment->link;

    if (shipment->sent == 0)
        shipment->before = link->published;
    if (send_message(link, next, err) < 0)
        return -1;
    link->under_way++;
    link->bytes_under_way += amqp_weight(next);
    shipment->settled[shipment->sent++ % AMQP_WINDOW] = false;
    return 0;
}

/* As much as there is room for, in packets as large as may be. */
static void send_some(struct amqp_link *link)
{
    struct amqp_shipment *next = amqp_next_to_send(link);
    struct error err = {0};

    if (link->blocked) {
        fail_blocked(link, &err);
        amqp_fail_unsent(link, &err);
        return;
    }
    if (!next)
        return;
    bool several = next->count - next->sent > 1;
    if (several)
        amqp_link_cork(link, true);
    for (; next; next = amqp_next_to_send(link)) {
        if (send_next(next, &err) < 0) {
            amqp_break_off(link, &err);
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
            amqp_break_off(link, err);
            return -1;
        }
        amqp_hear(link, &event);
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
        if (publications[i].length > AMQP_PUBLISH_MAX)
            return fail(err, FAULT_INVALID, "a message of %zu bytes is too large to publish",
                        publications[i].length);
    return catch_up(link, err);
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
    if (!shipment || check_all(link, publications, count, &err) < 0) {
        for (size_t i = 0; i < count; i++)
            reasons[i] = err;
        free(shipment);
        return -1;
    }
    *shipment =
        (struct amqp_shipment){.publications = publications, .reasons = reasons, .count = count};
    amqp_append(link, shipment);
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
            amqp_break_off(link, &err);
        else if (event.kind == EVENT_NONE)
            amqp_run_out(shipment, timeout_ms);
        else
            amqp_hear(link, &event);
    }
    if (shipment->link)
        amqp_take_out(shipment);
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
