/* Containers' ends: when each has to be looked at, and what outlives a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tests/unit/journal_fixture.h"
#include "worker/journal_lives.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define MOST 4

static struct life life_of(char letter, int64_t ends)
{
    struct life life = {.user = "alice", .name = "web", .ends = ends};

    memset(life.container, letter, sizeof(life.container) - 1);
    return life;
}

static void begin_life(struct journal *journal, char letter, int64_t ends)
{
    struct life life = life_of(letter, ends);

    assert_int_equal(lives_begin(journal, &life, NULL), 0);
}

static void assert_ends(struct journal *journal, char letter, int64_t expected)
{
    struct life life = life_of(letter, 0);
    int64_t ends = -1;

    assert_int_equal(lives_find(journal, life.container, &ends, NULL), 0);
    assert_int_equal(ends, expected);
}

/* expected: a letter for each container, in order. */
static void assert_due(struct journal *journal, int64_t now, const char *expected)
{
    struct life lives[MOST] = {0};
    size_t count = 99;
    char found[MOST + 1] = "";

    assert_int_equal(lives_due(journal, now, lives, MOST, &count, NULL), 0);
    assert_in_range(count, 0, MOST);
    for (size_t i = 0; i < count; i++)
        found[i] = lives[i].container[0];
    assert_string_equal(found, expected);
}

static void without_a_row_there_is_no_end(void **state)
{
    struct journal *journal = open_journal(state);
    struct life life = life_of('a', 0);
    struct error err = {0};

    assert_ends(journal, 'a', 0);
    assert_int_equal(lives_extend(journal, life.container, 5000, &err), -1);
    assert_int_equal(err.fault, FAULT_INTERNAL);
    assert_ends(journal, 'a', 0);
    assert_due(journal, INT64_MAX, "");
    journal_close(journal);
}

static void the_first_end_stays_until_it_is_extended(void **state)
{
    struct journal *journal = open_journal(state);
    struct life life = life_of('a', 0);

    begin_life(journal, 'a', 1000);
    begin_life(journal, 'a', 2000);
    assert_ends(journal, 'a', 1000);
    assert_int_equal(lives_extend(journal, life.container, 3000, NULL), 0);
    journal_close(journal);

    journal = open_journal(state); /* as after a restart */
    assert_ends(journal, 'a', 3000);
    assert_due(journal, 2999, "");
    assert_due(journal, 3000, "a");
    journal_close(journal);
}

static void what_is_due_comes_with_its_names_longest_overdue_first(void **state)
{
    struct journal *journal = open_journal(state);
    struct life lives[MOST];
    size_t count = 0;

    begin_life(journal, 'c', 300);
    begin_life(journal, 'a', 100);
    begin_life(journal, 'e', 500);
    begin_life(journal, 'b', 200);
    assert_due(journal, 99, "");
    assert_due(journal, 300, "abc");
    assert_int_equal(lives_due(journal, 1000, lives, 1, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_string_equal(lives[0].user, "alice");
    assert_string_equal(lives[0].name, "web");
    assert_int_equal(strlen(lives[0].container), 64);
    assert_int_equal(lives[0].ends, 100);
    journal_close(journal);
}

static void what_was_looked_at_is_due_later_or_when_something_has_happened(void **state)
{
    struct journal *journal = open_journal(state);
    struct life a = life_of('a', 0), b = life_of('b', 0);

    begin_life(journal, 'a', 100);
    begin_life(journal, 'b', 200);
    assert_int_equal(lives_postpone(journal, a.container, 5000, NULL), 0);
    assert_int_equal(lives_postpone(journal, b.container, 6000, NULL), 0);
    assert_due(journal, 4999, "");
    assert_due(journal, 5000, "a");
    assert_int_equal(lives_look_again(journal, b.container, NULL), 0);
    assert_due(journal, 4999, "b");
    assert_int_equal(lives_postpone(journal, b.container, 6000, NULL), 0);
    assert_int_equal(lives_look_again(journal, NULL, NULL), 0);
    assert_due(journal, 4999, "ab");
    assert_ends(journal, 'a', 100); /* nothing of this moves the end */
    journal_close(journal);
}

static void an_extended_life_is_due_at_its_new_end(void **state)
{
    struct journal *journal = open_journal(state);
    struct life a = life_of('a', 0);

    begin_life(journal, 'a', 100);
    assert_int_equal(lives_postpone(journal, a.container, 9000, NULL), 0);
    assert_int_equal(lives_extend(journal, a.container, 800, NULL), 0);
    assert_due(journal, 799, "");
    assert_due(journal, 800, "a");
    journal_close(journal);
}

static void what_is_forgotten_is_never_due(void **state)
{
    struct journal *journal = open_journal(state);
    struct life a = life_of('a', 0);

    begin_life(journal, 'a', 100);
    assert_int_equal(lives_forget(journal, a.container, NULL), 0);
    assert_int_equal(lives_forget(journal, a.container, NULL), 0);
    assert_ends(journal, 'a', 0);
    assert_due(journal, INT64_MAX, "");
    journal_close(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(without_a_row_there_is_no_end),
        JOURNAL_TEST(the_first_end_stays_until_it_is_extended),
        JOURNAL_TEST(what_is_due_comes_with_its_names_longest_overdue_first),
        JOURNAL_TEST(what_was_looked_at_is_due_later_or_when_something_has_happened),
        JOURNAL_TEST(an_extended_life_is_due_at_its_new_end),
        JOURNAL_TEST(what_is_forgotten_is_never_due),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
