/* Requests from beginning to end, and what is known and forgotten of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/members.h"
#include "schemas/units.h"
#include "tests/unit/journal_fixture.h"
#include "worker/journal_private.h"

#include <cmocka.h> /* last: it defines a macro fail() */

static void a_request_that_nobody_began_is_unknown(void **state)
{
    struct journal *journal = open_journal(state);
    struct journal_entry entry = find(journal, "0193a1b2-0000-7000-8000-000000000001");

    assert_int_equal(entry.state, JOURNAL_UNKNOWN);
    assert_null(entry.body);
    journal_entry_clear(&entry);
    assert_unfinished(journal, "");
    journal_close(journal);
}

static void what_was_begun_is_found_as_it_came(void **state)
{
    struct journal *journal = open_journal(state);
    struct request request = request_of(1);

    begin(journal, &request);
    assert_int_equal(journal_container(journal, request.id, CONTAINER, NULL), 0);
    journal_close(journal);

    journal = open_journal(state); /* as after a crash */
    struct journal_entry entry = find(journal, request.id);
    assert_int_equal(entry.state, JOURNAL_BEGUN);
    assert_string_equal(entry.hash, HASH);
    assert_string_equal(entry.publisher, "dcm-gate");
    assert_string_equal(entry.body, "{\"the\":\"body\"}");
    assert_string_equal(entry.container, CONTAINER);
    assert_int_equal(entry.attempts, 1);
    assert_false(entry.recorded);
    assert_null(entry.result);
    journal_entry_clear(&entry);
    request_clear(&request);
    journal_close(journal);
}

