#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "submitter/gate_scoreboard.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define ALICE 5001
#define BOB 5002

static int set_up(void **state)
{
    struct scoreboard *board = NULL;
    struct scoreboard_limits limits = {.least = 4, .most = 64};
    int status = scoreboard_new(limits, &board, NULL);
    *state = board;
    return status;
}

static int tear_down(void **state)
{
    scoreboard_free(*state);
    return 0;
}

static void keep_busy(struct scoreboard *board, size_t count)
{
    for (size_t place = 0; place < count; place++)
        scoreboard_set_busy(board, place, ALICE);
}

static void an_empty_gate_wants_its_least(void **state)
{
    assert_int_equal(scoreboard_wanted(*state), 4);
}

static void busy_children_call_for_spare_ones(void **state)
{
    keep_busy(*state, 3);
    assert_int_equal(scoreboard_wanted(*state), 4);
    keep_busy(*state, 4);
    assert_in_range(scoreboard_wanted(*state), 5, 64);
    keep_busy(*state, 40);
    assert_in_range(scoreboard_wanted(*state), 41, 64);
}

static void more_than_the_most_are_never_wanted(void **state)
{
    for (size_t busy = 0; busy <= 64; busy++) {
        keep_busy(*state, busy);
        assert_in_range(scoreboard_wanted(*state), 4, 64);
    }
    assert_int_equal(scoreboard_wanted(*state), 64);
}

static void a_user_is_counted_only_where_he_is_served(void **state)
{
    scoreboard_set_busy(*state, 0, ALICE);
    scoreboard_set_busy(*state, 1, BOB);
    scoreboard_set_busy(*state, 63, ALICE);
    assert_int_equal(scoreboard_count_user(*state, ALICE), 2);
    assert_int_equal(scoreboard_count_user(*state, BOB), 1);
    scoreboard_set_idle(*state, 0);
    assert_int_equal(scoreboard_count_user(*state, ALICE), 1);
    scoreboard_set_empty(*state, 63);
    assert_int_equal(scoreboard_count_user(*state, ALICE), 0);
}

static void places_that_are_empty_or_idle_are_nobodys_not_even_roots(void **state)
{
    scoreboard_set_idle(*state, 5);
    assert_int_equal(scoreboard_count_user(*state, 0), 0);
}

static void spare_children_leave_until_the_least_remain(void **state)
{
    size_t left = 0;
    for (size_t place = 0; place < 7; place++)
        scoreboard_set_idle(*state, place);
    for (size_t place = 0; place < 7; place++)
        left += scoreboard_leave(*state, place);
    assert_int_equal(left, 3);
}

static void a_child_that_may_not_leave_is_idle_as_before(void **state)
{
    for (size_t place = 0; place < 4; place++)
        scoreboard_set_idle(*state, place);
    assert_false(scoreboard_leave(*state, 3));
    scoreboard_set_idle(*state, 4); /* now there is one too many: it was counted */
    assert_true(scoreboard_leave(*state, 3));
}

static void nobody_leaves_while_the_others_are_busy(void **state)
{
    keep_busy(*state, 8);
    scoreboard_set_idle(*state, 8);
    assert_false(scoreboard_leave(*state, 8));
}

static void what_a_child_writes_its_parent_reads(void **state)
{
    pid_t pid = fork();
    assert_int_not_equal(pid, -1);
    if (pid == 0) {
        scoreboard_set_busy(*state, 2, BOB);
        _exit(EXIT_SUCCESS);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(scoreboard_count_user(*state, BOB), 1);
}

#define ON_A_BOARD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_BOARD(an_empty_gate_wants_its_least),
        ON_A_BOARD(busy_children_call_for_spare_ones),
        ON_A_BOARD(more_than_the_most_are_never_wanted),
        ON_A_BOARD(a_user_is_counted_only_where_he_is_served),
        ON_A_BOARD(places_that_are_empty_or_idle_are_nobodys_not_even_roots),
        ON_A_BOARD(spare_children_leave_until_the_least_remain),
        ON_A_BOARD(a_child_that_may_not_leave_is_idle_as_before),
        ON_A_BOARD(nobody_leaves_while_the_others_are_busy),
        ON_A_BOARD(what_a_child_writes_its_parent_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
