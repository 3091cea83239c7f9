#include "worker/journal_batches.h"

#include "common/auto.h"
#include "worker/journal_private.h"

int batches_journal_add(struct journal *journal, const char *user, struct error *err)
{
    const struct argument arguments[] = {{.text = user}};

    return journal_run(journal, STATEMENT_BATCH_ADD, arguments, NULL, err);
}

int batches_journal_remove(struct journal *journal, const char *user, struct error *err)
{
    const struct argument arguments[] = {{.text = user}};

    return journal_run(journal, STATEMENT_BATCH_REMOVE, arguments, NULL, err);
}

int batches_journal_list(struct journal *journal, json_t **ret_users, struct error *err)
{
    AUTO(statement) sqlite3_stmt *statement = journal_bind(journal, STATEMENT_BATCHES, NULL, err);
    json_auto_t *users = json_array();
    int more = statement ? journal_step(journal, statement, err) : -1;

    for (; more > 0; more = journal_step(journal, statement, err))
        json_array_append_new(users, json_string((const char *)sqlite3_column_text(statement, 0)));
    if (more < 0)
        return -1;
    *ret_users = TAKE(users);
    return 0;
}
