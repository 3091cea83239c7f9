/* What is on its way: a window of messages, and what the broker says of each. */
#include "common/amqp_shipment.h"

#include <string.h>

/* The broker closes the channel with these over a publish that it did not take. With any other
 * code, or none, what became of the publish is unknown. */
static bool means_not_published(uint16_t close_code)
{
    return close_code == AMQP_ACCESS_REFUSED || close_code == AMQP_NOT_FOUND ||
           close_code == AMQP_PRECONDITION_FAILED;
}

struct amqp_shipment *amqp_next_to_send(const struct amqp_link *link)
{
    struct amqp_shipment *shipment = link->shipments;

    while (shipment && shipment->sent == shipment->count)
        shipment = shipment->next;
    if (!shipment || link->under_way == AMQP_WINDOW ||
        shipment->sent - shipment->oldest == AMQP_WINDOW)
        return NULL;
    size_t more = amqp_weight(&shipment->publications[shipment->sent]);
    return link->bytes_under_way + more <= AMQP_IN_FLIGHT_MOST ? shipment : NULL;
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
    link->bytes_under_way -= amqp_weight(&shipment->publications[index]);
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

void amqp_hear(struct amqp_link *link, const struct event *event)
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

/* Where it was closed over the one message under way, the broker has said that it does not have it;
 * which of several it was closed over, nobody knows. */
void amqp_break_off(struct amqp_link *link, const struct error *reason)
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
void amqp_run_out(struct amqp_shipment *shipment, int timeout_ms)
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
        amqp_break_off(link, &late);
}

void amqp_fail_unsent(struct amqp_link *link, const struct error *reason)
{
    for (struct amqp_shipment *one = link->shipments; one; one = one->next)
        fail_unsent(one, reason);
}

void amqp_append(struct amqp_link *link, struct amqp_shipment *shipment)
{
    struct amqp_shipment **slot = &link->shipments;

    while (*slot)
        slot = &(*slot)->next;
    *slot = shipment;
    shipment->link = link;
}

void amqp_take_out(struct amqp_shipment *shipment)
{
    struct amqp_shipment **slot = &shipment->link->shipments;

    while (*slot != shipment)
        slot = &(*slot)->next;
    *slot = shipment->next;
}
