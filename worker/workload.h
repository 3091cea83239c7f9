/*
 * All that the link has in hand (worker/item.h), in the order in which it came. Pure: no sockets,
 * the clock is an argument (milliseconds).
 */
#ifndef DCM_WORKER_WORKLOAD_H
#define DCM_WORKER_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/item.h"

struct workload {
    struct item *first, **end;
    uint64_t last_serial;
};

void workload_init(struct workload *workload);
void workload_clear(struct workload *workload);

/* The new item is the workload's; NULL when memory is short. To remove one frees what it
 * owns. */
struct item *workload_add(struct workload *workload, enum work_kind kind);
void workload_remove(struct workload *workload, struct item *item);

/* How many may be out at a time: of those that may take long, and of the batch class. */
struct room {
    size_t slow, batch;
};
/*
 * The item that may go to a runner now, or NULL: the oldest that is not of the batch class, or else
 * one of the batch that was served longest ago. None overtakes another of the same user on the same
 * container; a suspect goes alone, and what comes after it waits.
 */
struct item *workload_next(const struct workload *workload, int64_t now, const struct room *room);
/* What may go along with `last`, which is light and out: the next in order, where that is light,
 * due and of the interactive class as well. NULL: nothing, or workload_next has to say. */
struct item *workload_along(const struct item *last, int64_t now);
/* The oldest that is to be sorted, after `last` (NULL: of all). */
struct item *workload_unsorted(const struct workload *workload, const struct item *last,
                               int64_t now);
/* The batch is no more: what is in hand of it goes on like any other, what is to be sorted needs
 * another one. */
void workload_leave_batch(struct workload *workload, const struct batch *batch);
/* The oldest condemned item whose time has come, or NULL. */
struct item *workload_condemned(const struct workload *workload, int64_t now);
/* The next that this runner has in hand, after `last` (NULL: of all). */
struct item *workload_of_runner(const struct workload *workload, const struct item *last,
                                size_t runner);
struct item *workload_by_serial(const struct workload *workload, uint64_t serial);
struct item *workload_by_id(const struct workload *workload, const char *id);
/* The delivery with the lowest tag that is not settled, or NULL. */
const struct item *workload_unsettled(const struct workload *workload);
size_t workload_count(const struct workload *workload, enum item_state state);

/* How many wait for another server's end of them. */
size_t workload_elsewhere(const struct workload *workload);

/* Engine and store are back: everything that waits may go at once. */
void workload_wake(struct workload *workload);
/* Has everything that waits, or is being tried, failed at least this often? True when nothing is.
 */
bool workload_tried(const struct workload *workload, unsigned tries);
/* The broker connection broke: what no runner has comes again with the next one; what a runner has
 * cannot be acknowledged any more. */
void workload_disconnect(struct workload *workload);
/* Milliseconds until something that is put off has its time, at most `most`. */
int workload_pause(const struct workload *workload, int64_t now, int most);

#endif
