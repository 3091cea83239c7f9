#include "worker/item.h"

#include <limits.h>
#include <stdio.h>
#include <sys/wait.h>

#define ITEM_PAUSE_LEAST_MS 250
#define ITEM_DEFERRED_MS 1000

void item_postpone(struct item *item, int64_t now)
{
    int64_t pause = ITEM_PAUSE_MOST_MS;
    if (item->tries < 5)
        pause = (int64_t)ITEM_PAUSE_LEAST_MS << item->tries;
    item->tries++;
    item->state = ITEM_WAITING;
    item->not_before = now + (pause < ITEM_PAUSE_MOST_MS ? pause : ITEM_PAUSE_MOST_MS);
}

void item_defer(struct item *item, int64_t now)
{
    item->state = ITEM_WAITING;
    item->not_before = now + ITEM_DEFERRED_MS;
}

void item_condemn(struct item *item, const char *reason)
{
    snprintf(item->reason, sizeof item->reason, "%s", reason);
    item->state = ITEM_CONDEMNED;
    item->not_before = 0;
}

void item_begin(struct item *item, int64_t now)
{
    if (item->crashes < ATTEMPTS_KEPT)
        item->attempts[item->crashes] = (struct attempt){.begun = now};
}

void item_die(struct item *item, int64_t now)
{
    if (item->crashes < ATTEMPTS_KEPT)
        item->attempts[item->crashes].ended = now;
    item->crashes++;
    item->state = ITEM_ORPHANED;
}

void item_explain_death(struct item *item, int wait_status)
{
    if (item->crashes == 0 || item->crashes > ATTEMPTS_KEPT)
        return;
    struct attempt *last = &item->attempts[item->crashes - 1];
    if (WIFSIGNALED(wait_status))
        snprintf(last->end, sizeof last->end, "its runner was killed by signal %d",
                 WTERMSIG(wait_status));
    else
        snprintf(last->end, sizeof last->end, "its runner ended with status %d",
                 WEXITSTATUS(wait_status));
}

struct attempt item_last_death(const struct item *item)
{
    if (item->crashes == 0 || item->crashes > ATTEMPTS_KEPT)
        return (struct attempt){.begun = 0};
    return item->attempts[item->crashes - 1];
}

bool item_is_light(const struct item *item)
{
    return item->errand.light && item->kind == WORK_DELIVERY && item->crashes == 0;
}

bool item_is_deadly(const struct item *item)
{
    static const unsigned most[] = {
        [WORK_DELIVERY] = ATTEMPTS_MOST,  [WORK_RESUME] = ATTEMPTS_MOST + 1,
        [WORK_SET_ASIDE] = ATTEMPTS_MOST, [WORK_CLEAR_UP] = ATTEMPTS_MOST,
        [WORK_RECALL] = UINT_MAX, /* there is nothing to park, and no work without it */
        [WORK_ADMIT] = ATTEMPTS_MOST,     [WORK_BATCHES] = UINT_MAX,
        [WORK_FORGET] = UINT_MAX,
    };
    return item->crashes >= most[item->kind];
}
