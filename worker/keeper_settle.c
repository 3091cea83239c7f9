/* What is done about each kind of difference (worker/difference.h). Each is looked at again under
 * its lock, for a request may have changed it since it was seen. */
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "common/members.h"
#include "worker/audit.h"
#include "worker/keeper_private.h"
#include "worker/locks.h"
#include "worker/requests/requests.h"
#include "worker/store_containers.h"
#include "worker/store_keeper.h"

/* What an item says; "" for what it does not. */
struct item {
    const char *user, *name, *id, *request, *port, *address;
};

static struct item item_of(const json_t *found)
{
    struct item item = {"", "", "", "", "", ""};
    const struct {
        const char *key;
        const char **place;
    } parts[] = {{"user", &item.user},       {"name", &item.name}, {"id", &item.id},
                 {"request", &item.request}, {"port", &item.port}, {"address", &item.address}};
    for (size_t i = 0; i < COUNT(parts); i++)
        if (text_at(found, parts[i].key))
            *parts[i].place = text_at(found, parts[i].key);
    return item;
}

int keeper_bound_entry(struct runner *keeper, const char *user, const char *name, const char *id,
                       json_t **ret_entry, struct error *err)
{
    json_auto_t *entry = NULL;
    if (store_container(keeper->store, user, name, &entry, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    const char *entry_id = text_at(json_object_get(entry, "container"), "id");
    if (number_at(entry, "until") == 0 && entry_id && strcmp(entry_id, id) == 0)
        *ret_entry = TAKE(entry);
    return 0;
}

/* By hand, or on purpose by a request whose runner was slower than we are: it finds nothing to do.
 */
static int drop_gone(struct runner *keeper, const char *user, const char *name, const char *id,
                     const json_t *entry, struct error *err)
{
    bool removed = false;
    if (journal_is_tombstone(keeper->journal, id, &removed, err) < 0)
        return -1;
    if (!removed)
        log_warning("user=%s: %s was removed by hand; its ports are free again", user, name);
    if (waits_forget(keeper->journal, id, err) < 0)
        return -1;
    return container_release(keeper, user, name, text_at(entry, "request"), err);
}

/* In the index: the state, and what it waits for. */
static int show(struct runner *keeper, const char *user, const char *name, const json_t *entry,
                const json_t *inspected, struct error *err)
{
    const json_t *shown = json_object_get(entry, "container");
    const char *state = container_state(inspected);
    const char *known = text_at(shown, "state"), *awaited = text_at(shown, "waits_for");
    char address[WAIT_ADDRESS_SIZE] = "";
    if (keeper_note_wait(keeper, user, entry, inspected, address, err) < 0)
        return -1;
    if (known && strcmp(state, known) == 0 && strcmp(awaited ? awaited : "", address) == 0)
        return 0;
    return address[0] ? store_set_waiting(keeper->store, user, name, address, err)
                      : store_set_state(keeper->store, user, name, state, err);
}

int keeper_refresh(struct runner *keeper, const char *user, const char *name, const char *id,
                   struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    json_auto_t *entry = NULL;
    json_auto_t *inspected = NULL;
    if (lock_take(keeper->config->state, LOCK_CONTAINER, id, false, &lock, err) < 0 ||
        keeper_bound_entry(keeper, user, name, id, &entry, err) < 0)
        return -1;
    if (!entry)
        return 0;
    if (engine_container_inspect(keeper->engine, id, &inspected, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? drop_gone(keeper, user, name, id, entry, err) : -1;
    bool ran = false;
    if (container_is_aside(keeper, inspected, user, name, &ran))
        return 0; /* its recreate goes on as soon as there is a runner */
    if (!container_is_ours(keeper, inspected, user, name, text_at(entry, "request"))) {
        log_error("user=%s: %s does not carry DCM's mark any more; left alone", user, name);
        return 0;
    }
    if (keeper_refresh_end(keeper, user, name, id, entry, err) < 0)
        return -1;
    return show(keeper, user, name, entry, inspected, err);
}

static int settle_state(struct runner *keeper, const struct item *item, struct error *err)
{
    return keeper_refresh(keeper, item->user, item->name, item->id, err);
}

static int settle_down(struct runner *keeper, const struct item *item, struct error *err)
{
    return keeper_bring_up(keeper, item->user, item->name, item->id, err);
}

static int settle_abandoned(struct runner *keeper, const struct item *item, struct error *err)
{
    if (store_abandon(keeper->store, item->user, item->name, item->request, err) < 0)
        return -1;
    return container_release(keeper, item->user, "", NULL,
                             err); /* and the network, if all is gone */
}

static int settle_heirless(struct runner *keeper, const struct item *item, struct error *err)
{
    struct request recreate = {0};
    strncat(recreate.id, item->request, sizeof recreate.id - 1);
    strncat(recreate.user, item->user, sizeof recreate.user - 1);
    return store_release_ports(keeper->store, &recreate, item->name, err);
}

static int settle_lost(struct runner *keeper, const struct item *item, struct error *err)
{
    return keeper_restore(keeper, item->user, item->name, item->id, false, err);
}

static int settle_reserved(struct runner *keeper, const struct item *item, struct error *err)
{
    return keeper_restore(keeper, item->user, item->name, item->id, true, err);
}

static int settle_heir(struct runner *keeper, const struct item *item, struct error *err)
{
    return keeper_restore_heir(keeper, item->user, item->name, item->id, item->request, err);
}

static int settle_aside(struct runner *keeper, const struct item *item, struct error *err)
{
    return keeper_settle_aside(keeper, item->user, item->id, err);
}

static int settle_debris(struct runner *keeper, const struct item *item, struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    json_auto_t *entry = NULL;
    json_auto_t *inspected = NULL;
    if (lock_take(keeper->config->state, LOCK_CONTAINER, item->id, false, &lock, err) < 0 ||
        keeper_bound_entry(keeper, item->user, item->name, item->id, &entry, err) < 0)
        return -1;
    if (entry)
        return 0;
    if (engine_container_inspect(keeper->engine, item->id, &inspected, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    if (!container_is_ours(keeper, inspected, item->user, item->name, item->request))
        return 0;
    if (container_destroy(keeper, item->id, err) < 0)
        return -1;
    log_warning("user=%s: %s was left by a request that has ended without it; removed", item->user,
                item->name);
    return container_release(keeper, item->user, item->name, item->request, err);
}

static int unpause(struct runner *keeper, const struct item *item, struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    json_auto_t *inspected = NULL;
    bool left = false;
    if (lock_take(keeper->config->state, LOCK_CONTAINER, item->id, false, &lock, err) < 0 ||
        journal_left_paused(keeper->journal, item->id, &left, err) < 0)
        return -1;
    if (!left)
        return 0;
    if (engine_container_inspect(keeper->engine, item->id, &inspected, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    if (!container_is_ours(keeper, inspected, item->user, item->name, NULL) ||
        strcmp(container_state(inspected), "paused") != 0)
        return 0;
    log_warning("user=%s: a commit left %s paused; it goes on", item->user, item->name);
    return engine_container_act(keeper->engine, ENGINE_UNPAUSE, item->id, NULL, err);
}

static int settle_paused(struct runner *keeper, const struct item *item, struct error *err)
{
    return unpause(keeper, item, err) < 0 ? -1 : settle_state(keeper, item, err);
}

static int settle_lease(struct runner *keeper, const struct item *item, struct error *err)
{
    log_warning("user=%s: port %s was leased for %s, which is not there; it is free again",
                item->user, item->port, item->name);
    return store_drop_lease(keeper->store, item->user, item->name, item->request, item->port,
                            item->address, err);
}

static int settle_network(struct runner *keeper, const struct item *item, struct error *err)
{
    return container_release(keeper, item->user, "", NULL, err);
}

static int settle_image(struct runner *keeper, const struct item *item, struct error *err)
{
    return keeper_settle_image(keeper, item->user, item->name, err);
}

/* The engine knows whether a container needs it. */
static int settle_image_left(struct runner *keeper, const struct item *item, struct error *err)
{
    if (engine_image_remove(keeper->engine, item->id, err) == 0 || err->fault == FAULT_CONFLICT)
        return 0;
    return -1;
}

/* NULL: only told of. */
static int (*const settlers[DIFFERENCE_COUNT])(struct runner *keeper, const struct item *item,
                                               struct error *err) = {
    [DIFFERENCE_GONE] = settle_state,        [DIFFERENCE_ABANDONED] = settle_abandoned,
    [DIFFERENCE_HEIRLESS] = settle_heirless, [DIFFERENCE_LOST] = settle_lost,
    [DIFFERENCE_RESERVED] = settle_reserved, [DIFFERENCE_HEIR] = settle_heir,
    [DIFFERENCE_ASIDE] = settle_aside,       [DIFFERENCE_DEBRIS] = settle_debris,
    [DIFFERENCE_PAUSED] = settle_paused,     [DIFFERENCE_STATE] = settle_state,
    [DIFFERENCE_DOWN] = settle_down,         [DIFFERENCE_LEASE] = settle_lease,
    [DIFFERENCE_NETWORK] = settle_network,   [DIFFERENCE_UNVERIFIED] = NULL,
    [DIFFERENCE_IMAGE] = settle_image,       [DIFFERENCE_IMAGE_LEFT] = settle_image_left,
};

static int settle_one(struct runner *keeper, enum difference kind, json_t *found, struct error *err)
{
    struct item item = item_of(found);
    FAULT_POINT("keeper.before");
    if (settlers[kind](keeper, &item, err) == 0) {
        FAULT_POINT("keeper.after");
        audit_difference(keeper, found);
        json_object_set_new(found, "done", json_true());
        return 0;
    }
    if (fault_fate(err->fault) == FATE_RETRY)
        return -1;
    log_warning("user=%s name=%s: %s: %s", item.user, item.name, difference_name(kind), err->text);
    json_object_set_new(found, "trouble", json_string(err->text));
    return 0;
}

int keeper_settle(struct runner *keeper, json_t *found, struct error *err)
{
    for (enum difference kind = 0; kind < DIFFERENCE_COUNT; kind++) {
        size_t i = 0;
        json_t *item = NULL;
        json_array_foreach(found, i, item)
        {
            const char *name = text_at(item, "kind");
            if (settlers[kind] && name && strcmp(name, difference_name(kind)) == 0 &&
                settle_one(keeper, kind, item, err) < 0)
                return -1;
        }
    }
    return 0;
}
