/* What the journal knows of the store, and what a store that has lost data gets back. */
#include "tests/unit/journal_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "common/auto.h"
#include "common/error.h"

#include <cmocka.h>

struct visited {
    char digits[8]; /* the last ones of the ids, in their order */
    size_t count;
};

static int note(const struct request *request, const char *hash, const json_t *result,
                void *context, struct error *err)
{
    struct visited *visited = context;
    (void)err;
    assert_string_equal(hash, HASH);
    assert_non_null(json_object_get(result, "state"));
    visited->digits[visited->count++] = request->id[strlen(request->id) - 1];
    return 0;
}

static void assert_lost(struct journal *journal, uint64_t seq, int64_t since, const char *expected)
{
    struct visited visited = {0};
    assert_int_equal(journal_visit_lost(journal, seq, since, note, &visited, NULL), 0);
    assert_string_equal(visited.digits, expected);
}

static void ended(struct journal *journal, unsigned number, uint64_t seq)
{
    AUTO(request) struct request request = request_of(number);
    end(journal, &request, "done");
    if (seq)
        assert_int_equal(journal_recorded(journal, request.id, seq, NULL), 0);
}

static void a_new_journal_knows_no_store(void **state)
{
    AUTO(journal) struct journal *journal = open_journal(state);
    uint64_t generation = 1, seq = 1;
    assert_int_equal(journal_store(journal, &generation, &seq, NULL), 0);
    assert_int_equal(generation, 0);
    assert_int_equal(seq, 0);
}

static void the_highest_seq_is_the_stores(void **state)
{
    AUTO(journal) struct journal *journal = open_journal(state);
    uint64_t generation = 1, seq = 1;
    ended(journal, 1, 12);
    ended(journal, 2, 5);
    assert_int_equal(journal_store(journal, &generation, &seq, NULL), 0);
    assert_int_equal(seq, 12);
}

static void what_came_after_its_seq_is_what_a_store_lacks(void **state)
{
    AUTO(journal) struct journal *journal = open_journal(state);
    AUTO(request) struct request begun = request_of(4);
    ended(journal, 1, 5);
    ended(journal, 2, 9);
    ended(journal, 3, 0); /* not told to any store yet */
    begin(journal, &begun);
    assert_lost(journal, 0, 0, "123");
    assert_lost(journal, 5, 0, "23");
    assert_lost(journal, 9, 0, "3");
    assert_lost(journal, 0, INT64_MAX, ""); /* too long ago */
}

static void of_a_forgotten_user_a_store_gets_nothing(void **state)
{
    AUTO(journal) struct journal *journal = open_journal(state);
    bool left = true;
    ended(journal, 1, 5);
    ended(journal, 2, 9);
    assert_int_equal(journal_forget_user(journal, "bob", &left, NULL), 0);
    assert_false(left);
    assert_lost(journal, 0, 0, "12");
    assert_int_equal(journal_forget_user(journal, "alice", &left, NULL), 0);
    assert_false(left);
    assert_lost(journal, 0, 0, "");
    AUTO(request) struct request first = request_of(1);
    AUTO(journal_entry) struct journal_entry before = find(journal, first.id);
    assert_int_equal(before.state, JOURNAL_ENDED);
    assert_int_equal(journal_prune(journal, 1, NULL), 0);
    AUTO(journal_entry) struct journal_entry after = find(journal, first.id);
    assert_int_equal(after.state, JOURNAL_UNKNOWN);
}

static void what_a_forgotten_user_has_under_way_stays_until_it_is_recorded(void **state)
{
    AUTO(journal) struct journal *journal = open_journal(state);
    AUTO(request) struct request begun = request_of(1);
    AUTO(request) struct request unrecorded = request_of(2);
    bool left = false;
    begin(journal, &begun);
    ended(journal, 2, 0);
    assert_int_equal(journal_forget_user(journal, "alice", &left, NULL), 0);
    assert_true(left);
    assert_unfinished(journal, "12");
    ended(journal, 1, 5);
    assert_int_equal(journal_recorded(journal, unrecorded.id, 6, NULL), 0);
    assert_int_equal(journal_forget_user(journal, "alice", &left, NULL), 0);
    assert_false(left);
}

