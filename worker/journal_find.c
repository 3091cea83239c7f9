/* What the journal tells of a request, of those that are unfinished, and of a container. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "worker/journal_private.h"

void journal_entry_clear(struct journal_entry *entry)
{
    free(entry->body);
    json_decref(entry->removed);
    json_decref(entry->result);
    json_decref(entry->history);
    *entry = (struct journal_entry){0};
}

static int damaged(const char *id, const char *what, struct error *err)
{
    return fail(err, FAULT_INTERNAL, "journal: the %s of request %s cannot be read", what, id);
}

/* A column as text, "" for NULL. Borrowed until the next step. */
static const char *column_text(sqlite3_stmt *row, int column)
{
    const unsigned char *text = sqlite3_column_text(row, column);

    return text ? (const char *)text : "";
}

static int copy_column(sqlite3_stmt *row, int column, char *ret_text, size_t size)
{
    int length = snprintf(ret_text, size, "%s", column_text(row, column));

    return length >= 0 && (size_t)length < size ? 0 : -1;
}

/* NULL where the column is. */
static int read_column(sqlite3_stmt *row, int column, json_t **ret_document)
{
    const char *text = column_text(row, column);

    if (*text)
        *ret_document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    return *text && !*ret_document ? -1 : 0;
}

/* The columns stand as STATEMENT_FIND names them. */
static int read_entry(sqlite3_stmt *row, const char *id, struct journal_entry *entry,
                      struct error *err)
{
    const bool ended = *column_text(row, 5) != '\0';

    entry->state = ended ? JOURNAL_ENDED : JOURNAL_BEGUN;
    entry->attempts = (long)sqlite3_column_int64(row, 3);
    entry->recorded = sqlite3_column_int(row, 6) != 0;
    entry->begun = sqlite3_column_int64(row, 7);
    entry->touched = sqlite3_column_int(row, 8) != 0;
    entry->parked = ended ? 0 : sqlite3_column_int64(row, 10);
    if (op_from_name(column_text(row, 9), &entry->op))
        return damaged(id, "op", err);
    if (copy_column(row, 0, entry->hash, sizeof(entry->hash)))
        return damaged(id, "hash", err);
    if (copy_column(row, 1, entry->publisher, sizeof(entry->publisher)))
        return damaged(id, "publisher", err);
    if (copy_column(row, 4, entry->container, sizeof(entry->container)))
        return damaged(id, "container", err);
    entry->body = strdup(column_text(row, 2));
    if (!entry->body)
        return fail(err, FAULT_INTERNAL, "out of memory");
    if (read_column(row, 5, &entry->result))
        return damaged(id, "result", err);
    if (read_column(row, 11, &entry->history))
        return damaged(id, "history", err);
    if (read_column(row, 12, &entry->removed))
        return damaged(id, "removal", err);
    return 0;
}

int journal_find(struct journal *journal, const char *id, struct journal_entry *ret_entry,
                 struct error *err)
{
    const struct argument arguments[] = {{.text = id}};
    AUTO(statement)
    sqlite3_stmt *statement = journal_bind(journal, STATEMENT_FIND, arguments, err);
    AUTO(journal_entry) struct journal_entry entry = {0};
    int found = statement ? journal_step(journal, statement, err) : -1;

    if (found < 0 || (found && read_entry(statement, id, &entry, err)))
        return -1;
    *ret_entry = entry;
    entry = (struct journal_entry){0};
    return 0;
}

int journal_look(struct journal *journal, struct error *err)
{
    return journal_run(journal, STATEMENT_LOOK, NULL, NULL, err);
}

void journal_looked(struct journal *journal)
{
    struct error unheard;
    journal_run(journal, STATEMENT_LOOKED, NULL, NULL, &unheard);
}

int journal_unfinished(struct journal *journal, json_t **ret_requests, struct error *err)
{
    AUTO(statement)
    sqlite3_stmt *statement = journal_bind(journal, STATEMENT_UNFINISHED, NULL, err);
    json_auto_t *requests = json_array();
    int more = statement ? journal_step(journal, statement, err) : -1;

    for (; more > 0; more = journal_step(journal, statement, err)) {
        json_t *request =
            json_pack("{s:s, s:s, s:s, s:b}", "id", column_text(statement, 0), "publisher",
                      column_text(statement, 1), "body", column_text(statement, 2), "parked",
                      sqlite3_column_int(statement, 3));
        if (json_array_append_new(requests, request))
            return fail(err, FAULT_INTERNAL, "out of memory");
    }
    if (more < 0)
        return -1;
    *ret_requests = TAKE(requests);
    return 0;
}

int journal_replacer(struct journal *journal, const char *container, char ret_id[IDENTIFIER_SIZE],
                     bool *ret_ended, struct error *err)
{
    const struct argument arguments[] = {{.text = container}};
    AUTO(statement)
    sqlite3_stmt *statement = journal_bind(journal, STATEMENT_REPLACER, arguments, err);
    int found = statement ? journal_step(journal, statement, err) : -1;

    if (found < 0)
        return -1;
    if (found && copy_column(statement, 0, ret_id, IDENTIFIER_SIZE))
        return damaged(container, "recreate", err);
    if (!found)
        ret_id[0] = '\0';
    *ret_ended = found && sqlite3_column_int(statement, 1) != 0;
    return 0;
}

int journal_is_tombstone(struct journal *journal, const char *container, bool *ret_is,
                         struct error *err)
{
    const struct argument arguments[] = {{.text = container}};
    AUTO(statement)
    sqlite3_stmt *statement = journal_bind(journal, STATEMENT_IS_BURIED, arguments, err);
    int found = statement ? journal_step(journal, statement, err) : -1;

    if (found < 0)
        return -1;
    *ret_is = found;
    return 0;
}
