#include "worker/journal_waits.h"

#include <stdio.h>

#include "common/auto.h"
#include "worker/journal_private.h"

/* The columns stand as both statements name them. */
static void read_row(sqlite3_stmt *row, struct wait *ret_wait)
{
    snprintf(ret_wait->container, sizeof(ret_wait->container), "%s", sqlite3_column_text(row, 0));
    snprintf(ret_wait->user, sizeof(ret_wait->user), "%s", sqlite3_column_text(row, 1));
    snprintf(ret_wait->name, sizeof(ret_wait->name), "%s", sqlite3_column_text(row, 2));
    snprintf(ret_wait->address, sizeof(ret_wait->address), "%s", sqlite3_column_text(row, 3));
}

int waits_note(struct journal *journal, const char *container, const char *user, const char *name,
               const char *address, struct error *err)
{
    const struct argument arguments[] = {
        {.text = container}, {.text = user}, {.text = name}, {.text = address}};

    return journal_run(journal, STATEMENT_WAIT_NOTE, arguments, NULL, err);
}

int waits_find(struct journal *journal, const char *container, struct wait *ret_wait,
               bool *ret_found, struct error *err)
{
    const struct argument arguments[] = {{.text = container}};
    AUTO(statement)
    sqlite3_stmt *statement = journal_bind(journal, STATEMENT_WAIT_FIND, arguments, err);
    int found = statement ? journal_step(journal, statement, err) : -1;

    if (found < 0)
        return -1;
    if (found)
        read_row(statement, ret_wait);
    *ret_found = found;
    return 0;
}

int waits_forget(struct journal *journal, const char *container, struct error *err)
{
    const struct argument arguments[] = {{.text = container}};

    return journal_run(journal, STATEMENT_WAIT_FORGET, arguments, NULL, err);
}

int waits_addresses(struct journal *journal, json_t **ret_addresses, struct error *err)
{
    AUTO(statement)
    sqlite3_stmt *statement = journal_bind(journal, STATEMENT_WAIT_ADDRESSES, NULL, err);
    json_auto_t *addresses = json_array();
    int more = statement ? journal_step(journal, statement, err) : -1;

    for (; more > 0; more = journal_step(journal, statement, err))
        json_array_append_new(addresses,
                              json_string((const char *)sqlite3_column_text(statement, 0)));
    if (more < 0)
        return -1;
    *ret_addresses = TAKE(addresses);
    return 0;
}

int waits_for(struct journal *journal, const char *address, struct wait *ret_waits, size_t most,
              size_t *ret_count, struct error *err)
{
    const struct argument arguments[] = {{.text = address}, {.number = (int64_t)most}};
    AUTO(statement)
    sqlite3_stmt *statement = journal_bind(journal, STATEMENT_WAITS_FOR, arguments, err);
    int more = statement ? journal_step(journal, statement, err) : -1;
    size_t count = 0;

    for (; more > 0 && count < most; more = journal_step(journal, statement, err))
        read_row(statement, &ret_waits[count++]);
    if (more < 0)
        return -1;
    *ret_count = count;
    return 0;
}
