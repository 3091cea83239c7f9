/*
 * What the link has in hand: deliveries not yet settled and requests resumed from the journal, in
 * the order in which they came. Pure: no sockets, the clock is an argument (milliseconds).
 */
#ifndef DCM_WORKER_WORKLOAD_H
#define DCM_WORKER_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/batches.h"
#include "worker/dispatch.h"
#include "worker/errand.h"

enum item_state {
    ITEM_READY,     /* for the next idle runner */
    ITEM_OUT,       /* with a runner */
    ITEM_ORPHANED,  /* its runner has died, and is not replaced yet; the others go on meanwhile */
    ITEM_WAITING,   /* for engine or store to come back; not before `not_before` */
    ITEM_CONDEMNED, /* to be parked, and no runner's any more; not before `not_before` */
    ITEM_UNSORTED,  /* to be published to the queue of its batch; not before `not_before` */
};

#define ATTEMPTS_KEPT (ATTEMPTS_MOST + 1)

struct item {
    struct item *next;
    enum item_state state;
    enum work_kind kind;
    uint64_t serial;
    uint64_t tag; /* the delivery's, while it is unsettled; 0: nothing to acknowledge */
    char account[64];
    char id[IDENTIFIER_SIZE]; /* "" until a runner said it */
    char *body;               /* owned; NULL: none came, or it was too large to read */
    size_t length;
    uint64_t bytes; /* as many the message has, read or not */
    size_t runner;  /* the number of its slot, from 1 on; 0: none has it */
    struct errand errand;
    struct batch *batch; /* borrowed; NULL: not of the batch class */
    char reason[256];    /* why it is condemned */
    int64_t not_before;
    unsigned tries;   /* how often engine or store were out of reach for it */
    unsigned crashes; /* how many runners it has killed that we know of: it is a suspect */
    struct attempt attempts[ATTEMPTS_KEPT]; /* attempts[i]: the one that i crashes came before */
    char *history; /* what the journal knows of its attempts, or NULL; owned */
};

struct workload {
    struct item *first, **end;
    uint64_t last_serial;
};

#define ITEM_PAUSE_MOST_MS 5000

void workload_init(struct workload *workload);
void workload_clear(struct workload *workload);

/* The new item is the workload's; NULL when memory is short. Takes the delivery's body. */
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
/* The lowest tag of a delivery that is not settled; 0 if there is none. */
uint64_t workload_first_tag(const struct workload *workload);
size_t workload_count(const struct workload *workload, enum item_state state);

/* An attempt, at these milliseconds since the epoch: begun; died, with its runner; and how, by the
 * wait status (waitpid(2)). More than are kept are not noted. */
void item_begin(struct item *item, int64_t now);
void item_die(struct item *item, int64_t now);
void item_explain_death(struct item *item, int wait_status);
/* The last one that died: begun 0 if there was none. */
struct attempt item_last_death(const struct item *item);

/* Engine or store were out of reach: wait 0.25 s, then twice as long each time, to 5 s. */
void workload_postpone(struct item *item, int64_t now);
/* Has this item killed as many runners as it may? What is in the journal is counted there, and the
 * runner says so: one more means that it does not even get that far. */
bool item_is_deadly(const struct item *item);
void workload_condemn(struct item *item, const char *reason);
/* They are back: everything that waits may go at once. */
void workload_wake(struct workload *workload);
/* Has everything that waits, or is being tried, failed at least this often? True when nothing is.
 */
bool workload_tried(const struct workload *workload, unsigned tries);
/* The broker connection broke: what no runner has comes again with the next one; what a runner has
 * cannot be acknowledged any more. */
void workload_disconnect(struct workload *workload);
/* Milliseconds until something that waits, or is condemned, has its time, at most `most`. */
int workload_pause(const struct workload *workload, int64_t now, int most);

#endif
