/*
 * One thing that the link has in hand: a delivery, a request resumed from the journal, or a
 * question of its own to a runner. Pure: no sockets, the clock is an argument (milliseconds).
 */
#ifndef DCM_WORKER_ITEM_H
#define DCM_WORKER_ITEM_H

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
    struct item *next, **place; /* place: what points to this one */
    enum item_state state;
    enum work_kind kind;
    uint64_t serial;
    uint64_t tag; /* the delivery's, while it is unsettled; 0: nothing to acknowledge */
    char account[64];
    char id[IDENTIFIER_SIZE]; /* "" until a runner said it */
    char *body;               /* owned; NULL: none came, or it was too large to read */
    size_t length;
    uint64_t bytes;    /* as many as the message has, read or not */
    int64_t elsewhere; /* since when (clock_ms) it waits for another server's end; 0: it does not */
    size_t runner;     /* the number of its slot, from 1 on; 0: none has it */
    struct errand errand;
    struct batch *batch; /* borrowed; NULL: not of the batch class */
    char reason[256];    /* why it is condemned */
    int64_t not_before;
    unsigned tries;   /* how often engine or store were out of reach for it */
    unsigned crashes; /* how many runners it has killed that we know of: it is a suspect */
    struct attempt attempts[ATTEMPTS_KEPT]; /* attempts[i]: the one that i crashes came before */
    char *history; /* what the journal knows of its attempts, or NULL; owned */
};

#define ITEM_PAUSE_MOST_MS 5000

/* Engine or store were out of reach: wait 0.25 s, then twice as long each time, to 5 s. */
void item_postpone(struct item *item, int64_t now);
/* It is only too early for it, or another server's turn: wait 1 s. */
void item_defer(struct item *item, int64_t now);
/* No runner's any more: it is to be parked, for this reason. */
void item_condemn(struct item *item, const char *reason);

/* An attempt, at these milliseconds since the epoch: begun; died, with its runner; and how, by the
 * wait status (waitpid(2)). More than are kept are not noted. */
void item_begin(struct item *item, int64_t now);
void item_die(struct item *item, int64_t now);
void item_explain_death(struct item *item, int wait_status);
/* The last one that died: begun 0 if there was none. */
struct attempt item_last_death(const struct item *item);

/* May it go to a runner together with others? What may have killed a runner goes alone. */
bool item_is_light(const struct item *item);

/* Has this item killed as many runners as it may? What is in the journal is counted there, and the
 * runner says so: one more means that it does not even get that far. */
bool item_is_deadly(const struct item *item);

#endif
