/* What was seen of a container, and what is made of it. */
#include "worker/difference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct sighting known = {.indexed = true, .same_state = true};
static const struct sighting done = {
    .request = JOURNAL_ENDED, .from_create = true, .succeeded = true};

static void what_the_index_shows_as_it_is_needs_nothing(void **state)
{
    (void)state;
    assert_int_equal(difference_of(&known), DIFFERENCE_NONE);
    struct sighting seen = known;
    seen.rebuilding = true;
    assert_int_equal(difference_of(&seen), DIFFERENCE_NONE);
}

static void another_state_is_shown_and_a_commits_pause_undone(void **state)
{
    (void)state;
    struct sighting seen = known;
    seen.same_state = false;
    assert_int_equal(difference_of(&seen), DIFFERENCE_STATE);
    seen.left_paused = true;
    assert_int_equal(difference_of(&seen), DIFFERENCE_PAUSED);
    seen.same_state = true; /* the hint of the pause was heard */
    assert_int_equal(difference_of(&seen), DIFFERENCE_PAUSED);
}

static void what_was_made_and_is_not_indexed_comes_back(void **state)
{
    (void)state;
    assert_int_equal(difference_of(&done), DIFFERENCE_LOST);
    struct sighting seen = done;
    seen.rebuilding = true;
    assert_int_equal(difference_of(&seen), DIFFERENCE_LOST);
}

static void what_a_runner_has_in_hand_is_left_to_it(void **state)
{
    (void)state;
    struct sighting seen = {.request = JOURNAL_BEGUN, .from_create = true};
    assert_int_equal(difference_of(&seen), DIFFERENCE_NONE);
    seen.rebuilding = true;
    assert_int_equal(difference_of(&seen), DIFFERENCE_RESERVED);
    seen.from_create = false; /* a recreate */
    seen.has_sibling = true;
    assert_int_equal(difference_of(&seen), DIFFERENCE_HEIR);
    seen.has_sibling = false; /* the old one has gone: it was as good as done */
    assert_int_equal(difference_of(&seen), DIFFERENCE_LOST);
}

static void what_a_failed_create_left_goes(void **state)
{
    (void)state;
    struct sighting seen = done;
    seen.succeeded = false;
    assert_int_equal(difference_of(&seen), DIFFERENCE_DEBRIS);
    seen.from_create = false; /* it may hold what the user had: never for a recreate */
    assert_int_equal(difference_of(&seen), DIFFERENCE_LOST);
    struct sighting half_removed = {.buried = true, .request = JOURNAL_UNKNOWN};
    assert_int_equal(difference_of(&half_removed), DIFFERENCE_DEBRIS);
}

static void what_the_journal_does_not_know_gets_a_grace(void **state)
{
    (void)state;
    struct sighting seen = {.request = JOURNAL_UNKNOWN, .age_s = SETTLING_S};
    assert_int_equal(difference_of(&seen), DIFFERENCE_NONE);
    seen.age_s++;
    assert_int_equal(difference_of(&seen), DIFFERENCE_LOST);
    seen.age_s = 0;
    seen.rebuilding = true; /* its port must not be given away */
    assert_int_equal(difference_of(&seen), DIFFERENCE_LOST);
}

static void what_stands_aside_waits_for_its_recreate_only(void **state)
{
    (void)state;
    struct sighting seen = {.aside = true, .indexed = true, .is_replacing = true};
    assert_int_equal(difference_of(&seen), DIFFERENCE_NONE);
    seen.indexed = false;
    assert_int_equal(difference_of(&seen), DIFFERENCE_NONE);
    seen.rebuilding = true;
    assert_int_equal(difference_of(&seen), DIFFERENCE_LOST);
    seen.is_replacing = false;
    assert_int_equal(difference_of(&seen), DIFFERENCE_LOST); /* then put back, the next time */
    seen.has_sibling = true;
    assert_int_equal(difference_of(&seen), DIFFERENCE_ASIDE);
}

static void every_kind_has_a_name_and_a_remedy(void **state)
{
    (void)state;
    for (enum difference kind = 0; kind < DIFFERENCE_COUNT; kind++) {
        assert_true(strlen(difference_name(kind)) > 0);
        assert_true(strlen(difference_remedy(kind)) > 0);
        for (enum difference other = 0; other < kind; other++)
            assert_string_not_equal(difference_name(kind), difference_name(other));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_index_shows_as_it_is_needs_nothing),
        cmocka_unit_test(another_state_is_shown_and_a_commits_pause_undone),
        cmocka_unit_test(what_was_made_and_is_not_indexed_comes_back),
        cmocka_unit_test(what_a_runner_has_in_hand_is_left_to_it),
        cmocka_unit_test(what_a_failed_create_left_goes),
        cmocka_unit_test(what_the_journal_does_not_know_gets_a_grace),
        cmocka_unit_test(what_stands_aside_waits_for_its_recreate_only),
        cmocka_unit_test(every_kind_has_a_name_and_a_remedy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
