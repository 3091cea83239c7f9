/* What this server holds of requests that others have copies of. */
#include "common/auto.h"
#include "common/log.h"
#include "worker/actions.h"
#include "worker/keeper_private.h"
#include "worker/locks.h"
#include "worker/store_asked.h"

/* A runner at work has the request's lock, and what was begun is in the journal: then it is done,
 * or will be. What only reads, and is in no journal, may go on where nobody sees it. */
static int let_go(struct runner *keeper, const char *user, const char *id, struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    AUTO(journal_entry) struct journal_entry entry = {0};
    json_auto_t *result = NULL;
    enum op op = OP_PING;
    if (lock_try(keeper->config->state, LOCK_REQUEST, id, &lock, err) < 0)
        return -1;
    if (lock.file < 0)
        return 0;
    if (journal_find(keeper->journal, id, &entry, err) < 0)
        return -1;
    if (entry.state != JOURNAL_UNKNOWN)
        return 0;
    if (store_held(keeper->store, user, id, &op, &result, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    if (!action_of(op)->is_journalled)
        return 0;
    log_info("user=%s request=%s: claimed and never begun here; another server may do it", user,
             id);
    return store_unclaim(keeper->store, user, id, result, err);
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
        char user[USER_NAME_MAX + 1], id[IDENTIFIER_SIZE];
        const char *text = json_string_value(one);
        if (asked_read(text, user, id) == 0 && let_go(keeper, user, id, err) < 0)
            return -1;
        if (text && store_forget_asked(keeper->store, text, err) < 0)
            return -1;
    }
    return 0;
}
