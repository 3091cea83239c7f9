/* A journal of an earlier version is made one of today's, with all that it holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/journal_fixture.h"
#include "worker/journal_lives.h"
#include "worker/journal_private.h"

#include <cmocka.h> /* last: it defines a macro fail() */

/* By what makes a journal of today one of an earlier version. */
static void assert_made_current(void *const *state, const char *undo)
{
    struct journal *journal = open_journal(state);
    struct request request = request_of(1);
    int64_t ends = -1;

    begin(journal, &request);
    assert_int_equal(sqlite3_exec(journal->database, undo, NULL, NULL, NULL), SQLITE_OK);
    journal_close(journal);

    journal = open_journal(state);
    assert_unfinished(journal, "1");
    assert_int_equal(journal_let_go(journal, request.id, true, NULL), 0);
    struct journal_entry entry = find(journal, request.id);
    assert_true(entry.touched);
    assert_int_equal(lives_find(journal, CONTAINER, &ends, NULL), 0);
    assert_int_equal(ends, 0);
    journal_entry_clear(&entry);
    assert_int_equal(journal_found(journal, 77, 0, 1, NULL), 0);
    request_clear(&request);
    journal_close(journal);
}

#define BEFORE_REMOVALS "ALTER TABLE requests DROP COLUMN removed;"
#define BEFORE_WAITS BEFORE_REMOVALS "DROP TABLE waits;"
#define BEFORE_PARKING                                                                             \
    BEFORE_WAITS                                                                                   \
    "ALTER TABLE requests DROP COLUMN history; ALTER TABLE requests DROP COLUMN parked;"
#define BEFORE_BATCHES "DROP TABLE batches;"
#define BEFORE_GENERATIONS "ALTER TABLE requests DROP COLUMN seq; DROP TABLE facts;"

static void a_journal_of_the_first_version_is_made_current(void **state)
{
    assert_made_current(state, BEFORE_PARKING BEFORE_BATCHES BEFORE_GENERATIONS
                        "DROP TABLE lives;"
                        "ALTER TABLE requests DROP COLUMN touched;"
                        "PRAGMA user_version = 1;");
}

static void a_journal_of_the_second_version_is_made_current(void **state)
{
    assert_made_current(state, BEFORE_PARKING BEFORE_BATCHES BEFORE_GENERATIONS
                        "DROP TABLE lives;"
                        "PRAGMA user_version = 2;");
}

static void a_journal_of_the_fourth_version_is_made_current(void **state)
{
    assert_made_current(state, BEFORE_PARKING BEFORE_BATCHES "PRAGMA user_version = 4;");
}

static void a_journal_of_the_fifth_version_is_made_current(void **state)
{
    assert_made_current(state, BEFORE_PARKING "PRAGMA user_version = 5;");
}

static void a_journal_of_the_sixth_version_is_made_current(void **state)
{
    assert_made_current(state, BEFORE_WAITS "PRAGMA user_version = 6;");
}

static void a_journal_of_the_seventh_version_is_made_current(void **state)
{
    assert_made_current(state, BEFORE_REMOVALS "PRAGMA user_version = 7;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(a_journal_of_the_first_version_is_made_current),
        JOURNAL_TEST(a_journal_of_the_second_version_is_made_current),
        JOURNAL_TEST(a_journal_of_the_fourth_version_is_made_current),
        JOURNAL_TEST(a_journal_of_the_fifth_version_is_made_current),
        JOURNAL_TEST(a_journal_of_the_sixth_version_is_made_current),
        JOURNAL_TEST(a_journal_of_the_seventh_version_is_made_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
