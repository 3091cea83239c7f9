#include "worker/journal_private.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "common/auto.h"

#define BUSY_MS 5000
#define BUSY_STEP_MS 20
#define SCHEMA_VERSION 7

/* Small, for every runner holds a connection: 256 KiB of cache in place of 2 MiB. */
static const char settings[] = "PRAGMA synchronous = FULL;"
                               "PRAGMA cache_size = -256;"
                               "PRAGMA trusted_schema = OFF;";

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

static const char touched[] =
    "ALTER TABLE requests ADD COLUMN touched INTEGER NOT NULL DEFAULT 0; PRAGMA user_version = 2;";

/* What makes a journal of each earlier version one of a later one; the first begins with nothing.
 */
static const char *const upgrades[SCHEMA_VERSION] = {
    schema, touched, lives, store, batches, parking, waits,
};

static const char *const texts[STATEMENT_COUNT] = {
    [STATEMENT_LOOK] = "BEGIN",
    [STATEMENT_LOOKED] = "COMMIT",
    [STATEMENT_FIND] = "SELECT hash, publisher, body, attempts, container, result, recorded,"
                       " begun, touched, op, parked, history FROM requests WHERE id = ?",
    [STATEMENT_BEGIN] =
        "INSERT INTO requests (id, user, op, hash, publisher, body, attempts, begun, history)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, json_array(json_object('begun', ?7)))"
        " ON CONFLICT (id) DO UPDATE SET attempts = attempts + 1,"
        "   history = json_insert(history, '$[#]', json_object('begun', ?7)) RETURNING begun",
    [STATEMENT_LET_GO] = "UPDATE requests SET attempts = attempts - 1, touched = touched OR ?,"
                         " history = json_remove(history, '$[#-1]') WHERE id = ?",
    [STATEMENT_DEATH] = "UPDATE requests SET"
                        " history = json_set(history, '$[#-1].ended', ?3, '$[#-1].end', ?4)"
                        " WHERE id = ?1 AND json_extract(history, '$[#-1].begun') >= ?2"
                        " AND json_extract(history, '$[#-1].ended') IS NULL",
    [STATEMENT_PARK] = "UPDATE requests SET parked = ? WHERE id = ? AND ended IS NULL",
    [STATEMENT_UNPARK] = "UPDATE requests SET parked = NULL, attempts = 0, touched = 1"
                         " WHERE id = ? AND ended IS NULL",
    [STATEMENT_CONTAINER] = "UPDATE requests SET container = ? WHERE id = ?",
    [STATEMENT_END] = "UPDATE requests SET result = ?, ended = ? WHERE id = ? AND ended IS NULL",
    [STATEMENT_END_UNBEGUN] =
        "INSERT INTO requests (id, user, op, hash, publisher, body, attempts, begun, result, ended)"
        " VALUES (?1, ?2, ?3, ?4, '', ?5, 1, ?7, ?6, ?7) ON CONFLICT (id) DO NOTHING",
    [STATEMENT_RECORDED] = "UPDATE requests SET recorded = 1, seq = ?"
                           " WHERE id = ? AND ended IS NOT NULL",
    [STATEMENT_LOST] = "SELECT id, body, hash, result FROM requests"
                       " WHERE (recorded = 0 OR seq > ?) AND ended > ? ORDER BY rowid",
    [STATEMENT_FOUND] = "UPDATE requests SET seq = ? WHERE recorded = 1 AND seq > ?",
    [STATEMENT_HIGHEST] = "SELECT max(seq) FROM requests",
    [STATEMENT_FACT] = "SELECT value FROM facts WHERE name = ?",
    [STATEMENT_SET_FACT] = "INSERT INTO facts (name, value) VALUES (?, ?)"
                           " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    [STATEMENT_UNFINISHED] = "SELECT id, publisher, body, parked IS NOT NULL FROM requests"
                             " WHERE recorded = 0"
                             " ORDER BY rowid",
    [STATEMENT_REPLACER] = "SELECT id, ended IS NOT NULL FROM requests"
                           " WHERE container = ? AND op = 'container.recreate'"
                           " ORDER BY rowid DESC LIMIT 1",
    [STATEMENT_DEAD_COMMIT] =
        "SELECT 1 FROM (SELECT rowid AS at, user, ended, result, parked FROM requests"
        "   WHERE container = ? AND op = 'image.commit' ORDER BY rowid DESC LIMIT 1) AS last"
        " WHERE (parked IS NOT NULL OR ended IS NOT NULL)"
        " AND coalesce(json_extract(result, '$.state'), '') <> 'done'"
        " AND NOT EXISTS (SELECT 1 FROM requests WHERE requests.user = last.user"
        "   AND op = 'container.pause' AND rowid > at)",
    [STATEMENT_FORGET_USER] = "UPDATE requests SET ended = 0 WHERE user = ? AND recorded = 1",
    [STATEMENT_USER_LEFT] = "SELECT count(*) FROM requests WHERE user = ? AND recorded = 0",
    [STATEMENT_BURY] = "INSERT INTO tombstones (container, buried) VALUES (?, ?)"
                       " ON CONFLICT (container) DO NOTHING",
    [STATEMENT_IS_BURIED] = "SELECT 1 FROM tombstones WHERE container = ?",
    [STATEMENT_PRUNE] = "DELETE FROM requests WHERE recorded = 1 AND ended < ?",
    [STATEMENT_PRUNE_TOMBSTONES] = "DELETE FROM tombstones WHERE buried < ?",
    [STATEMENT_LIFE_BEGIN] = "INSERT INTO lives (container, user, name, ends, due)"
                             " VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT (container) DO NOTHING",
    [STATEMENT_LIFE_FIND] = "SELECT ends FROM lives WHERE container = ?",
    [STATEMENT_LIFE_EXTEND] = "UPDATE lives SET ends = ?2, due = ?2 WHERE container = ?1",
    [STATEMENT_LIFE_FORGET] = "DELETE FROM lives WHERE container = ?",
    [STATEMENT_LIFE_POSTPONE] = "UPDATE lives SET due = ?2 WHERE container = ?1",
    [STATEMENT_LIFE_LOOK_AGAIN] = "UPDATE lives SET due = ends WHERE container = ? AND due > ends",
    [STATEMENT_LIVES_LOOK_AGAIN] = "UPDATE lives SET due = ends WHERE due > ends",
    [STATEMENT_LIVES_DUE] = "SELECT container, user, name, ends FROM lives WHERE due <= ?"
                            " ORDER BY due LIMIT ?",
    [STATEMENT_WAIT_NOTE] = "INSERT INTO waits (container, user, name, address) VALUES (?, ?, ?, ?)"
                            " ON CONFLICT (container) DO UPDATE SET address = excluded.address",
    [STATEMENT_WAIT_FIND] = "SELECT container, user, name, address FROM waits WHERE container = ?",
    [STATEMENT_WAIT_FORGET] = "DELETE FROM waits WHERE container = ?",
    [STATEMENT_WAIT_ADDRESSES] = "SELECT DISTINCT address FROM waits WHERE address <> ''",
    [STATEMENT_WAITS_FOR] = "SELECT container, user, name, address FROM waits WHERE address = ?"
                            " ORDER BY random() LIMIT ?",
    [STATEMENT_BATCH_ADD] = "INSERT INTO batches (user) VALUES (?) ON CONFLICT DO NOTHING",
    [STATEMENT_BATCH_REMOVE] = "DELETE FROM batches WHERE user = ?",
    [STATEMENT_BATCHES] = "SELECT user FROM batches ORDER BY user",
};

