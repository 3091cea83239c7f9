#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "common/members.h"
#include "schemas/units.h"
#include "tests/unit/journal_fixture.h"
#include "worker/journal_lives.h"
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
static void only_what_was_just_made_does_not_wait_for_the_disk(void **state)
{
    struct journal *journal = open_journal(state);
    struct request request = request_of(1);
    sqlite3_stmt *mode = NULL;

    begin(journal, &request);
    assert_int_equal(journal_made(journal, request.id, CONTAINER, NULL), 0);
    struct journal_entry entry = find(journal, request.id);
    assert_string_equal(entry.container, CONTAINER);
    assert_int_equal(journal_made(journal, "nobody's", CONTAINER, NULL), -1);
    assert_int_equal(sqlite3_prepare_v2(journal->database, "PRAGMA synchronous", -1, &mode, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(mode), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(mode, 0), 2);
    sqlite3_finalize(mode);
    journal_entry_clear(&entry);
    request_clear(&request);
    journal_close(journal);
}

static void what_a_removal_takes_away_is_shown_to_its_next_attempt(void **state)
{
    struct journal *journal = open_journal(state);
    struct request request = request_of(1);
    json_auto_t *shown = json_pack("{s:s}", "name", "web");

    begin(journal, &request);
    assert_int_equal(journal_removal(journal, request.id, CONTAINER, shown, NULL), 0);
    struct journal_entry entry = find(journal, request.id);
    assert_string_equal(entry.container, CONTAINER);
    assert_true(json_equal(entry.removed, shown));
    journal_entry_clear(&entry);
    request_clear(&request);
    journal_close(journal);
}

static void wait_a_moment(void)
{
    const struct timespec moment = {.tv_nsec = 5000000};

    nanosleep(&moment, NULL);
}

static void beginning_again_counts_and_keeps_the_rest(void **state)
{
    struct journal *journal = open_journal(state);
    struct request request = request_of(1);

    begin(journal, &request);
    assert_int_equal(journal_container(journal, request.id, CONTAINER, NULL), 0);
    struct journal_entry first = find(journal, request.id);
    int64_t begun = 0;
    wait_a_moment();
    assert_int_equal(journal_begin(journal, &request, HASH, "other", "another body", &begun, NULL),
                     0);
    struct journal_entry entry = find(journal, request.id);
    assert_int_equal(begun, first.begun);
    assert_int_equal(entry.begun, first.begun);
    journal_entry_clear(&first);
    assert_int_equal(entry.attempts, 2);
    assert_string_equal(entry.container, CONTAINER);
    assert_string_equal(entry.publisher, "dcm-gate");
    assert_string_equal(entry.body, "{\"the\":\"body\"}");
    journal_entry_clear(&entry);
    request_clear(&request);
    journal_close(journal);
}

static void an_attempt_that_was_let_go_does_not_count(void **state)
{
    struct journal *journal = open_journal(state);
    struct request request = request_of(1);

    begin(journal, &request);
    struct journal_entry entry = find(journal, request.id);
    assert_false(journal_is_untouched(&entry)); /* nobody knows how far it has come */
    assert_true(entry.begun > 0);
    journal_entry_clear(&entry);
    assert_int_equal(journal_let_go(journal, request.id, false, NULL), 0);
    entry = find(journal, request.id);
    assert_int_equal(entry.state, JOURNAL_BEGUN);
    assert_int_equal(entry.attempts, 0);
    assert_true(journal_is_untouched(&entry));
    journal_entry_clear(&entry);

    begin(journal, &request);
    assert_int_equal(journal_let_go(journal, request.id, true, NULL), 0);
    begin(journal, &request);
    assert_int_equal(journal_let_go(journal, request.id, false, NULL), 0);
    entry = find(journal, request.id);
    assert_int_equal(entry.attempts, 0);
    assert_false(journal_is_untouched(&entry)); /* one of them has touched something */
    journal_entry_clear(&entry);
    request_clear(&request);
    journal_close(journal);
}

static const json_t *attempt_of(const struct journal_entry *entry, size_t index, size_t count)
{
    assert_int_equal(json_array_size(entry->history), count);
    return json_array_get(entry->history, index);
}

static void attempts_are_remembered_with_their_ends(void **state)
{
    struct journal *journal = open_journal(state);
    struct request request = request_of(1);

    begin(journal, &request);
    begin(journal, &request);
    assert_int_equal(journal_let_go(journal, request.id, true, NULL), 0);
    struct journal_entry entry = find(journal, request.id);
    const json_t *attempt = attempt_of(&entry, 0, 1);
    assert_int_equal(number_at(attempt, "begun"), entry.begun);
    assert_null(json_object_get(attempt, "end"));
    int64_t begun = entry.begun;
    journal_entry_clear(&entry);

    /* Not of one that had not come to be begun here; of this one; and only the first word counts.
     */
    assert_int_equal(journal_death(journal, request.id, begun + 1, 7, "later", NULL), 0);
    assert_int_equal(journal_death(journal, request.id, begun, 8, "killed", NULL), 0);
    assert_int_equal(journal_death(journal, request.id, begun, 9, "again", NULL), 0);
    begin(journal, &request);
    entry = find(journal, request.id);
    attempt = attempt_of(&entry, 0, 2);
    assert_int_equal(number_at(attempt, "ended"), 8);
    assert_string_equal(text_at(attempt, "end"), "killed");
    assert_null(json_object_get(attempt_of(&entry, 1, 2), "end"));
    journal_entry_clear(&entry);
    request_clear(&request);
    journal_close(journal);
}

static bool is_parked(struct journal *journal, const char *id)
{
    struct journal_entry entry = find(journal, id);
    bool parked = entry.parked != 0;
    journal_entry_clear(&entry);
    return parked;
}

static void what_is_parked_has_not_ended_and_begins_anew_with_a_clean_count(void **state)
{
    struct journal *journal = open_journal(state);
    struct request request = request_of(1);
    json_t *requests = NULL;

    for (int i = 0; i < 3; i++)
        begin(journal, &request);
    assert_false(is_parked(journal, request.id));
    assert_int_equal(journal_park(journal, request.id, NULL), 0);
    assert_true(is_parked(journal, request.id));
    assert_int_equal(journal_unfinished(journal, &requests, NULL), 0);
    assert_true(flag_at(json_array_get(requests, 0), "parked"));
    json_decref(requests);

    assert_int_equal(journal_unpark(journal, request.id, NULL), 0);
    struct journal_entry entry = find(journal, request.id);
    assert_int_equal(entry.state, JOURNAL_BEGUN);
    assert_int_equal(entry.attempts, 0);
    assert_false(journal_is_untouched(&entry)); /* whatever those attempts did */
    attempt_of(&entry, 0, 3);
    journal_entry_clear(&entry);

    assert_int_equal(journal_park(journal, request.id, NULL), 0);
    end(journal, &request, "unknown");
    assert_false(is_parked(journal, request.id));
    assert_int_equal(journal_park(journal, request.id, NULL), -1);
    assert_int_equal(journal_unpark(journal, request.id, NULL), -1);
    request_clear(&request);
    journal_close(journal);
}

static void a_commit_that_is_parked_may_have_left_its_container_paused(void **state)
{
    struct journal *journal = open_journal(state);
    struct request commit = request_of(1);
    bool left = false;

    commit.op = OP_IMAGE_COMMIT;
    begin(journal, &commit);
    assert_int_equal(journal_container(journal, commit.id, CONTAINER, NULL), 0);
    assert_int_equal(journal_left_paused(journal, CONTAINER, &left, NULL), 0);
    assert_false(left); /* it goes on */
    assert_int_equal(journal_park(journal, commit.id, NULL), 0);
    assert_int_equal(journal_left_paused(journal, CONTAINER, &left, NULL), 0);
    assert_true(left);
    request_clear(&commit);
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
        JOURNAL_TEST(only_what_was_just_made_does_not_wait_for_the_disk),
        JOURNAL_TEST(what_a_removal_takes_away_is_shown_to_its_next_attempt),
        JOURNAL_TEST(beginning_again_counts_and_keeps_the_rest),
        JOURNAL_TEST(an_attempt_that_was_let_go_does_not_count),
        JOURNAL_TEST(attempts_are_remembered_with_their_ends),
        JOURNAL_TEST(what_is_parked_has_not_ended_and_begins_anew_with_a_clean_count),
        JOURNAL_TEST(a_commit_that_is_parked_may_have_left_its_container_paused),
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
