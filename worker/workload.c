#include "worker/workload.h"

#include <stdlib.h>
#include <string.h>

void workload_init(struct workload *workload)
{
    *workload = (struct workload){.end = &workload->first};
}

void workload_clear(struct workload *workload)
{
    while (workload->first)
        workload_remove(workload, workload->first);
}

struct item *workload_add(struct workload *workload, enum work_kind kind)
{
    struct item *item = calloc(1, sizeof *item);
    if (!item)
        return NULL;
    item->kind = kind;
    item->serial = ++workload->last_serial;
    item->place = workload->end;
    *workload->end = item;
    workload->end = &item->next;
    return item;
}

void workload_remove(struct workload *workload, struct item *item)
{
    *item->place = item->next;
    if (item->next)
        item->next->place = item->place;
    else
        workload->end = item->place;
    free(item->body);
    free(item->history);
    free(item);
}

static bool is_due(const struct item *item, int64_t now)
{
    return item->state == ITEM_READY || (item->state == ITEM_WAITING && item->not_before <= now);
}

static bool is_suspect(const struct item *item)
{
    return item->crashes > 0;
}

/* Not for what comes after it: the other server may never come to its end. */
static bool waits_elsewhere(const struct item *item)
{
    return item->elsewhere && item->state == ITEM_WAITING;
}

static bool has_predecessor(const struct workload *workload, const struct item *item)
{
    if (!item->errand.container[0])
        return false;
    for (const struct item *other = workload->first; other != item; other = other->next)
        if (!waits_elsewhere(other) && errand_clashes(&other->errand, &item->errand))
            return true;
    return false;
}

/* What is out: of all, and of those that are bounded. */
struct out {
    size_t all, slow, batch;
    bool suspect;
};

/* Light ones keep no runner from others. */
static bool takes_room(const struct item *item)
{
    return item->batch && !item->errand.light;
}

static struct out count_out(const struct workload *workload)
{
    struct out out = {0};
    for (const struct item *item = workload->first; item; item = item->next) {
        if (item->state != ITEM_OUT)
            continue;
        out.all++;
        out.slow += item->errand.slow;
        out.batch += takes_room(item);
        out.suspect |= is_suspect(item);
    }
    return out;
}

static bool has_room(const struct item *item, const struct out *out, const struct room *room)
{
    return (!item->errand.slow || out->slow < room->slow) &&
           (!takes_room(item) || out->batch < room->batch);
}

struct item *workload_next(const struct workload *workload, int64_t now, const struct room *room)
{
    struct out out = count_out(workload);
    struct item *best = NULL;
    for (struct item *item = out.suspect ? NULL : workload->first; item; item = item->next) {
        if (!is_due(item, now) || !has_room(item, &out, room) ||
            (best && item->batch && item->batch->turn >= best->batch->turn) ||
            has_predecessor(workload, item))
            continue;
        if (is_suspect(item))
            return best || out.all > 0 ? best : item;
        best = item;
        if (!item->batch)
            break;
    }
    return best;
}

struct item *workload_along(const struct item *last, int64_t now)
{
    struct item *item = last->next;
    while (item && !is_due(item, now))
        item = item->next;
    return item && item_is_light(item) && !item->batch && !last->batch ? item : NULL;
}

struct item *workload_unsorted(const struct workload *workload, const struct item *last,
                               int64_t now)
{
    struct item *item = last ? last->next : workload->first;
    while (item && (item->state != ITEM_UNSORTED || item->not_before > now))
        item = item->next;
    return item;
}

void workload_leave_batch(struct workload *workload, const struct batch *batch)
{
    for (struct item *item = workload->first; item; item = item->next) {
        if (item->batch != batch)
            continue;
        item->batch = NULL;
        if (item->state != ITEM_UNSORTED)
            continue;
        item->kind = WORK_ADMIT;
        item->state = ITEM_READY;
    }
}

struct item *workload_condemned(const struct workload *workload, int64_t now)
{
    struct item *item = workload->first;
    while (item && (item->state != ITEM_CONDEMNED || item->not_before > now))
        item = item->next;
    return item;
}

struct item *workload_of_runner(const struct workload *workload, const struct item *last,
                                size_t runner)
{
    struct item *item = last ? last->next : workload->first;
    while (item && item->runner != runner)
        item = item->next;
    return item;
}

struct item *workload_by_serial(const struct workload *workload, uint64_t serial)
{
    struct item *item = workload->first;
    while (item && item->serial != serial)
        item = item->next;
    return item;
}

struct item *workload_by_id(const struct workload *workload, const char *id)
{
    struct item *item = workload->first;
    while (item && strcmp(item->id, id) != 0)
        item = item->next;
    return item;
}

const struct item *workload_unsettled(const struct workload *workload)
{
    const struct item *first = NULL;
    for (const struct item *item = workload->first; item; item = item->next)
        if (item->tag && (!first || item->tag < first->tag))
            first = item;
    return first;
}

size_t workload_count(const struct workload *workload, enum item_state state)
{
    size_t count = 0;
    for (const struct item *item = workload->first; item; item = item->next)
        count += item->state == state;
    return count;
}

size_t workload_elsewhere(const struct workload *workload)
{
    size_t count = 0;
    for (const struct item *item = workload->first; item; item = item->next)
        count += item->elsewhere != 0;
    return count;
}

void workload_wake(struct workload *workload)
{
    for (struct item *item = workload->first; item; item = item->next)
        if (item->state == ITEM_WAITING)
            item->state = ITEM_READY;
}

bool workload_tried(const struct workload *workload, unsigned tries)
{
    for (const struct item *item = workload->first; item; item = item->next)
        if ((item->state == ITEM_WAITING || item->state == ITEM_OUT) && item->tries < tries &&
            !item->elsewhere)
            return false;
    return true;
}

void workload_disconnect(struct workload *workload)
{
    struct item *next = NULL;
    for (struct item *item = workload->first; item; item = next) {
        next = item->next;
        bool returned = item->tag != 0;
        item->tag = 0;
        if (returned && item->state != ITEM_OUT && item->state != ITEM_ORPHANED)
            workload_remove(workload, item);
    }
}

int workload_pause(const struct workload *workload, int64_t now, int most)
{
    for (const struct item *item = workload->first; item; item = item->next) {
        bool waits = item->state == ITEM_WAITING || item->state == ITEM_CONDEMNED ||
                     item->state == ITEM_UNSORTED;
        int64_t left = waits ? item->not_before - now : most;
        if (left < most)
            most = left > 0 ? (int)left : 0;
    }
    return most;
}
