/*
 * The batch class. A publisher routes to the user's own queue; where there is none yet the message
 * comes to the unsorted one. What it routes to another user's is unsorted likewise. Once a runner
 * has admitted the user, the queue is declared and what came unsorted is published to it: confirmed
 * there before it is settled here.
 */
#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/clock.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "schemas/topology.h"
#include "worker/link_private.h"

#define TOGETHER 64 /* published in one go: the loop stands still until all are confirmed */
#define PAUSE_MS 1000
#define ASK_EVERY_MS 10000 /* the broker does not tell which queues it has */

/* ---- which queues there are ---- */

static int declare(struct link *link, const struct batch *batch, struct error *err)
{
    char name[QUEUE_NAME_SIZE], route[ROUTE_SIZE];
    queue_of_user(name, batch->user);
    route_of(route, batch->user, true);
    struct amqp_queue queue = {.name = name,
                               .exchange = EXCHANGE_REQUESTS,
                               .routing_key = route,
                               .max_length = QUEUE_BATCH_MAX};
    return amqp_link_declare_queue(link->broker, &queue, err);
}

/* Its queue was deleted: so is what everybody remembers of it. */
static void forget(struct link *link, struct batch *batch)
{
    struct item *item = workload_add(&link->workload, WORK_FORGET);
    log_info("the batch queue of %s is no more", batch->user);
    if (item)
        snprintf(item->account, sizeof item->account, "%s", batch->user);
    workload_leave_batch(&link->workload, batch);
    batches_remove(&link->batches, batch);
}

int link_need_sorter(struct link *link, struct error *err)
{
    return link->sorter ? 0 : link_open_broker(link, true, &link->sorter, err);
}

void link_end_sorting(struct link *link)
{
    amqp_link_close(TAKE(link->sorter));
}

static void rest(struct link *link, const struct error *err)
{
    if (!link->sort_at)
        log_warning("the batch class waits: %s", err->text);
    link->sort_at = clock_ms() + PAUSE_MS;
}

/* On the second connection, for it does not outlast a queue that is not there. */
static int look_for(struct link *link, struct batch *batch, struct error *err)
{
    char name[QUEUE_NAME_SIZE];
    queue_of_user(name, batch->user);
    if (link_need_sorter(link, err) < 0)
        return -1;
    if (amqp_link_find_queue(link->sorter, name, err) == 0) {
        batch->certain = true;
        return 0;
    }
    link_end_sorting(link);
    if (err->fault != FAULT_NOT_FOUND)
        return -1;
    forget(link, batch);
    return 0;
}

static int look_for_all(struct link *link, struct error *err)
{
    struct batch *next = NULL;
    for (struct batch *batch = link->batches.first; batch; batch = next) {
        next = batch->next;
        if (!batch->certain && look_for(link, batch, err) < 0)
            return -1;
    }
    return 0;
}

void link_meet_batch(struct link *link, const char *user)
{
    batches_add(&link->batches, user);
}

/* ---- what came unsorted ---- */

void link_sort(struct link *link, struct item *item)
{
    item->batch = NULL;
    if (!link_is_request(item))
        return; /* the runner will say why */
    item->batch = batches_of(&link->batches, item->errand.user);
    if (item->batch)
        item->state = ITEM_UNSORTED;
    else
        item->kind = WORK_ADMIT;
}

void link_admit(struct link *link, struct item *item)
{
    struct error err = {0};
    struct batch *batch = batches_of(&link->batches, item->errand.user);
    if (!item->tag || !link->broker) { /* the broker brings it once more */
        workload_remove(&link->workload, item);
        return;
    }
    if (!batch)
        batch = batches_add(&link->batches, item->errand.user);
    item->kind = WORK_DELIVERY;
    item->state = ITEM_READY;
    if (!batch)
        return; /* too many of them: like any other request */
    if (!batch->certain && declare(link, batch, &err) < 0) {
        link_lose_broker(link, &err);
        return;
    }
    batch->certain = true;
    item->batch = batch;
    item->state = ITEM_UNSORTED;
}

/* A queue may have gone since: then the runner is asked again, and the queue declared again. */
static void sort_again(struct item *item)
{
    item->batch = NULL;
    item->kind = WORK_ADMIT;
    item->state = ITEM_WAITING;
    item->not_before = clock_ms() + PAUSE_MS;
}

static void publish(struct link *link, struct item *const items[], size_t count)
{
    struct amqp_publication messages[TOGETHER] = {{0}};
    char names[TOGETHER][QUEUE_NAME_SIZE];
    struct error reasons[TOGETHER] = {{0}};

    for (size_t i = 0; i < count; i++) {
        queue_of_user(names[i], items[i]->batch->user);
        messages[i] = (struct amqp_publication){.exchange = "",
                                                .routing_key = names[i],
                                                .message_id = "",
                                                .publisher = items[i]->account,
                                                .body = items[i]->body,
                                                .length = items[i]->length};
    }
    link->sort_at = 0;
    FAULT_POINT("sort.before");
    amqp_link_publish_all(link->sorter, messages, count, SORTER_TIMEOUT_MS, reasons);
    FAULT_POINT("sort.after");
    if (amqp_link_is_broken(link->sorter))
        link_end_sorting(link);
    for (size_t i = 0; i < count && link->broker; i++) { /* without it, the rest comes again */
        if (reasons[i].fault == FAULT_NONE) {
            link_settle(link, items[i]);
            workload_remove(&link->workload, items[i]);
        } else {
            rest(link, &reasons[i]);
            sort_again(items[i]);
        }
    }
}

static void publish_some(struct link *link)
{
    struct item *items[TOGETHER];
    struct error err = {0};
    size_t count = 0;
    struct item *item = workload_unsorted(&link->workload, NULL, clock_ms());
    for (; item && count < TOGETHER; item = workload_unsorted(&link->workload, item, clock_ms()))
        items[count++] = item;
    if (count == 0)
        return;
    if (link_need_sorter(link, &err) < 0)
        rest(link, &err);
    else
        publish(link, items, count);
}

void link_keep_batches(struct link *link)
{
    struct error err = {0};
    int64_t now = clock_ms();
    if (!link->broker || !link->recalled)
        return;
    if (now >= link->batches_at && workload_add(&link->workload, WORK_BATCHES))
        link->batches_at = now + ASK_EVERY_MS;
    if (now < link->sort_at)
        return;
    if (look_for_all(link, &err) < 0)
        rest(link, &err);
    else
        publish_some(link);
}
