#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "worker/workload.h"

#include <cmocka.h> /* last: it defines a macro fail() */

static int set_up(void **state)
{
    static struct workload workload;
    workload_init(&workload);
    *state = &workload;
    return 0;
}

static int tear_down(void **state)
{
    workload_clear(*state);
    return 0;
}

static struct item *add(struct workload *workload, uint64_t tag)
{
    struct item *item = workload_add(workload, WORK_DELIVERY);
    assert_non_null(item);
    item->tag = tag;
    return item;
}

static void the_oldest_ready_item_goes_first(void **state)
{
    struct workload *workload = *state;
    struct item *first = add(workload, 1);
    struct item *second = add(workload, 2);
    assert_ptr_equal(workload_next(workload, 0), first);
    first->state = ITEM_OUT;
    assert_ptr_equal(workload_next(workload, 0), second);
    second->state = ITEM_OUT;
    assert_null(workload_next(workload, 0));
}

static void a_postponed_item_waits_longer_each_time(void **state)
{
    struct item *item = add(*state, 1);
    int64_t before = 0;
    for (int i = 0; i < 4; i++) {
        workload_postpone(item, 1000);
        assert_true(item->not_before > before);
        before = item->not_before;
    }
    for (int i = 0; i < 100; i++)
        workload_postpone(item, 1000);
    assert_int_equal(item->not_before, 1000 + ITEM_PAUSE_MOST_MS);
}

static void a_waiting_item_is_not_handed_out_before_its_time(void **state)
{
    struct workload *workload = *state;
    struct item *item = add(workload, 1);
    workload_postpone(item, 1000);
    assert_null(workload_next(workload, item->not_before - 1));
    assert_ptr_equal(workload_next(workload, item->not_before), item);
    assert_int_equal(workload_pause(workload, item->not_before - 7, 1000), 7);
    workload_wake(workload);
    assert_ptr_equal(workload_next(workload, 0), item);
}

static void a_broken_connection_forgets_what_the_broker_will_send_again(void **state)
{
    struct workload *workload = *state;
    add(workload, 1);
    struct item *out = add(workload, 2);
    struct item *journalled = add(workload, 0);
    out->state = ITEM_OUT;
    uint64_t kept[] = {out->serial, journalled->serial};
    workload_disconnect(workload);
    assert_null(workload_by_serial(workload, 1));
    assert_ptr_equal(workload_by_serial(workload, kept[0]), out);
    assert_ptr_equal(workload_by_serial(workload, kept[1]), journalled);
    assert_int_equal(out->tag, 0);
}

static void an_outage_is_over_only_when_all_that_waits_was_tried(void **state)
{
    struct workload *workload = *state;
    assert_true(workload_tried(workload, 5));
    struct item *item = add(workload, 1);
    for (int i = 0; i < 4; i++)
        workload_postpone(item, 0);
    assert_false(workload_tried(workload, 5));
    workload_postpone(item, 0);
    assert_true(workload_tried(workload, 5));
}

static void removing_the_last_item_leaves_a_list_that_grows_again(void **state)
{
    struct workload *workload = *state;
    struct item *first = add(workload, 1);
    workload_remove(workload, add(workload, 2));
    struct item *third = add(workload, 3);
    assert_ptr_equal(first->next, third);
    workload_remove(workload, first);
    assert_ptr_equal(workload->first, third);
    assert_int_equal(workload_count(workload, ITEM_READY), 1);
}

static void an_item_is_found_by_its_request_id(void **state)
{
    struct workload *workload = *state;
    struct item *item = add(workload, 1);
    strcpy(item->id, "0193a1b2-0000-7000-8000-000000000001");
    assert_ptr_equal(workload_by_id(workload, item->id), item);
    assert_null(workload_by_id(workload, "0193a1b2-0000-7000-8000-000000000002"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_oldest_ready_item_goes_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_postponed_item_waits_longer_each_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_waiting_item_is_not_handed_out_before_its_time, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_broken_connection_forgets_what_the_broker_will_send_again,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_outage_is_over_only_when_all_that_waits_was_tried,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(removing_the_last_item_leaves_a_list_that_grows_again,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_item_is_found_by_its_request_id, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