static void what_was_put_back_is_there_at_a_later_seq(void **state)
{
    AUTO(journal) struct journal *journal = open_journal(state);
    uint64_t generation = 0, seq = 0;
    ended(journal, 1, 5);
    ended(journal, 2, 9);
    assert_int_equal(journal_found(journal, 77, 7, 20, NULL), 0);
    assert_int_equal(journal_store(journal, &generation, &seq, NULL), 0);
    assert_int_equal(generation, 77);
    assert_int_equal(seq, 20);
    assert_lost(journal, 7, 0, "2");
    assert_lost(journal, 5, 0, "2");
    assert_int_equal(journal_found(journal, 78, 0, 30, NULL), 0);
    assert_lost(journal, 29, 0, "12");
}

static int refuse(const struct request *request, const char *hash, const json_t *result,
                  void *context, struct error *err)
{
    (void)request;
    (void)hash;
    (void)result;
    ++*(int *)context;
    err->fault = FAULT_DEPENDENCY;
    return -1;
}

static void a_store_that_is_away_ends_the_visit(void **state)
{
    AUTO(journal) struct journal *journal = open_journal(state);
    struct error err = {0};
    int visits = 0;
    ended(journal, 1, 5);
    ended(journal, 2, 9);
    assert_int_equal(journal_visit_lost(journal, 0, 0, refuse, &visits, &err), -1);
    assert_int_equal(err.fault, FAULT_DEPENDENCY);
    assert_int_equal(visits, 1);
}

static void began(struct journal *journal, unsigned number, enum op op, const char *result)
{
    AUTO(request) struct request request = request_of(number);
    request.op = op;
    begin(journal, &request);
    if (op == OP_IMAGE_COMMIT)
        assert_int_equal(journal_container(journal, request.id, CONTAINER, NULL), 0);
    if (result)
        end(journal, &request, result);
}

static bool left_paused(struct journal *journal)
{
    bool left = false;
    assert_int_equal(journal_left_paused(journal, CONTAINER, &left, NULL), 0);
    return left;
}

static void only_a_commit_that_died_leaves_a_container_paused(void **state)
{
    AUTO(journal) struct journal *journal = open_journal(state);
    assert_false(left_paused(journal));
    began(journal, 1, OP_IMAGE_COMMIT, "done");
    assert_false(left_paused(journal));
    began(journal, 2, OP_IMAGE_COMMIT, "unknown");
    assert_true(left_paused(journal));
    began(journal, 3, OP_IMAGE_COMMIT, NULL); /* one is under way, and sees to it itself */
    assert_false(left_paused(journal));
}

static void what_its_user_has_paused_since_stays_paused(void **state)
{
    AUTO(journal) struct journal *journal = open_journal(state);
    began(journal, 1, OP_CONTAINER_PAUSE, "done");
    began(journal, 2, OP_IMAGE_COMMIT, "unknown");
    assert_true(left_paused(journal));
    began(journal, 3, OP_CONTAINER_PAUSE, NULL);
    assert_false(left_paused(journal));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(a_new_journal_knows_no_store),
        JOURNAL_TEST(the_highest_seq_is_the_stores),
        JOURNAL_TEST(what_came_after_its_seq_is_what_a_store_lacks),
        JOURNAL_TEST(of_a_forgotten_user_a_store_gets_nothing),
        JOURNAL_TEST(what_a_forgotten_user_has_under_way_stays_until_it_is_recorded),
        JOURNAL_TEST(what_was_put_back_is_there_at_a_later_seq),
        JOURNAL_TEST(a_store_that_is_away_ends_the_visit),
        JOURNAL_TEST(only_a_commit_that_died_leaves_a_container_paused),
        JOURNAL_TEST(what_its_user_has_paused_since_stays_paused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
