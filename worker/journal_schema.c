/* The journal's tables, and what makes a journal of an earlier version one of a later one. */
#include "worker/journal_private.h"

#define SCHEMA_VERSION 8

/* begun and ended are milliseconds since the epoch. rowid tells the order in which requests were
 * begun, which a clock that is set back does not. */
static const char schema[] = "CREATE TABLE requests ("
                             "  id TEXT NOT NULL UNIQUE,"
                             "  user TEXT NOT NULL,"
                             "  op TEXT NOT NULL,"
                             "  hash TEXT NOT NULL,"
                             "  publisher TEXT NOT NULL,"
                             "  body TEXT NOT NULL,"
                             "  attempts INTEGER NOT NULL,"
                             "  begun INTEGER NOT NULL,"
                             "  container TEXT,"
                             "  ended INTEGER,"
                             "  result TEXT,"
                             "  recorded INTEGER NOT NULL DEFAULT 0,"
                             "  touched INTEGER NOT NULL DEFAULT 0"
                             ") STRICT;"
                             "CREATE INDEX unfinished ON requests (recorded) WHERE recorded = 0;"
                             "CREATE TABLE tombstones ("
                             "  container TEXT NOT NULL PRIMARY KEY,"
                             "  buried INTEGER NOT NULL"
                             ") STRICT, WITHOUT ROWID;"
                             "PRAGMA user_version = 2;";

/* Of version 1, which lacked it. */
static const char touched[] =
    "ALTER TABLE requests ADD COLUMN touched INTEGER NOT NULL DEFAULT 0; PRAGMA user_version = 2;";

/* ends and due are milliseconds since the epoch; due is when the keeper has to look. */
static const char lives[] = "CREATE TABLE lives ("
                            "  container TEXT NOT NULL PRIMARY KEY,"
                            "  user TEXT NOT NULL,"
                            "  name TEXT NOT NULL,"
                            "  ends INTEGER NOT NULL,"
                            "  due INTEGER NOT NULL"
                            ") STRICT, WITHOUT ROWID;"
                            "CREATE INDEX due ON lives (due);"
                            "PRAGMA user_version = 3;";

/* seq is this server's in the store once that had the result: a store that is behind it has lost
 * it. facts: of which generation the store is. */
static const char store[] = "ALTER TABLE requests ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;"
                            "CREATE TABLE facts ("
                            "  name TEXT NOT NULL PRIMARY KEY,"
                            "  value INTEGER NOT NULL"
                            ") STRICT, WITHOUT ROWID;"
                            "PRAGMA user_version = 4;";

static const char batches[] = "CREATE TABLE batches ("
                              "  user TEXT NOT NULL PRIMARY KEY"
                              ") STRICT, WITHOUT ROWID;"
                              "PRAGMA user_version = 5;";

/* history: the attempts that count, as JSON. parked is when somebody was asked to look at it. */
static const char parking[] = "ALTER TABLE requests ADD COLUMN history TEXT NOT NULL DEFAULT '[]';"
                              "ALTER TABLE requests ADD COLUMN parked INTEGER;"
                              "PRAGMA user_version = 6;";

/* address: which one it waits for; empty: it waits no more, by its user's word or because it could
 * not be started. */
static const char waits[] = "CREATE TABLE waits ("
                            "  container TEXT NOT NULL PRIMARY KEY,"
                            "  user TEXT NOT NULL,"
                            "  name TEXT NOT NULL,"
                            "  address TEXT NOT NULL"
                            ") STRICT, WITHOUT ROWID;"
                            "PRAGMA user_version = 7;";

/* What is taken away, as JSON, as its result shows it: nothing else knows that afterwards. */
static const char removed[] =
    "ALTER TABLE requests ADD COLUMN removed TEXT; PRAGMA user_version = 8;";

/* What makes a journal of each earlier version one of a later one; the first begins with nothing.
 */
static const char *const upgrades[SCHEMA_VERSION] = {
    schema, touched, lives, store, batches, parking, waits, removed,
};

static int read_version(sqlite3 *database, int *ret_version, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database, "PRAGMA user_version", -1, &statement, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    int version = code == SQLITE_ROW ? sqlite3_column_int(statement, 0) : -1;
    sqlite3_finalize(statement);
    if (version < 0)
        return journal_fail(database, err);
    *ret_version = version;
    return 0;
}

/* From where it is, found out under the write lock: another process may have been there first. */
static int apply_upgrades(sqlite3 *database, struct error *err)
{
    int version = 0;

    if (read_version(database, &version, err))
        return -1;
    while (version < SCHEMA_VERSION)
        if (journal_script(database, upgrades[version], err) ||
            read_version(database, &version, err))
            return -1;
    return 0;
}

static int upgrade(sqlite3 *database, struct error *err)
{
    if (journal_script(database, "BEGIN IMMEDIATE", err))
        return -1;
    if (apply_upgrades(database, err) || journal_script(database, "COMMIT", err)) {
        sqlite3_exec(database, "ROLLBACK", NULL, NULL, NULL);
        return -1;
    }
    return 0;
}

int journal_make_current(sqlite3 *database, struct error *err)
{
    int version = 0;

    if (read_version(database, &version, err))
        return -1;
    if (version < SCHEMA_VERSION &&
        (upgrade(database, err) || read_version(database, &version, err)))
        return -1;
    if (version != SCHEMA_VERSION)
        return fail(err, FAULT_INTERNAL, "journal: of version %d, this program knows %d", version,
                    SCHEMA_VERSION);
    return 0;
}
