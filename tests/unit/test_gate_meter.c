#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "submitter/gate_meter.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define ALICE 5001
#define MOST INT64_C(1000)
#define EACH_MS INT64_C(86400) /* a day's thousandth */
#define NOW INT64_C(123456789)

static int set_up(void **state)
{
    struct meter *meter = NULL;
    int status = meter_new(MOST, &meter, NULL);
    *state = meter;
    return status;
}

static int tear_down(void **state)
{
    meter_free(*state);
    return 0;
}

static void a_days_share_may_be_asked_for_at_once_and_no_more(void **state)
{
    struct error err = {0};

    assert_int_equal(meter_take(*state, ALICE, 400, NOW, &err), 400);
    assert_int_equal(err.fault, FAULT_NONE);
    assert_int_equal(meter_take(*state, ALICE, 700, NOW, &err), 600);
    assert_int_equal(err.fault, FAULT_QUOTA);
    assert_non_null(strstr(err.text, "1000 requests within a day"));
    assert_int_equal(meter_take(*state, ALICE, 1, NOW, &err), 0);
}

static void what_was_asked_for_is_earned_again_one_by_one(void **state)
{
    assert_int_equal(meter_take(*state, ALICE, MOST, NOW, NULL), MOST);
    assert_int_equal(meter_take(*state, ALICE, 5, NOW + EACH_MS - 1, NULL), 0);
    assert_int_equal(meter_take(*state, ALICE, 5, NOW + EACH_MS, NULL), 1);
    assert_int_equal(meter_take(*state, ALICE, 5, NOW + 4 * EACH_MS, NULL), 3);
    assert_int_equal(meter_take(*state, ALICE, 2 * MOST, NOW + 5 * MOST * EACH_MS, NULL), MOST);
}

static void one_users_share_is_no_others(void **state)
{
    assert_int_equal(meter_take(*state, ALICE, MOST, NOW, NULL), MOST);
    /* The same place in the table, and the next ones. */
    for (uid_t uid = ALICE + 4096; uid < ALICE + 40960; uid += 4096)
        assert_int_equal(meter_take(*state, uid, MOST + 1, NOW, NULL), MOST);
    assert_int_equal(meter_take(*state, ALICE, 1, NOW, NULL), 0);
    assert_int_equal(meter_take(*state, ALICE + 1, 1, NOW, NULL), 1);
}

static void a_place_is_free_again_when_its_user_owes_nothing(void **state)
{
    for (uid_t uid = 1000; uid < 1000 + 4096; uid++)
        assert_int_equal(meter_take(*state, uid, 1, NOW, NULL), 1);
    assert_int_equal(meter_take(*state, 9000, 1, NOW, NULL), 0); /* there is no place left */
    assert_int_equal(meter_take(*state, 9000, 1, NOW + EACH_MS, NULL), 1);
    assert_int_equal(meter_take(*state, 1000, MOST + 1, NOW + EACH_MS, NULL), MOST);
}

static void children_that_count_at_once_let_no_more_through(void **state)
{
    int ends[2];
    size_t through = 0;

    meter_take(*state, ALICE, 1, NOW, NULL);
    assert_int_equal(pipe(ends), 0);
    for (int child = 0; child < 4; child++) {
        pid_t pid = fork();
        assert_int_not_equal(pid, -1);
        if (pid == 0) {
            for (int i = 0; i < MOST; i++)
                if (meter_take(*state, ALICE, 1, NOW, NULL) == 1 && write(ends[1], "x", 1) != 1)
                    _exit(EXIT_FAILURE);
            _exit(EXIT_SUCCESS);
        }
    }
    close(ends[1]);
    for (char byte; read(ends[0], &byte, 1) == 1;)
        through++;
    while (wait(NULL) > 0)
        ;
    close(ends[0]);
    assert_int_equal(through, MOST - 1);
}

#define METERED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        METERED(a_days_share_may_be_asked_for_at_once_and_no_more),
        METERED(what_was_asked_for_is_earned_again_one_by_one),
        METERED(one_users_share_is_no_others),
        METERED(a_place_is_free_again_when_its_user_owes_nothing),
        METERED(children_that_count_at_once_let_no_more_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
