/* The runners, as the link sees them: who comes and goes, what each has in hand, what it says. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/prefork.h"
#include "schemas/units.h"
#include "worker/link_private.h"

/* ---- what they say ---- */

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

/* Of what is settled without a word of its own. */
static const struct word done = {.kind = WORD_DONE};

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
        item_condemn(item, word->reason);
        return;
    }
    log_error("no requests are taken without the journal: %s", word->reason);
    item_postpone(item, clock_ms());
}

/* There are few in truth: those that were handed out when the other server's connection broke, and
 * those that somebody has published twice. */
static void hear_elsewhere(struct link *link, struct item *item, int64_t since)
{
    int64_t now = clock_ms();
    item->elsewhere = since ? since : now;
    if (link->outage)
        link_doubt_outage(link); /* the store has answered */
    if (workload_elsewhere(&link->workload) <= link->slots * ELSEWHERE_EACH &&
        now - item->elsewhere < ELSEWHERE_MOST_MS) {
        item_defer(item, now);
        return;
    }
    log_warning("another server has it, and it waits too long, or too many do: a copy is dropped");
    hear_done(link, item, &done);
}

/* The next that this runner has in hand. */
static struct item *next_of(const struct link *link, const struct runner_slot *slot,
                            const struct item *last)
{
    return workload_of_runner(&link->workload, last, slot->number);
}

/* Light ones were handed out, and are named, in the order in which they are in hand. */
static void hear_ended(struct link *link, struct runner_slot *slot, const struct word *word)
{
    struct item *next = next_of(link, slot, NULL);
    uint64_t serial = 0;
    size_t at = 0;
    while (next && word_next_serial(word, &at, &serial)) {
        while (next && next->serial != serial)
            next = next_of(link, slot, next);
        struct item *item = next;
        if (!item)
            return;
        next = next_of(link, slot, item);
        slot->out--;
        item->runner = 0;
        hear_done(link, item, &done);
    }
}

static void hear_word(struct link *link, struct runner_slot *slot, const struct word *word)
{
    if (word->kind == WORD_ENDED) {
        hear_ended(link, slot, word);
        return;
    }
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
    int64_t elsewhere = item->elsewhere;
    item->elsewhere = 0;
    if (word->kind == WORD_DONE) {
        hear_done(link, item, word);
    } else if (word->kind == WORD_ELSEWHERE) {
        hear_elsewhere(link, item, elsewhere);
    } else if (word->kind == WORD_LATER) {
        item_postpone(item, clock_ms());
        begin_outage(link, word->reason);
    } else if (word->kind == WORD_EARLY) {
        item_defer(item, clock_ms());
        if (link->outage)
            link_doubt_outage(link); /* the store has lost data, and is back */
    } else {
        hear_park(link, item, word);
    }
}

/* ---- who there is ---- */

/* What it had in hand is taken up again when the supervisor has reaped it. */
static void lose_runner(struct link *link, struct runner_slot *slot)
{
    close(slot->socket);
    slot->socket = -1;
    for (struct item *item = NULL; (item = next_of(link, slot, item));)
        item_die(item, timestamp_now());
}

void link_hear_runner(struct link *link, struct runner_slot *slot)
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
void link_meet_runner(struct link *link)
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
            item_condemn(item, "it has killed every runner that took it up");
    }
    if (!link->recalling && workload_add(&link->workload, WORK_RECALL))
        link->recalling = true;
}

void link_drop_items(struct link *link, const struct runner_slot *slot)
{
    for (struct item *item = NULL; (item = next_of(link, slot, NULL));)
        workload_remove(&link->workload, item);
}

/* ---- what they get ---- */

static bool carries_body(const struct item *item)
{
    return item->body && (item->kind == WORK_DELIVERY || item->kind == WORK_ADMIT);
}

/* What goes in one message. */
struct parcel {
    size_t count, bytes;
    struct item *items[WORKS_MOST];
    struct work works[WORKS_MOST];
};

static struct work work_of(const struct item *item)
{
    struct work work = {.kind = item->kind,
                        .serial = item->serial,
                        .light = item_is_light(item),
                        .last = item_last_death(item),
                        .length = carries_body(item) ? item->length : 0,
                        .body = item->body};
    memcpy(work.account, item->account, sizeof work.account);
    memcpy(work.id, item->id, sizeof work.id);
    return work;
}

static bool is_full(const struct link *link, const struct parcel *parcel)
{
    size_t share = link->slots * TOGETHER_EACH;
    return parcel->count == (share < WORKS_MOST ? share : WORKS_MOST);
}

/* False: there is no room. */
static bool pack(struct link *link, struct parcel *parcel, struct item *item)
{
    struct work work = work_of(item);
    if (is_full(link, parcel) || parcel->bytes + work_size(&work) > WORKS_BYTES)
        return false;
    parcel->works[parcel->count] = work;
    parcel->items[parcel->count++] = item;
    parcel->bytes += work_size(&work);
    item->state = ITEM_OUT;
    if (item->batch)
        batch_serve(&link->batches, item->batch);
    return true;
}

static void hand_out(struct runner_slot *slot, const struct parcel *parcel)
{
    struct error err = {0};
    bool sent = works_send(slot->socket, parcel->works, parcel->count, &err) == 0;
    for (size_t i = 0; i < parcel->count; i++) {
        struct item *item = parcel->items[i];
        if (sent) {
            item->runner = slot->number;
            slot->out++;
            item_begin(item, timestamp_now());
        } else {
            item->state = ITEM_READY; /* it is dying; its end will be seen */
        }
    }
}

/* Of four runners one is always there for somebody who waits at a prompt. */
static struct item *next_item(const struct link *link)
{
    size_t slots = link->slots;
    struct room room = {.slow = slots > 1 ? slots / 2 : 1,
                        .batch = slots > 1 ? slots - (slots + 3) / 4 : 1};
    return workload_next(&link->workload, clock_ms(), &room);
}

/* Goes along with what is packed already, which is light. */
static struct item *next_along(const struct link *link, const struct item *last)
{
    struct item *item = workload_along(last, clock_ms());
    if (!item)
        item = next_item(link);
    return item && item_is_light(item) ? item : NULL;
}

bool link_hand_out(struct link *link, struct runner_slot *slot)
{
    static struct parcel parcel; /* not on the stack */
    struct item *item = next_item(link);
    if (!item)
        return false;
    parcel.count = parcel.bytes = 0;
    bool many = item_is_light(item) && !link->outage;
    while (item && pack(link, &parcel, item))
        item = many ? next_along(link, item) : NULL;
    hand_out(slot, &parcel);
    return true;
}
