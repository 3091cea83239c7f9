/* Others ask about requests that this server has claimed: what it never began may be claimed again.
 */
#include "common/auto.h"
#include "common/log.h"
#include "worker/actions.h"
#include "worker/keeper_private.h"
#include "worker/locks.h"
#include "worker/store_asked.h"

/* A runner that is at it has its lock, and what was begun is in the journal: that is done here, or
 * will be. What only reads is in no journal, and may go on in a child without the lock (`logs
 * --follow`): it stays claimed. */
static int unclaim_unbegun(struct runner *keeper, const char *user, const char *id,
                           struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    AUTO(journal_entry) struct journal_entry entry = {0};
    AUTO(held) struct held held = {0};
    if (lock_try(keeper->config->state, LOCK_REQUEST, id, &lock, err) < 0)
        return -1;
    if (lock.file < 0)
        return 0;
    if (journal_find(keeper->journal, id, &entry, err) < 0)
        return -1;
    if (entry.state != JOURNAL_UNKNOWN)
        return 0;
    if (store_held(keeper->store, user, id, &held, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    if (!action_of(held.op)->is_journalled)
        return 0;
    if (store_unclaim(keeper->store, user, id, &held, err) < 0)
        return -1;
    log_info("user=%s request=%s: claimed and never begun here; another may do it", user, id);
    return 0;
}

/* A record that is none, or a damaged entry, keeps no other question waiting. */
static int answer(struct runner *keeper, const char *text, struct error *err)
{
    char user[USER_NAME_MAX + 1], id[IDENTIFIER_SIZE];
    if (store_asked_read(text, user, id) == 0 && unclaim_unbegun(keeper, user, id, err) < 0) {
        if (fault_fate(err->fault) == FATE_RETRY)
            return -1;
        log_warning("user=%s request=%s: %s", user, id, err->text);
    }
    return store_forget_asked(keeper->store, text, err);
}

int keeper_answer_asked(struct runner *keeper, struct error *err)
{
    json_auto_t *asked = NULL;
    size_t i = 0;
    json_t *one = NULL;
    if (store_asked(keeper->store, &asked, err) < 0)
        return -1;
    json_array_foreach(asked, i, one)
    {
        if (json_is_string(one) && answer(keeper, json_string_value(one), err) < 0)
            return -1;
    }
    return 0;
}
