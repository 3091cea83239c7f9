#include "worker/batch_users.h"

#include <stdio.h>

#include "worker/journal_batches.h"
#include "worker/store_batches.h"

int batch_users_admit(struct runner *runner, const char *user, struct error *err)
{
    json_auto_t *users = json_pack("[s]", user);

    if (batches_journal_add(runner->journal, user, err) < 0)
        return -1;
    return store_add_batches(runner->store, users, err);
}

/* What each side lacks of the other; what the store has need not be a name of ours. */
static int exchange(struct runner *runner, const json_t *ours, json_t *all, struct error *err)
{
    struct error unheard;
    json_auto_t *theirs = NULL;
    size_t i = 0;
    json_t *name = NULL;

    if (store_add_batches(runner->store, ours, &unheard) < 0 ||
        store_batches(runner->store, &theirs, &unheard) < 0)
        return 0;
    json_array_foreach(theirs, i, name)
    {
        const char *user = json_string_value(name);
        if (!name_is_user(user))
            continue;
        if (batches_journal_add(runner->journal, user, err) < 0)
            return -1;
        json_array_append(all, name);
    }
    return 0;
}

int batch_users_tell(struct runner *runner, const struct work *work, struct error *err)
{
    static struct word word; /* 32 KiB: not on the stack */
    json_auto_t *ours = NULL, *all = json_array();
    size_t i = 0;
    json_t *name = NULL;

    if (batches_journal_list(runner->journal, &ours, err) < 0)
        return -1;
    json_array_extend(all, ours);
    if (exchange(runner, ours, all, err) < 0)
        return -1;
    json_array_foreach(all, i, name)
    {
        word.kind = WORD_BATCH;
        word.serial = work->serial;
        snprintf(word.account, sizeof(word.account), "%s", json_string_value(name));
        if (word_send(runner->socket, &word, err) < 0)
            return -1;
    }
    return 0;
}

int batch_users_forget(struct runner *runner, const struct work *work, struct error *err)
{
    struct error unheard;

    if (batches_journal_remove(runner->journal, work->account, err) < 0)
        return -1;
    store_remove_batch(runner->store, work->account, &unheard); /* or next time */
    return 0;
}
