/*
 * The ends of containers. The journal says which have come: such a container is stopped, and some
 * days later removed as a remove would. Every step may be repeated, and the journal's row goes
 * last.
 */
#include <string.h>

#include "common/auto.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/members.h"
#include "schemas/units.h"
#include "worker/audit.h"
#include "worker/describe.h"
#include "worker/journal_lives.h"
#include "worker/keeper_private.h"
#include "worker/locks.h"
#include "worker/requests/requests.h"
#include "worker/store_containers.h"

#define DUE_MOST 16
#define ROUND_MS 3000    /* a stop may take ten seconds, and the heartbeat must not wait for many */
#define AGAIN_MS 2000    /* a runner has it in hand */
#define TROUBLE_MS 60000 /* something that the next second will not mend */

static const json_t *end_shown(const json_t *entry)
{
    return json_object_get(json_object_get(entry, "container"), "expires");
}

int keeper_shows_end(struct runner *keeper, const char *id, const json_t *entry, bool *ret_shows,
                     struct error *err)
{
    int64_t ends = 0;
    if (lives_find(keeper->journal, id, &ends, err) < 0)
        return -1;
    json_auto_t *end = describe_end(ends);
    *ret_shows = json_equal(end, end_shown(entry));
    return 0;
}

int keeper_refresh_end(struct runner *keeper, const char *user, const char *name, const char *id,
                       const json_t *entry, struct error *err)
{
    bool shows = false;
    int64_t ends = 0;
    if (keeper_shows_end(keeper, id, entry, &shows, err) < 0)
        return -1;
    if (shows)
        return 0;
    timestamp_parse(json_string_value(end_shown(entry)), &ends, NULL);
    if (container_begin_life(keeper, user, name, id, ends, &ends, err) < 0)
        return -1;
    json_auto_t *end = describe_end(ends);
    return store_set_expires(keeper->store, user, name, end, err);
}

static int postpone(struct runner *keeper, const struct life *life, int64_t until,
                    struct error *err)
{
    return lives_postpone(keeper->journal, life->container, until, err);
}

/* The engine has it no more. Where the index has it no more either, the network may be left. */
static int clear_away(struct runner *keeper, const struct life *life, struct error *err)
{
    json_auto_t *entry = NULL;
    if (store_container(keeper->store, life->user, life->name, &entry, err) < 0 &&
        err->fault != FAULT_NOT_FOUND)
        return -1;
    const char *id = text_at(json_object_get(entry, "container"), "id");
    bool is_its = id && strcmp(id, life->container) == 0;
    const char *request = is_its ? text_at(entry, "request") : life->container; /* nobody's */
    if (container_release(keeper, life->user, life->name, request, err) < 0)
        return -1;
    return lives_forget(keeper->journal, life->container, err);
}

static int stop(struct runner *keeper, const struct life *life, struct error *err)
{
    if (engine_container_act(keeper->engine, ENGINE_STOP, life->container, NULL, err) < 0)
        return -1;
    log_warning("audit: expired: user=%s container=%s: stopped", life->user, life->name);
    audit_expiry(keeper, life->user, life->name, life->container, "stopped");
    if (store_set_state(keeper->store, life->user, life->name, "stopped", err) < 0 &&
        err->fault != FAULT_NOT_FOUND) /* an index that has lost it will be told */
        return -1;
    return 0;
}

static int take_away(struct runner *keeper, const struct life *life, struct error *err)
{
    if (journal_tombstone(keeper->journal, life->container, err) < 0 ||
        engine_container_remove(keeper->engine, life->container, err) < 0)
        return -1;
    log_warning("audit: expired: user=%s container=%s: removed", life->user, life->name);
    audit_expiry(keeper, life->user, life->name, life->container, "removed");
    return clear_away(keeper, life, err);
}

/* With its lock in hand. */
static int expire(struct runner *keeper, const struct life *life, struct error *err)
{
    json_auto_t *inspected = NULL;
    bool ran = false;
    int64_t now = timestamp_now(), gone = life->ends + keeper->config->expired_kept_s * 1000;
    if (runner_identity(keeper, err) < 0)
        return -1;
    if (engine_container_inspect(keeper->engine, life->container, &inspected, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? clear_away(keeper, life, err) : -1;
    if (container_is_aside(keeper, inspected, life->user, life->name, &ran))
        return postpone(keeper, life, now + AGAIN_MS, err); /* its recreate goes on */
    if (!container_is_ours(keeper, inspected, life->user, life->name, NULL))
        return fail(err, FAULT_CONFLICT, "it does not carry DCM's mark any more; left alone");
    if (strcmp(container_state(inspected), "stopped") != 0 && stop(keeper, life, err) < 0)
        return -1;
    return now < gone ? postpone(keeper, life, gone, err) : take_away(keeper, life, err);
}

/* What was due a moment ago may have been extended or removed since. */
static int look_at(struct runner *keeper, const struct life *life, struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    int64_t now = timestamp_now(), ends = 0;
    if (lock_try(keeper->config->state, LOCK_CONTAINER, life->container, &lock, err) < 0)
        return -1;
    if (lock.file < 0)
        return postpone(keeper, life, now + AGAIN_MS, err);
    if (lives_find(keeper->journal, life->container, &ends, err) < 0)
        return -1;
    if (ends == 0 || ends > now)
        return postpone(keeper, life, ends, err);
    return expire(keeper, life, err);
}

int keeper_expire(struct runner *keeper, struct error *err)
{
    struct life due[DUE_MOST];
    size_t count = 0;
    int64_t began = clock_ms();
    if (lives_due(keeper->journal, timestamp_now(), due, DUE_MOST, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count && clock_ms() - began < ROUND_MS; i++) {
        struct error trouble = {0};
        if (look_at(keeper, &due[i], &trouble) == 0)
            continue;
        log_warning("user=%s: %s is expired, but: %s", due[i].user, due[i].name, trouble.text);
        if (postpone(keeper, &due[i], timestamp_now() + TROUBLE_MS, err) < 0)
            return -1;
    }
    return 0;
}
