/* What the journal knows of the store, and what a store that has lost data gets back from it. */
#include <string.h>

#include "common/auto.h"
#include "schemas/request.h"
#include "worker/journal_private.h"

#define GENERATION "generation"

/* The number in the first column of the first row; 0 where there is none. */
static int read_number(struct journal *journal, enum statement which,
                       const struct argument *arguments, uint64_t *ret_number, struct error *err)
{
    AUTO(statement) sqlite3_stmt *statement = journal_bind(journal, which, arguments, err);
    int found = statement ? journal_step(journal, statement, err) : -1;

    if (found < 0)
        return -1;
    *ret_number = found ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    return 0;
}

int journal_store(struct journal *journal, uint64_t *ret_generation, uint64_t *ret_seq,
                  struct error *err)
{
    const struct argument fact[] = {{.text = GENERATION}};
    uint64_t generation = 0, seq = 0;

    if (read_number(journal, STATEMENT_FACT, fact, &generation, err) ||
        read_number(journal, STATEMENT_HIGHEST, NULL, &seq, err))
        return -1;
    *ret_generation = generation;
    *ret_seq = seq;
    return 0;
}

/* The columns stand as STATEMENT_LOST names them. */
static int visit_row(sqlite3_stmt *row, journal_visit *visit, void *context, struct error *err)
{
    const char *id = (const char *)sqlite3_column_text(row, 0);
    const char *body = (const char *)sqlite3_column_text(row, 1);
    const char *hash = (const char *)sqlite3_column_text(row, 2);
    const char *text = (const char *)sqlite3_column_text(row, 3);
    AUTO(request) struct request request = {0};
    json_auto_t *result = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;

    if (!body || !hash || !result || request_decode(body, strlen(body), &request, err))
        return fail(err, FAULT_INTERNAL, "journal: request %s cannot be read", id ? id : "");
    return visit(&request, hash, result, context, err);
}

int journal_visit_lost(struct journal *journal, uint64_t seq, int64_t since, journal_visit *visit,
                       void *context, struct error *err)
{
    const struct argument arguments[] = {{.number = (int64_t)seq}, {.number = since}};
    AUTO(statement)
    sqlite3_stmt *statement = journal_bind(journal, STATEMENT_LOST, arguments, err);
    int more = statement ? journal_step(journal, statement, err) : -1;

    for (; more > 0; more = journal_step(journal, statement, err))
        if (visit_row(statement, visit, context, err))
            return -1;
    return more;
}

/* The generation last: a death between the two has it all done again. */
int journal_found(struct journal *journal, uint64_t generation, uint64_t seq, uint64_t now,
                  struct error *err)
{
    const struct argument found[] = {{.number = (int64_t)now}, {.number = (int64_t)seq}};
    const struct argument fact[] = {{.text = GENERATION}, {.number = (int64_t)generation}};

    if (journal_run(journal, STATEMENT_FOUND, found, NULL, err))
        return -1;
    return journal_run(journal, STATEMENT_SET_FACT, fact, NULL, err);
}

int journal_forget_user(struct journal *journal, const char *user, bool *ret_left,
                        struct error *err)
{
    const struct argument arguments[] = {{.text = user}};
    uint64_t left = 0;

    if (journal_run(journal, STATEMENT_FORGET_USER, arguments, NULL, err) ||
        read_number(journal, STATEMENT_USER_LEFT, arguments, &left, err))
        return -1;
    *ret_left = left != 0;
    return 0;
}

int journal_left_paused(struct journal *journal, const char *container, bool *ret_left,
                        struct error *err)
{
    const struct argument arguments[] = {{.text = container}};
    uint64_t found = 0;

    if (read_number(journal, STATEMENT_DEAD_COMMIT, arguments, &found, err))
        return -1;
    *ret_left = found != 0;
    return 0;
}