/* 2: every commit waits for the disk (https://www.sqlite.org/pragma.html#pragma_synchronous). */
static void the_journal_waits_for_the_disk_again_after_what_did_not(void **state)
{
    struct journal *journal = open_journal(state);
    struct request request = request_of(1);
    sqlite3_stmt *mode = NULL;

    begin(journal, &request);
    assert_int_equal(journal_made(journal, request.id, CONTAINER, NULL), 0);
    struct journal_entry entry = find(journal, request.id);
    assert_string_equal(entry.container, CONTAINER);
    assert_int_equal(journal_made(journal, "nobody's", CONTAINER, NULL), -1);
    end(journal, &request, "done");
    assert_int_equal(journal_recorded(journal, request.id, 1, NULL), 0);
    assert_int_equal(journal_recorded(journal, "nobody's", 1, NULL), -1);
    assert_int_equal(sqlite3_prepare_v2(journal->database, "PRAGMA synchronous", -1, &mode, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(mode), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(mode, 0), 2);
    sqlite3_finalize(mode);
    journal_entry_clear(&entry);
    request_clear(&request);
    journal_close(journal);
}

static void the_first_result_stays(void **state)
{
    struct journal *journal = open_journal(state);
    struct request request = request_of(1);

    begin(journal, &request);
    end(journal, &request, "done");
    end(journal, &request, "failed");
    struct journal_entry entry = find(journal, request.id);
    assert_int_equal(entry.state, JOURNAL_ENDED);
    assert_string_equal(text_at(entry.result, "state"), "done");
    assert_false(entry.recorded);
    journal_entry_clear(&entry);
    request_clear(&request);
    journal_close(journal);
}

static void a_request_may_end_that_was_not_begun(void **state)
{
    struct journal *journal = open_journal(state);
    struct request request = request_of(1);
    struct request read = {0};

    end(journal, &request, "refused");
    struct journal_entry entry = find(journal, request.id);
    assert_int_equal(entry.state, JOURNAL_ENDED);
    assert_string_equal(entry.hash, HASH);
    assert_int_equal(request_decode(entry.body, strlen(entry.body), &read, NULL), 0);
    assert_string_equal(read.id, request.id);
    assert_string_equal(read.user, "alice");
    journal_entry_clear(&entry);
    request_clear(&read);
    request_clear(&request);
    journal_close(journal);
}

static void the_unfinished_come_oldest_first(void **state)
{
    struct journal *journal = open_journal(state);

    for (unsigned number = 5; number > 0; number--) {
        struct request request = request_of(number);
        begin(journal, &request);
        if (number == 4 || number == 2)
            end(journal, &request, "done");
        if (number == 2)
            assert_int_equal(journal_recorded(journal, request.id, 7, NULL), 0);
        request_clear(&request);
    }
    assert_unfinished(journal, "5431"); /* 4 has ended, and the store does not know it */
    journal_close(journal);
}

static void what_is_not_there_cannot_be_changed(void **state)
{
    struct journal *journal = open_journal(state);
    struct request request = request_of(1);
    struct error err = {0};

    assert_int_equal(journal_container(journal, request.id, CONTAINER, &err), -1);
    assert_int_equal(err.fault, FAULT_INTERNAL);
    begin(journal, &request);
    assert_int_equal(journal_recorded(journal, request.id, 7, &err), -1); /* it has not ended */
    request_clear(&request);
    journal_close(journal);
}

static void a_tombstone_stays(void **state)
{
    struct journal *journal = open_journal(state);
    bool is = true;

    assert_int_equal(journal_is_tombstone(journal, CONTAINER, &is, NULL), 0);
    assert_false(is);
    assert_int_equal(journal_tombstone(journal, CONTAINER, NULL), 0);
    assert_int_equal(journal_tombstone(journal, CONTAINER, NULL), 0);
    assert_int_equal(journal_is_tombstone(journal, CONTAINER, &is, NULL), 0);
    assert_true(is);
    journal_close(journal);
}

static void the_last_recreate_of_a_container_is_known(void **state)
{
    struct journal *journal = open_journal(state);
    struct request requests[] = {request_of(1), request_of(2), request_of(3)};
    char id[IDENTIFIER_SIZE] = "untouched";
    bool ended = true;

    assert_int_equal(journal_replacer(journal, CONTAINER, id, &ended, NULL), 0);
    assert_string_equal(id, "");
    assert_false(ended);
    for (size_t i = 0; i < 3; i++) {
        requests[i].op = i < 2 ? OP_CONTAINER_RECREATE : OP_CONTAINER_STOP;
        begin(journal, &requests[i]);
        assert_int_equal(journal_container(journal, requests[i].id, CONTAINER, NULL), 0);
    }
    assert_int_equal(journal_replacer(journal, CONTAINER, id, &ended, NULL), 0);
    assert_string_equal(id, requests[1].id);
    assert_false(ended);
    end(journal, &requests[1], "failed");
    assert_int_equal(journal_replacer(journal, CONTAINER, id, &ended, NULL), 0);
    assert_true(ended);
    for (size_t i = 0; i < 3; i++)
        request_clear(&requests[i]);
    journal_close(journal);
}

static void only_what_is_over_is_forgotten(void **state)
{
    struct journal *journal = open_journal(state);
    struct request requests[] = {request_of(1), request_of(2), request_of(3)};
    bool is = true;

    for (size_t i = 0; i < 3; i++)
        begin(journal, &requests[i]);
    end(journal, &requests[1], "done");
    end(journal, &requests[2], "done");
    assert_int_equal(journal_recorded(journal, requests[2].id, 7, NULL), 0);
    assert_int_equal(journal_tombstone(journal, CONTAINER, NULL), 0);

    assert_int_equal(journal_prune(journal, timestamp_now() - 60000, NULL), 0);
    struct journal_entry entry = find(journal, requests[2].id);
    assert_int_equal(entry.state, JOURNAL_ENDED); /* too young */
    journal_entry_clear(&entry);
    assert_int_equal(journal_prune(journal, timestamp_now() + 60000, NULL), 0);
    entry = find(journal, requests[2].id);
    assert_int_equal(entry.state, JOURNAL_UNKNOWN);
    assert_unfinished(journal, "12");
    assert_int_equal(journal_is_tombstone(journal, CONTAINER, &is, NULL), 0);
    assert_false(is);
    for (size_t i = 0; i < 3; i++)
        request_clear(&requests[i]);
    journal_close(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(a_request_that_nobody_began_is_unknown),
        JOURNAL_TEST(what_was_begun_is_found_as_it_came),
        JOURNAL_TEST(the_journal_waits_for_the_disk_again_after_what_did_not),
        JOURNAL_TEST(the_first_result_stays),
        JOURNAL_TEST(a_request_may_end_that_was_not_begun),
        JOURNAL_TEST(the_unfinished_come_oldest_first),
        JOURNAL_TEST(what_is_not_there_cannot_be_changed),
        JOURNAL_TEST(a_tombstone_stays),
        JOURNAL_TEST(the_last_recreate_of_a_container_is_known),
        JOURNAL_TEST(only_what_is_over_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
