/* A container's end, and its removal. */
#include <stdio.h>

#include "schemas/units.h"
#include "worker/journal_lives.h"
#include "worker/journal_waits.h"
#include "worker/requests/requests.h"

int container_check_life(struct runner *runner, const struct owned *owned, struct error *err)
{
    int64_t ends = 0;
    if (lives_find(runner->journal, owned->id, &ends, err) < 0)
        return -1;
    if (ends == 0 || ends > timestamp_now())
        return 0;
    return fail(err, FAULT_DENIED, "%s is expired: extend it first", owned->name);
}

int container_begin_life(struct runner *runner, const char *user, const char *name, const char *id,
                         int64_t ends, int64_t *ret_ends, struct error *err)
{
    struct life life = {.ends = ends};
    snprintf(life.container, sizeof life.container, "%s", id);
    snprintf(life.user, sizeof life.user, "%s", user);
    snprintf(life.name, sizeof life.name, "%s", name);
    if (ends && lives_begin(runner->journal, &life, err) < 0)
        return -1;
    return lives_find(runner->journal, id, ret_ends, err);
}

int container_destroy(struct runner *runner, const char *id, struct error *err)
{
    /* The tombstone first: the keeper would take it for a container that the index has lost. The
     * end last: an engine that refuses leaves the container with it. */
    if (journal_tombstone(runner->journal, id, err) < 0 ||
        engine_container_remove(runner->engine, id, err) < 0)
        return -1;
    return waits_forget(runner->journal, id, err) < 0 ? -1 : lives_forget(runner->journal, id, err);
}
