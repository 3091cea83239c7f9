#include "worker/journal_private.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "common/auto.h"
#include "common/count.h"

#define BUSY_MS 5000
#define BUSY_STEP_MS 20

/* Small, for every runner holds a connection: 256 KiB of cache in place of 2 MiB. */
static const char settings[] = "PRAGMA synchronous = FULL;"
                               "PRAGMA cache_size = -256;"
                               "PRAGMA trusted_schema = OFF;";

/* What passes with time, or once somebody has made room. Everything else is damage, or ours. */
static bool is_passing(int code)
{
    static const int passing[] = {SQLITE_BUSY, SQLITE_LOCKED, SQLITE_FULL, SQLITE_IOERR,
                                  SQLITE_NOMEM};

    for (size_t i = 0; i < COUNT(passing); i++)
        if ((code & 0xff) == passing[i]) /* the high bits only say more of the same */
            return true;
    return false;
}

int journal_fail(sqlite3 *database, struct error *err)
{
    int code = sqlite3_errcode(database);

    return fail(err, is_passing(code) ? FAULT_DEPENDENCY : FAULT_INTERNAL, "journal: %s",
                sqlite3_errmsg(database));
}

/* Prepared when it is first asked for: each is 3 KB, and most processes need a few. */
static int prepare(struct journal *journal, enum statement which)
{
    sqlite3_stmt **slot = &journal->statements[which];
    return *slot ? SQLITE_OK
                 : sqlite3_prepare_v3(journal->database, journal_texts[which], -1,
                                      SQLITE_PREPARE_PERSISTENT, slot, NULL);
}

sqlite3_stmt *journal_bind(struct journal *journal, enum statement which,
                           const struct argument *arguments, struct error *err)
{
    int code = prepare(journal, which);
    sqlite3_stmt *statement = journal->statements[which];
    int count = sqlite3_bind_parameter_count(statement);

    for (int i = 0; i < count && code == SQLITE_OK; i++)
        code = arguments[i].text
                   ? sqlite3_bind_text(statement, i + 1, arguments[i].text, -1, SQLITE_STATIC)
                   : sqlite3_bind_int64(statement, i + 1, arguments[i].number);
    if (code == SQLITE_OK)
        return statement;
    journal_fail(journal->database, err);
    return NULL;
}

int journal_step(struct journal *journal, sqlite3_stmt *statement, struct error *err)
{
    int code = sqlite3_step(statement);

    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return code == SQLITE_ROW;
    return journal_fail(journal->database, err);
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

int journal_script(sqlite3 *database, const char *script, struct error *err)
{
    return sqlite3_exec(database, script, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : journal_fail(database, err);
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
    return code == SQLITE_OK ? 0 : journal_fail(database, err);
}

static int set_up(sqlite3 *database, struct error *err)
{
    /* 48 KiB in each process, for speed that nobody needs (www.sqlite.org/malloc.html#lookaside).
     */
    sqlite3_db_config(database, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
    sqlite3_busy_timeout(database, BUSY_MS);
    return use_wal(database, err) || journal_script(database, settings, err) ||
                   journal_make_current(database, err)
               ? -1
               : 0;
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
    if (code != SQLITE_OK || set_up(journal->database, err))
        return fail_while(err, "%s", path);
    *ret_journal = TAKE(journal);
    return 0;
}

void journal_rest(struct journal *journal)
{
    sqlite3_db_release_memory(journal->database);
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
