#include "worker/link.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "common/prefork.h"
#include "common/privileges.h"
#include "schemas/units.h"
#include "worker/link_private.h"

#define TURN_MS 1000  /* well under half of the broker's heartbeat */
#define TRIES_ALONE 5 /* after these, what still fails is not taken for an outage */
#define POSTPONED_MOST 1000
#define DOUBT_PAUSE_MS 60000

static int park(struct link *link, const struct item *item, struct error *err)
{
    FAULT_POINT("park.before");
    int status = link_park(link, item, item->reason, err);
    FAULT_POINT("park.after");
    return status;
}

/* No worker can make anything of it: a copy is parked, confirmed, before it is settled. What the
 * journal holds is then set aside there as well, by a runner, and cleared up after. */
static void park_condemned(struct link *link)
{
    struct error err = {0};
    struct item *item = workload_condemned(&link->workload, clock_ms());
    if (!item)
        return;
    link_name(item);
    log_request(item->id);
    if (item->kind == WORK_SET_ASIDE || item->kind == WORK_CLEAR_UP) {
        log_error("left as it is in the journal, for it cannot even be set aside: %s",
                  item->reason);
        workload_remove(&link->workload, item);
    } else if (park(link, item, &err) < 0) {
        log_error("cannot park: %s", err.text);
        workload_postpone(item, clock_ms());
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

static void begin_outage(struct link *link, const char *reason)
{
    if (!link->outage_told)
        log_warning("%s; requests wait until it is back", reason);
    link->outage = link->outage_told = true;
}

static void end_outage(struct link *link)
{
    if (!link->outage_told)
        return;
    log_info("requests are taken again");
    link->outage = link->outage_told = false;
    workload_wake(&link->workload);
}

static void hear_left(struct link *link, const struct word *word)
{
    if (workload_by_id(&link->workload, word->id))
        return; /* in hand already */
    struct item *item = workload_add(&link->workload, word->parked ? WORK_CLEAR_UP : WORK_RESUME);
    if (!item)
        return;
    memcpy(item->id, word->id, sizeof item->id);
    memcpy(item->account, word->account, sizeof item->account);
    item->body = strndup(word->body, word->length);
    item->length = item->body ? word->length : 0;
    item->bytes = word->length;
    errand_read(word->body, word->length, &item->errand);
    log_request(item->id);
    log_info("resuming what the journal holds undone");
    log_request(NULL);
}

static void hear_done(struct link *link, struct item *item, const struct word *word)
{
    /* Many a request is settled without engine or store: that says nothing about them. */
    if (word->proven || item->tries > 0)
        end_outage(link);
    if (item->kind == WORK_RECALL)
        link->recalled = true;
    if (word->admitted) {
        link_admit(link, item);
        return;
    }
    link_settle(link, item);
    if (item->kind == WORK_SET_ASIDE) {
        item->kind = WORK_CLEAR_UP;
        item->state = ITEM_READY;
        item->crashes = 0;
    } else {
        workload_remove(&link->workload, item);
    }
}

static void hear_park(struct link *link, struct item *item, const struct word *word)
{
    if (item->kind == WORK_BATCHES || item->kind == WORK_FORGET) { /* the former is asked again */
        log_error("the batch class: %s", word->reason);
        workload_remove(&link->workload, item);
        return;
    }
    if (item->kind != WORK_RECALL) {
        free(item->history);
        item->history = word->length ? strndup(word->body, word->length) : NULL;
        workload_condemn(item, word->reason);
        return;
    }
    log_error("no requests are taken without the journal: %s", word->reason);
    workload_postpone(item, clock_ms());
}

static void hear_word(struct link *link, struct runner_slot *slot, const struct word *word)
{
    struct item *item = workload_by_serial(&link->workload, word->serial);
    if (word->kind == WORD_LEFT || word->kind == WORD_BATCH) {
        if (word->kind == WORD_LEFT)
            hear_left(link, word);
        else
            link_meet_batch(link, word->account);
        return;
    }
    if (!item || item->runner != slot->number)
        return; /* of something that we have no longer */
    if (word->kind == WORD_TAKEN) {
        memcpy(item->id, word->id, sizeof item->id);
        item->kind = WORK_RESUME;
        link_settle(link, item);
        return; /* still out */
    }
    slot->out--;
    item->runner = 0;
    if (word->kind == WORD_DONE) {
        hear_done(link, item, word);
    } else if (word->kind == WORD_LATER) {
        workload_postpone(item, clock_ms());
        begin_outage(link, word->reason);
    } else {
        hear_park(link, item, word);
    }
}

/* The next that this runner has in hand. */
static struct item *next_of(const struct link *link, const struct runner_slot *slot,
                            const struct item *last)
{
    return workload_of_runner(&link->workload, last, slot->number);
}

/* What it had in hand is taken up again when the supervisor has reaped it. */
static void lose_runner(struct link *link, struct runner_slot *slot)
{
    close(slot->socket);
    slot->socket = -1;
    for (struct item *item = NULL; (item = next_of(link, slot, item));)
        item_die(item, timestamp_now());
}

static void hear_runner(struct link *link, struct runner_slot *slot)
{
    static struct word word; /* 32 KiB: not on the stack */
    struct error err = {0};
    int status = word_receive(slot->socket, &word, &err);
    if (status == 0)
        hear_word(link, slot, &word);
    else
        lose_runner(link, slot);
}

/* A fresh runner: whatever its predecessor had in hand may be taken up again. */
static void meet_runner(struct link *link)
{
    struct error err = {0};
    struct slot_news news = {0};
    int socket = -1;
    int status = slot_receive(link->control, &news, &socket, &err);
    if (status > 0) { /* the supervisor is gone */
        prefork_stopping = 1;
        close(link->control);
        link->control = -1; /* it would stay readable */
    }
    if (status != 0)
        return;
    if (news.slot >= link->slots) {
        close(socket);
        return;
    }
    struct runner_slot *slot = &link->runners[news.slot];
    if (slot->socket >= 0)
        lose_runner(link, slot);
    slot->socket = socket;
    slot->out = 0;
    for (struct item *item = NULL; (item = next_of(link, slot, item));) {
        item->runner = 0;
        item_explain_death(item, news.wait_status);
        item->state = ITEM_READY;
        if (item_is_deadly(item))
            workload_condemn(item, "it has killed every runner that took it up");
    }
    if (!link->recalling && workload_add(&link->workload, WORK_RECALL))
        link->recalling = true;
}

static bool carries_body(const struct item *item)
{
    return item->body && (item->kind == WORK_DELIVERY || item->kind == WORK_ADMIT);
}

/* What may have killed a runner goes alone. */
static bool is_light(const struct item *item)
{
    return item->errand.light && item->kind == WORK_DELIVERY && item->crashes == 0;
}

static int hand_out(struct link *link, struct runner_slot *slot, struct item *item)
{
    static struct work work; /* 32 KiB: not on the stack */
    struct error err = {0};
    work.kind = item->kind;
    work.serial = item->serial;
    work.light = is_light(item);
    work.last = item_last_death(item);
    work.length = carries_body(item) ? item->length : 0;
    memcpy(work.account, item->account, sizeof work.account);
    memcpy(work.id, item->id, sizeof work.id);
    if (work.length)
        memcpy(work.body, item->body, work.length);
    if (work_send(slot->socket, &work, &err) < 0)
        return -1; /* it is dying; its end will be seen */
    item->state = ITEM_OUT;
    item->runner = slot->number;
    slot->out++;
    item_begin(item, timestamp_now());
    if (item->batch)
        batch_serve(&link->batches, item->batch);
    return 0;
}

/* Where the broker has all again that was tried in vain, only its next delivery can show that
 * engine and store are back. And one request that always fails must not stop all others for ever;
 * but what is taken in a true outage is kept from other servers, so that is not tried often. */
static void doubt_outage(struct link *link)
{
    int64_t now = clock_ms();
    if (!link->outage || !workload_tried(&link->workload, TRIES_ALONE) ||
        workload_count(&link->workload, ITEM_WAITING) >= POSTPONED_MOST)
        return;
    if (link->workload.first && now < link->doubt_at)
        return;
    link->doubt_at = now + DOUBT_PAUSE_MS;
    link->outage = false;
}

/* Of four runners one is always there for somebody who waits at a prompt. */
static struct item *next_item(const struct link *link)
{
    size_t slots = link->slots;
    struct room room = {.slow = slots > 1 ? slots / 2 : 1,
                        .batch = slots > 1 ? slots - (slots + 3) / 4 : 1};
    return workload_next(&link->workload, clock_ms(), &room);
}

static void hand_out_all(struct link *link)
{
    doubt_outage(link);
    for (size_t i = 0; i < link->slots; i++) {
        struct runner_slot *slot = &link->runners[i];
        if (slot->socket < 0 || slot->out > 0)
            continue;
        if (link->outage && workload_count(&link->workload, ITEM_OUT) > 0)
            return; /* one at a time tries whether engine and store are back */
        struct item *item = next_item(link);
        if (!item)
            return;
        while (hand_out(link, slot, item) == 0 && is_light(item) && slot->out < WORKS_MOST &&
               !link->outage && (item = next_item(link)) && is_light(item))
            ;
    }
}

static void wait_turn(struct link *link, struct pollfd *fds)
{
    size_t count = 0;
    fds[count++] = (struct pollfd){.fd = link->control, .events = POLLIN};
    fds[count++] =
        (struct pollfd){.fd = link->broker ? amqp_link_fd(link->broker) : -1, .events = POLLIN};
    for (size_t i = 0; i < link->slots; i++)
        fds[count++] = (struct pollfd){.fd = link->runners[i].socket, .events = POLLIN};
    int wait = workload_pause(&link->workload, clock_ms(), link->broker ? TURN_MS : 200);
    if (link->broker && amqp_link_has_input(link->broker))
        wait = 0;
    if (poll(fds, (nfds_t)count, wait) < 0)
        return; /* a signal; the loop looks at prefork_stopping */
    for (size_t i = 0; i < link->slots; i++)
        if (fds[i + 2].revents && fds[i + 2].fd == link->runners[i].socket)
            hear_runner(link, &link->runners[i]);
    if (fds[0].revents)
        meet_runner(link);
}

static void drop_items(struct link *link, const struct runner_slot *slot)
{
    for (struct item *item = NULL; (item = next_of(link, slot, NULL));)
        workload_remove(&link->workload, item);
}

static int loop(struct link *link, struct pollfd *fds)
{
    bool stopping = false;
    while (!stopping || workload_count(&link->workload, ITEM_OUT) > 0) {
        if (prefork_stopping && !stopping) {
            stopping = true;
            log_info("taking no more requests; %zu under way",
                     workload_count(&link->workload, ITEM_OUT));
        }
        link_keep_broker(link, stopping);
        link_read_broker(link);
        link_settle_now(link);
        if (!stopping) {
            park_condemned(link);
            link_keep_batches(link);
            hand_out_all(link);
        }
        wait_turn(link, fds);
        if (!stopping)
            continue;
        /* Runners leave too; what one left undone is the broker's or the journal's again. */
        for (size_t i = 0; i < link->slots; i++)
            if (link->runners[i].socket < 0)
                drop_items(link, &link->runners[i]);
    }
    link_settle_now(link);
    return EXIT_SUCCESS;
}

int link_run(const struct worker_config *config, int control)
{
    struct error err = {0};
    struct link link = {.config = config, .control = control, .slots = (size_t)config->runners};
    if (privileges_become(config->account, &err) < 0) {
        log_error("%s", err.text);
        return EXIT_FAILURE;
    }
    workload_init(&link.workload);
    link.runners = calloc(link.slots, sizeof *link.runners);
    struct pollfd *fds = calloc(link.slots + 2, sizeof *fds);
    if (!link.runners || !fds) {
        free(link.runners);
        free(fds);
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < link.slots; i++)
        link.runners[i] = (struct runner_slot){.socket = -1, .number = i + 1};
    int status = loop(&link, fds);
    amqp_link_close(link.broker);
    link_end_sorting(&link);
    workload_clear(&link.workload);
    batches_clear(&link.batches);
    free(link.runners);
    free(fds);
    return status;
}
