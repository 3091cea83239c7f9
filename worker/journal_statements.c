/* What the journal asks of SQLite, a row for each statement; the tables are in journal_schema.c. */
#include "worker/journal_private.h"

const char *const journal_texts[STATEMENT_COUNT] = {
    [STATEMENT_LOOK] = "BEGIN",
    [STATEMENT_LOOKED] = "COMMIT",
    [STATEMENT_FIND] = "SELECT hash, publisher, body, attempts, container, result, recorded,"
                       " begun, touched, op, parked, history, removed FROM requests WHERE id = ?",
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
    [STATEMENT_REMOVAL] = "UPDATE requests SET container = ?, removed = ? WHERE id = ?",
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
