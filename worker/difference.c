#include "worker/difference.h"

static const struct {
    const char *name;
    const char *remedy;
} rows[DIFFERENCE_COUNT] = {
    [DIFFERENCE_GONE] = {"gone", "drop its entry, free its ports"},
    [DIFFERENCE_ABANDONED] = {"abandoned", "drop the reservation, free its ports"},
    [DIFFERENCE_HEIRLESS] = {"heirless", "free the ports that were to be"},
    [DIFFERENCE_LOST] = {"lost", "put back its entry and leases"},
    [DIFFERENCE_RESERVED] = {"reserved", "put back the reservation of its request, which goes on"},
    [DIFFERENCE_HEIR] = {"heir", "put back the ports of its recreate, which goes on"},
    [DIFFERENCE_ASIDE] = {"aside", "finish its recreate, or put it back as it was"},
    [DIFFERENCE_DEBRIS] = {"debris", "remove it"},
    [DIFFERENCE_PAUSED] = {"paused", "unpause it"},
    [DIFFERENCE_STATE] = {"state", "show its state and its end as they are"},
    [DIFFERENCE_DOWN] = {"down", "start it again, now that the server has its addresses"},
    [DIFFERENCE_LEASE] = {"lease", "free the port"},
    [DIFFERENCE_NETWORK] = {"network", "remove the network, free the subnet"},
    [DIFFERENCE_UNVERIFIED] = {"unverified", "nothing: it is never touched"},
    [DIFFERENCE_IMAGE] = {"image", "have the index show what the engine has"},
    [DIFFERENCE_IMAGE_LEFT] = {"image_left", "remove it as soon as no container needs it"},
};

const char *difference_name(enum difference difference)
{
    return rows[difference].name;
}

const char *difference_remedy(enum difference difference)
{
    return rows[difference].remedy;
}

/* The old one of a recreate, under its other name. */
static enum difference of_aside(const struct sighting *seen)
{
    if (seen->is_replacing)
        return seen->rebuilding && !seen->indexed ? DIFFERENCE_LOST : DIFFERENCE_NONE;
    /* In two steps: what is back in the index can then be put back in the engine. */
    return seen->indexed || seen->has_sibling ? DIFFERENCE_ASIDE : DIFFERENCE_LOST;
}

static enum difference of_indexed(const struct sighting *seen)
{
    if (seen->left_paused)
        return DIFFERENCE_PAUSED;
    return seen->same_state ? DIFFERENCE_NONE : DIFFERENCE_STATE;
}

/* A runner has it in hand, or will have; only a store that lost data needs to be told. */
static enum difference of_unfinished(const struct sighting *seen)
{
    if (!seen->rebuilding)
        return DIFFERENCE_NONE;
    if (seen->from_create)
        return DIFFERENCE_RESERVED;
    return seen->has_sibling ? DIFFERENCE_HEIR : DIFFERENCE_LOST;
}

enum difference difference_of(const struct sighting *seen)
{
    if (seen->aside)
        return of_aside(seen);
    if (seen->indexed)
        return of_indexed(seen);
    if (seen->buried)
        return DIFFERENCE_DEBRIS;
    if (seen->request == JOURNAL_BEGUN)
        return of_unfinished(seen);
    if (seen->request == JOURNAL_ENDED && seen->from_create && !seen->succeeded)
        return DIFFERENCE_DEBRIS;
    bool is_young = seen->request == JOURNAL_UNKNOWN && seen->age_s <= SETTLING_S;
    return is_young && !seen->rebuilding ? DIFFERENCE_NONE : DIFFERENCE_LOST;
}
