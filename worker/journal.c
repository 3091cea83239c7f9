/* What is written down of a request from its beginning to its end, and when it is forgotten. */
#include "common/auto.h"
#include "schemas/units.h"
#include "worker/journal_private.h"

int journal_begin(struct journal *journal, const struct request *request, const char *hash,
                  const char *publisher, const char *body, int64_t *ret_begun, struct error *err)
{
    const struct argument arguments[] = {
        {.text = request->id},
        {.text = request->user},
        {.text = op_name(request->op)},
        {.text = hash},
        {.text = publisher},
        {.text = body},
        {.number = timestamp_now()},
    };

    AUTO(statement)
    sqlite3_stmt *statement = journal_bind(journal, STATEMENT_BEGIN, arguments, err);

    if (!statement || journal_step(journal, statement, err) < 0)
        return -1;
    int64_t begun = sqlite3_column_int64(statement, 0);
    /* The row comes before the commit: only the step to the end says whether that succeeded. */
    if (journal_step(journal, statement, err) < 0)
        return -1;
    if (ret_begun)
        *ret_begun = begun;
    return 0;
}

/* An update of a request that has to be there. */
static int update(struct journal *journal, enum statement which, const struct argument *arguments,
                  const char *id, struct error *err)
{
    int changes = 0;

    if (journal_run(journal, which, arguments, &changes, err))
        return -1;
    return changes ? 0 : fail(err, FAULT_INTERNAL, "journal: request %s is not there", id);
}

int journal_let_go(struct journal *journal, const char *id, bool touched, struct error *err)
{
    const struct argument arguments[] = {{.number = touched}, {.text = id}};

    return update(journal, STATEMENT_LET_GO, arguments, id, err);
}

int journal_death(struct journal *journal, const char *id, int64_t since, int64_t ended,
                  const char *end, struct error *err)
{
    const struct argument arguments[] = {
        {.text = id}, {.number = since}, {.number = ended}, {.text = end}};

    return journal_run(journal, STATEMENT_DEATH, arguments, NULL, err);
}

int journal_park(struct journal *journal, const char *id, struct error *err)
{
    const struct argument arguments[] = {{.number = timestamp_now()}, {.text = id}};

    return update(journal, STATEMENT_PARK, arguments, id, err);
}

int journal_unpark(struct journal *journal, const char *id, struct error *err)
{
    const struct argument arguments[] = {{.text = id}};

    return update(journal, STATEMENT_UNPARK, arguments, id, err);
}

int journal_container(struct journal *journal, const char *id, const char *container,
                      struct error *err)
{
    const struct argument arguments[] = {{.text = container}, {.text = id}};

    return update(journal, STATEMENT_CONTAINER, arguments, id, err);
}

/* Without waiting for the disk: what comes next there takes it along. */
static int note(struct journal *journal, enum statement which, const struct argument *arguments,
                const char *id, struct error *err)
{
    if (journal_script(journal->database, "PRAGMA synchronous = NORMAL", err))
        return -1;
    int status = update(journal, which, arguments, id, err);
    /* It cannot fail, or the connection is of no use any more. */
    if (journal_script(journal->database, "PRAGMA synchronous = FULL", status ? NULL : err))
        return -1;
    return status;
}

int journal_made(struct journal *journal, const char *id, const char *container, struct error *err)
{
    const struct argument arguments[] = {{.text = container}, {.text = id}};

    return note(journal, STATEMENT_CONTAINER, arguments, id, err);
}

int journal_removal(struct journal *journal, const char *id, const char *container,
                    const json_t *removed, struct error *err)
{
    AUTO(string) char *text = json_dumps(removed, JSON_COMPACT);

    if (!text)
        return fail(err, FAULT_INTERNAL, "what request %s removes cannot be written", id);
    const struct argument arguments[] = {{.text = container}, {.text = text}, {.text = id}};
    return update(journal, STATEMENT_REMOVAL, arguments, id, err);
}

int journal_recorded(struct journal *journal, const char *id, uint64_t seq, struct error *err)
{
    const struct argument arguments[] = {{.number = (int64_t)seq}, {.text = id}};

    return note(journal, STATEMENT_RECORDED, arguments, id, err);
}

/* Two statements without a transaction around them: each is whole by itself, and a request is one
 * process's at a time. */
int journal_end(struct journal *journal, const struct request *request, const char *hash,
                const json_t *result, struct error *err)
{
    AUTO(string) char *text = json_dumps(result, JSON_COMPACT);
    AUTO(string) char *body = NULL;
    const int64_t now = timestamp_now();
    int changes = 0;

    if (!text)
        return fail(err, FAULT_INTERNAL, "the result of request %s cannot be written", request->id);
    const struct argument ending[] = {{.text = text}, {.number = now}, {.text = request->id}};
    if (journal_run(journal, STATEMENT_END, ending, &changes, err))
        return -1;
    if (changes)
        return 0;
    /* Not begun, or ended already, in which case the insertion does nothing. */
    if (request_encode(request, &body, err))
        return -1;
    const struct argument whole[] = {
        {.text = request->id}, {.text = request->user}, {.text = op_name(request->op)},
        {.text = hash},        {.text = body},          {.text = text},
        {.number = now},
    };
    return journal_run(journal, STATEMENT_END_UNBEGUN, whole, NULL, err);
}

int journal_tombstone(struct journal *journal, const char *container, struct error *err)
{
    const struct argument arguments[] = {{.text = container}, {.number = timestamp_now()}};

    return journal_run(journal, STATEMENT_BURY, arguments, NULL, err);
}

int journal_prune(struct journal *journal, int64_t before, struct error *err)
{
    const struct argument arguments[] = {{.number = before}};

    if (journal_run(journal, STATEMENT_PRUNE, arguments, NULL, err))
        return -1;
    return journal_run(journal, STATEMENT_PRUNE_TOMBSTONES, arguments, NULL, err);
}