/* What passes with time, or once somebody has made room. Everything else is damage, or ours. */
static bool is_passing(int code)
{
    static const int passing[] = {SQLITE_BUSY, SQLITE_LOCKED, SQLITE_FULL, SQLITE_IOERR,
                                  SQLITE_NOMEM};

    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
        if ((code & 0xff) == passing[i]) /* the high bits only say more of the same */
            return true;
    return false;
}

static int fail_journal(sqlite3 *database, struct error *err)
{
    int code = sqlite3_errcode(database);

    return fail(err, is_passing(code) ? FAULT_DEPENDENCY : FAULT_INTERNAL, "journal: %s",
                sqlite3_errmsg(database));
}

sqlite3_stmt *journal_bind(struct journal *journal, enum statement which,
                           const struct argument *arguments, struct error *err)
{
    sqlite3_stmt *statement = journal->statements[which];
    int count = sqlite3_bind_parameter_count(statement);
    int code = SQLITE_OK;

    for (int i = 0; i < count && code == SQLITE_OK; i++)
        code = arguments[i].text
                   ? sqlite3_bind_text(statement, i + 1, arguments[i].text, -1, SQLITE_STATIC)
                   : sqlite3_bind_int64(statement, i + 1, arguments[i].number);
    if (code == SQLITE_OK)
        return statement;
    fail_journal(journal->database, err);
    return NULL;
}

