/* What the journal's files share: SQLite, kept behind a few calls. journal.c writes a request down,
 * journal_find.c reads it, journal_file.c opens the file and runs SQLite, journal_statements.c has
 * the texts; what else there is has files of its own. */
#ifndef DCM_WORKER_JOURNAL_PRIVATE_H
#define DCM_WORKER_JOURNAL_PRIVATE_H

#include <sqlite3.h>
#include <stdint.h>

#include "worker/journal.h"

/* Every statement that the journal runs; its text is in journal_statements.c. */
enum statement {
    STATEMENT_LOOK,
    STATEMENT_LOOKED,
    STATEMENT_FIND,
    STATEMENT_BEGIN,
    STATEMENT_LET_GO,
    STATEMENT_DEATH,
    STATEMENT_PARK,
    STATEMENT_UNPARK,
    STATEMENT_CONTAINER,
    STATEMENT_REMOVAL,
    STATEMENT_END,
    STATEMENT_END_UNBEGUN,
    STATEMENT_RECORDED,
    STATEMENT_LOST,
    STATEMENT_FOUND,
    STATEMENT_HIGHEST,
    STATEMENT_FACT,
    STATEMENT_SET_FACT,
    STATEMENT_UNFINISHED,
    STATEMENT_REPLACER,
    STATEMENT_DEAD_COMMIT,
    STATEMENT_FORGET_USER,
    STATEMENT_USER_LEFT,
    STATEMENT_BURY,
    STATEMENT_IS_BURIED,
    STATEMENT_PRUNE,
    STATEMENT_PRUNE_TOMBSTONES,
    STATEMENT_LIFE_BEGIN,
    STATEMENT_LIFE_FIND,
    STATEMENT_LIFE_EXTEND,
    STATEMENT_LIFE_FORGET,
    STATEMENT_LIFE_POSTPONE,
    STATEMENT_LIFE_LOOK_AGAIN,
    STATEMENT_LIVES_LOOK_AGAIN,
    STATEMENT_LIVES_DUE,
    STATEMENT_WAIT_NOTE,
    STATEMENT_WAIT_FIND,
    STATEMENT_WAIT_FORGET,
    STATEMENT_WAIT_ADDRESSES,
    STATEMENT_WAITS_FOR,
    STATEMENT_BATCH_ADD,
    STATEMENT_BATCH_REMOVE,
    STATEMENT_BATCHES,
    STATEMENT_COUNT
};
extern const char *const journal_texts[STATEMENT_COUNT];

struct journal {
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENT_COUNT];
};

/* What stands for one ?: a text, or where that is NULL, the number. Borrowed until the last step.
 */
struct argument {
    const char *text;
    int64_t number;
};

/* The statement with its arguments, before its first step. NULL: *err says why. */
sqlite3_stmt *journal_bind(struct journal *journal, enum statement which,
                           const struct argument *arguments, struct error *err);
/* Ends the statement's use, and with it the read or write that it holds open. */
static inline void auto_statement(sqlite3_stmt **slot)
{
    if (*slot)
        sqlite3_reset(*slot);
}
/* The next row: 1 there is one, 0 there is none, -1 failure. */
int journal_step(struct journal *journal, sqlite3_stmt *statement, struct error *err);
/* Bind, run to the end, count the rows changed (may be NULL). */
int journal_run(struct journal *journal, enum statement which, const struct argument *arguments,
                int *ret_changes, struct error *err);

/* What SQLite says: FAULT_DEPENDENCY for what passes with time or with room, else FAULT_INTERNAL.
 */
int journal_fail(sqlite3 *database, struct error *err);
/* Statements without arguments and rows, separated by semicolons. */
int journal_script(sqlite3 *database, const char *script, struct error *err);
/* Make the tables, or upgrade those of an earlier version; a later one is refused. One process at a
 * time does so: the others find that it has been done. */
int journal_make_current(sqlite3 *database, struct error *err);

#endif
