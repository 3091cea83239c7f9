/* What is done with: acknowledged, or set aside first where no worker can make anything of it. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/auto.h"
#include "common/clock.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "schemas/parked.h"
#include "schemas/topology.h"
#include "schemas/units.h"
#include "worker/link_private.h"

#define LIGHT_MS 100 /* a light one that is out for longer is held up by something */

static int compare_tags(const void *one, const void *other)
{
    uint64_t left = *(const uint64_t *)one, right = *(const uint64_t *)other;
    return (left > right) - (left < right);
}

/* An acknowledgement costs the broker the same for one as for all up to it. What comes after light
 * ones that are out waits for them, for they take no time; not for a runner that stands still. */
static bool is_worth_waiting_for(const struct item *first)
{
    if (!first || first->state != ITEM_OUT || !item_is_light(first))
        return false;
    int64_t out = timestamp_now() - first->attempts[0].begun;
    return out >= 0 && out < LIGHT_MS;
}

/* All that come before the first delivery that is not settled go by one acknowledgement, and the
 * rest one by one, or another time. */
static int acknowledge(struct link *link, bool all, struct error *err)
{
    const struct item *first = workload_unsettled(&link->workload);
    uint64_t *tags = link->settled_tags;
    size_t together = 0, count = link->settled;
    qsort(tags, count, sizeof tags[0], compare_tags);
    while (together < count && (!first || tags[together] < first->tag))
        together++;
    if (together > 0 && amqp_link_ack(link->broker, tags[together - 1], true, err) < 0)
        return -1;
    link->settled = 0;
    for (size_t i = together; i < count; i++) {
        if (!all && is_worth_waiting_for(first))
            tags[link->settled++] = tags[i];
        else if (amqp_link_ack(link->broker, tags[i], false, err) < 0)
            return -1;
    }
    return 0;
}

static void settle(struct link *link, bool all)
{
    struct error err = {0};
    if (link->settled == 0 || !link->broker)
        return;
    FAULT_POINT("settle.before");
    if (acknowledge(link, all, &err) < 0)
        link_lose_broker(link, &err);
    FAULT_POINT("settle.after");
}

void link_settle_now(struct link *link)
{
    settle(link, false);
}

void link_settle(struct link *link, struct item *item)
{
    if (link->settled == SETTLED_MOST)
        settle(link, true);
    if (item->tag && link->broker)
        link->settled_tags[link->settled++] = item->tag;
    item->tag = 0;
}

/* What the journal knows; of what never got that far, what we have seen ourselves. */
static json_t *attempts_of(const struct link *link, const struct item *item)
{
    json_t *known = item->history ? json_loads(item->history, 0, NULL) : NULL;
    if (json_array_size(known) > 0)
        return known;
    json_decref(known);
    json_t *attempts = json_array();
    for (size_t i = 0; i < item->crashes && i < ATTEMPTS_KEPT; i++)
        json_array_append_new(attempts,
                              parked_attempt(link->config->server, item->attempts[i].begun,
                                             item->attempts[i].ended, item->attempts[i].end));
    return attempts;
}

/* An id for it to be asked for by: the request's; a new one, if it is none. */
static void name_item(struct item *item)
{
    AUTO(request) struct request request = {0};
    if (item->id[0])
        return;
    if (item->body && request_decode(item->body, item->length, &request, NULL) == 0)
        memcpy(item->id, request.id, sizeof item->id);
    else
        identifier_new(item->id);
}

/* Perhaps somebody has deleted it. Not on the connection that publishes, which may be blocked. */
static void restore_parked(struct link *link)
{
    struct error err = {0};
    if (link->broker && link_declare_all(link->broker, &err) < 0)
        link_lose_broker(link, &err);
}

/* FAULT_QUOTA: the queue is full. */
static int publish_parked(struct link *link, const struct item *item, const char *reason,
                          struct error *err)
{
    json_auto_t *attempts = attempts_of(link, item);
    bool whole = item->body && item->length == item->bytes;
    struct parked parked = {.id = item->id,
                            .server = link->config->server,
                            .publisher = item->account,
                            .reason = reason,
                            .body = whole ? item->body : NULL,
                            .length = whole ? item->length : 0,
                            .bytes = item->bytes,
                            .attempts = attempts};
    AUTO(string) char *bytes = parked_encode(&parked);
    if (!bytes)
        return fail(err, FAULT_INTERNAL, "out of memory");
    struct amqp_publication publication = {.exchange = "",
                                           .routing_key = QUEUE_PARKED,
                                           .message_id = item->id,
                                           .body = bytes,
                                           .length = strlen(bytes)};
    if (link_need_sorter(link, err) < 0)
        return -1;
    int status = amqp_link_publish(link->sorter, &publication, SORTER_TIMEOUT_MS, err);
    if (status < 0 && amqp_link_was_rejected(link->sorter))
        err->fault = FAULT_QUOTA;
    if (amqp_link_is_broken(link->sorter))
        link_end_sorting(link);
    if (status < 0)
        restore_parked(link);
    return status;
}

static int park(struct link *link, const struct item *item, struct error *err)
{
    FAULT_POINT("park.before");
    int status = publish_parked(link, item, item->reason, err);
    FAULT_POINT("park.after");
    return status;
}

bool link_is_request(const struct item *item)
{
    return item->errand.user[0] != '\0';
}

/* Were it kept although there is no room, whoever fills the parked queue would have us hold as many
 * of them as we take deliveries, and take no others. */
static bool is_dispensable(const struct item *item, const struct error *err)
{
    return err->fault == FAULT_QUOTA && item->kind == WORK_DELIVERY && !link_is_request(item);
}

/* No worker can make anything of it: a copy is parked, confirmed, before it is settled. What the
 * journal holds is then set aside there as well, by a runner, and cleared up after. */
void link_park_condemned(struct link *link)
{
    struct error err = {0};
    link_drop_returned(link);
    struct item *item = workload_condemned(&link->workload, clock_ms());
    if (!item)
        return;
    name_item(item);
    log_request(item->id);
    if (item->kind == WORK_SET_ASIDE || item->kind == WORK_CLEAR_UP) {
        log_error("left as it is in the journal, for it cannot even be set aside: %s",
                  item->reason);
        workload_remove(&link->workload, item);
    } else if (park(link, item, &err) < 0 && is_dispensable(item, &err)) {
        log_error("thrown away, for it is no request and the parked queue is full: %s",
                  item->reason);
        link_settle(link, item);
        workload_remove(&link->workload, item);
    } else if (err.fault) {
        log_error("cannot park: %s", err.text);
        item_postpone(item, clock_ms());
        item->state = ITEM_CONDEMNED;
    } else {
        log_error("parked: %s", item->reason);
        link_settle(link, item);
        item->state = ITEM_READY;
        item->crashes = 0;
        if (item->kind == WORK_RESUME)
            item->kind = WORK_SET_ASIDE;
        else
            workload_remove(&link->workload, item);
    }
    log_request(NULL);
}
