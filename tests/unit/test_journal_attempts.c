/* Attempts at one request: what the next one learns of the last, until it is parked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/members.h"
#include "tests/unit/journal_fixture.h"

#include <cmocka.h> /* last: it defines a macro fail() */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(what_a_removal_takes_away_is_shown_to_its_next_attempt),
        JOURNAL_TEST(beginning_again_counts_and_keeps_the_rest),
        JOURNAL_TEST(an_attempt_that_was_let_go_does_not_count),
        JOURNAL_TEST(attempts_are_remembered_with_their_ends),
        JOURNAL_TEST(what_is_parked_has_not_ended_and_begins_anew_with_a_clean_count),
        JOURNAL_TEST(a_commit_that_is_parked_may_have_left_its_container_paused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
