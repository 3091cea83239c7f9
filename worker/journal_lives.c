#include "worker/journal_lives.h"

#include <stdio.h>

#include "common/auto.h"
#include "worker/journal_private.h"

int lives_begin(struct journal *journal, const struct life *life, struct error *err)
{
    const struct argument arguments[] = {{.text = life->container},
                                         {.text = life->user},
                                         {.text = life->name},
                                         {.number = life->ends}};

    return journal_run(journal, STATEMENT_LIFE_BEGIN, arguments, NULL, err);
}

int lives_find(struct journal *journal, const char *container, int64_t *ret_ends, struct error *err)
{
    const struct argument arguments[] = {{.text = container}};
    AUTO(statement)
    sqlite3_stmt *statement = journal_bind(journal, STATEMENT_LIFE_FIND, arguments, err);
    int found = statement ? journal_step(journal, statement, err) : -1;

    if (found < 0)
        return -1;
    *ret_ends = found ? sqlite3_column_int64(statement, 0) : 0;
    return 0;
}

int lives_extend(struct journal *journal, const char *container, int64_t ends, struct error *err)
{
    const struct argument arguments[] = {{.text = container}, {.number = ends}};
    int changes = 0;

    if (journal_run(journal, STATEMENT_LIFE_EXTEND, arguments, &changes, err))
        return -1;
    return changes ? 0 : fail(err, FAULT_INTERNAL, "journal: container %s has no end", container);
}

int lives_forget(struct journal *journal, const char *container, struct error *err)
{
    const struct argument arguments[] = {{.text = container}};

    return journal_run(journal, STATEMENT_LIFE_FORGET, arguments, NULL, err);
}

int lives_due(struct journal *journal, int64_t now, struct life *ret_lives, size_t most,
              size_t *ret_count, struct error *err)
{
    const struct argument arguments[] = {{.number = now}, {.number = (int64_t)most}};
    AUTO(statement)
    sqlite3_stmt *statement = journal_bind(journal, STATEMENT_LIVES_DUE, arguments, err);
    int more = statement ? journal_step(journal, statement, err) : -1;
    size_t count = 0;

    for (; more > 0 && count < most; more = journal_step(journal, statement, err)) {
        struct life *life = &ret_lives[count++];
        snprintf(life->container, sizeof(life->container), "%s", sqlite3_column_text(statement, 0));
        snprintf(life->user, sizeof(life->user), "%s", sqlite3_column_text(statement, 1));
        snprintf(life->name, sizeof(life->name), "%s", sqlite3_column_text(statement, 2));
        life->ends = sqlite3_column_int64(statement, 3);
    }
    if (more < 0)
        return -1;
    *ret_count = count;
    return 0;
}

int lives_postpone(struct journal *journal, const char *container, int64_t until, struct error *err)
{
    const struct argument arguments[] = {{.text = container}, {.number = until}};

    return journal_run(journal, STATEMENT_LIFE_POSTPONE, arguments, NULL, err);
}

int lives_look_again(struct journal *journal, const char *container, struct error *err)
{
    const struct argument arguments[] = {{.text = container}};

    return container ? journal_run(journal, STATEMENT_LIFE_LOOK_AGAIN, arguments, NULL, err)
                     : journal_run(journal, STATEMENT_LIVES_LOOK_AGAIN, NULL, NULL, err);
}
