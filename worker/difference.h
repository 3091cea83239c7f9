/*
 * What can be amiss between engine, index and journal, in the order in which it is put right: what
 * is gone makes room for what comes back, and what is judged by the index comes after that. Pure:
 * what was seen goes in, a row of the table in difference.c comes out.
 */
#ifndef DCM_WORKER_DIFFERENCE_H
#define DCM_WORKER_DIFFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/journal.h"

enum difference {
    DIFFERENCE_GONE,       /* bound in the index, not in the engine: removed by hand */
    DIFFERENCE_ABANDONED,  /* reserved in the index by a request that has ended */
    DIFFERENCE_HEIRLESS,   /* ports reserved by a recreate that has ended */
    DIFFERENCE_LOST,       /* in the engine, not in the index */
    DIFFERENCE_RESERVED,   /* the same, and its request goes on */
    DIFFERENCE_HEIR,       /* the same of a recreate, whose old container is still there */
    DIFFERENCE_ASIDE,      /* stands aside for one that will not come, or that has come */
    DIFFERENCE_DEBRIS,     /* made by a request that has ended without it, or half removed */
    DIFFERENCE_PAUSED,     /* left so by a commit that died */
    DIFFERENCE_STATE,      /* the index shows another state, end, or address waited for */
    DIFFERENCE_DOWN,       /* ran until the engine went down; found by keeper_wake alone */
    DIFFERENCE_LEASE,      /* a port leased for no container */
    DIFFERENCE_NETWORK,    /* a network or subnet of a user without containers here */
    DIFFERENCE_UNVERIFIED, /* carries our labels, which prove nothing */
    DIFFERENCE_IMAGE,      /* a user's image: index and engine differ */
    DIFFERENCE_IMAGE_LEFT, /* what a replaced image, or a recreate, has left */
    DIFFERENCE_NONE,
};
#define DIFFERENCE_COUNT DIFFERENCE_NONE

/* Its name in reports, and what is done about it in words. */
const char *difference_name(enum difference difference);
const char *difference_remedy(enum difference difference);

/* A container in the engine whose labels prove that it is ours. */
struct sighting {
    bool rebuilding;   /* the store has lost data: what is under way has to come back too */
    bool indexed;      /* bound, under this id */
    bool same_state;   /* as in the index, and the same end; and it waits for the same */
    bool left_paused;  /* by a commit that died (journal_left_paused) */
    bool buried;       /* has a tombstone */
    bool aside;        /* by its name in the engine */
    bool has_sibling;  /* the other one of a recreate is in the engine too */
    bool is_replacing; /* of one that stands aside: its recreate goes on */
    bool from_create;  /* made by a create, not by a recreate */
    bool succeeded;    /* the request that made it, once it has ended */
    enum journal_state request;
    int64_t age_s;
};
enum difference difference_of(const struct sighting *seen);

/* A container that the journal knows nothing of may be this young, and still in its runner's hands.
 */
#define SETTLING_S 60

#endif