int journal_step(struct journal *journal, sqlite3_stmt *statement, struct error *err)
{
    int code = sqlite3_step(statement);

    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return code == SQLITE_ROW;
    return fail_journal(journal->database, err);
}

int journal_run(struct journal *journal, enum statement which, const struct argument *arguments,
                int *ret_changes, struct error *err)
{
    AUTO(statement) sqlite3_stmt *statement = journal_bind(journal, which, arguments, err);

    if (!statement || journal_step(journal, statement, err) < 0)
        return -1;
    if (ret_changes)
        *ret_changes = sqlite3_changes(journal->database);
    return 0;
}

static int run_script(sqlite3 *database, const char *script, struct error *err)
{
    return sqlite3_exec(database, script, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : fail_journal(database, err);
}

/* The busy handler does not cover this change: two processes that make the journal at once would
 * each wait for the other's lock, so SQLite fails one of them at once (sqlite3_busy_handler); or it
 * finds that the other has just deleted the file that it meant to (SQLITE_IOERR_DELETE_NOENT). */
static int use_wal(sqlite3 *database, struct error *err)
{
    const struct timespec pause = {.tv_nsec = BUSY_STEP_MS * 1000000L};
    int code = SQLITE_BUSY;

    for (int waited = 0; code != SQLITE_OK && is_passing(code) && waited < BUSY_MS;
         waited += BUSY_STEP_MS) {
        if (waited > 0)
            nanosleep(&pause, NULL);
        code = sqlite3_exec(database, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    }
    return code == SQLITE_OK ? 0 : fail_journal(database, err);
}

static int read_version(sqlite3 *database, int *ret_version, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database, "PRAGMA user_version", -1, &statement, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    int version = code == SQLITE_ROW ? sqlite3_column_int(statement, 0) : -1;
    sqlite3_finalize(statement);
    if (version < 0)
        return fail_journal(database, err);
    *ret_version = version;
    return 0;
}

/* From where it is, found out under the write lock: another process may have been there first. */
static int make_current(sqlite3 *database, struct error *err)
{
    int version = 0;

    if (read_version(database, &version, err))
        return -1;
    while (version < SCHEMA_VERSION)
        if (run_script(database, upgrades[version], err) || read_version(database, &version, err))
            return -1;
    return 0;
}

static int upgrade(sqlite3 *database, struct error *err)
{
    if (run_script(database, "BEGIN IMMEDIATE", err))
        return -1;
    if (make_current(database, err) || run_script(database, "COMMIT", err)) {
        sqlite3_exec(database, "ROLLBACK", NULL, NULL, NULL);
        return -1;
    }
    return 0;
}

static int prepare(struct journal *journal, struct error *err)
{
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        if (sqlite3_prepare_v3(journal->database, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &journal->statements[i], NULL) != SQLITE_OK)
            return fail_journal(journal->database, err);
    return 0;
}

static int set_up(struct journal *journal, struct error *err)
{
    sqlite3 *database = journal->database;
    int version = 0;

    sqlite3_busy_timeout(database, BUSY_MS);
    if (use_wal(database, err) || run_script(database, settings, err) ||
        read_version(database, &version, err))
        return -1;
    if (version < SCHEMA_VERSION &&
        (upgrade(database, err) || read_version(database, &version, err)))
        return -1;
    if (version != SCHEMA_VERSION)
        return fail(err, FAULT_INTERNAL, "journal: of version %d, this program knows %d", version,
                    SCHEMA_VERSION);
    return prepare(journal, err);
}

int journal_open(const char *path, struct journal **ret_journal, struct error *err)
{
    AUTO(journal) struct journal *journal = calloc(1, sizeof(*journal));
    if (!journal)
        return fail(err, FAULT_INTERNAL, "out of memory");

    /* The file gets its mode from the umask, and the WAL its mode from the file. To open the file
     * ourselves first would not do: closing it again drops SQLite's locks (fcntl(2)). */
    mode_t mask = umask(S_IRWXG | S_IRWXO);
    int code =
        sqlite3_open_v2(path, &journal->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    umask(mask);
    if (code != SQLITE_OK)
        fail(err, is_passing(code) ? FAULT_DEPENDENCY : FAULT_INTERNAL, "journal: %s",
             sqlite3_errstr(code));
    if (code != SQLITE_OK || set_up(journal, err))
        return fail_while(err, "%s", path);
    *ret_journal = TAKE(journal);
    return 0;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(journal->statements[i]);
    sqlite3_close(journal->database);
    free(journal);
}
