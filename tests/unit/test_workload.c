#include <setjmp.h>
#include <signal.h>
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

static struct item *next(const struct workload *workload, int64_t now, size_t slow)
{
    const struct room room = {.slow = slow, .batch = 2};
    return workload_next(workload, now, &room);
}

static void the_oldest_ready_item_goes_first(void **state)
{
    struct workload *workload = *state;
    struct item *first = add(workload, 1);
    struct item *second = add(workload, 2);
    assert_ptr_equal(next(workload, 0, 2), first);
    first->state = ITEM_OUT;
    assert_ptr_equal(next(workload, 0, 2), second);
    second->state = ITEM_OUT;
    assert_null(next(workload, 0, 2));
}

static void a_postponed_item_waits_longer_each_time(void **state)
{
    struct item *item = add(*state, 1);
    int64_t before = 0;
    for (int i = 0; i < 4; i++) {
        item_postpone(item, 1000);
        assert_true(item->not_before > before);
        before = item->not_before;
    }
    for (int i = 0; i < 100; i++)
        item_postpone(item, 1000);
    assert_int_equal(item->not_before, 1000 + ITEM_PAUSE_MOST_MS);
}

static void a_waiting_item_is_not_handed_out_before_its_time(void **state)
{
    struct workload *workload = *state;
    struct item *item = add(workload, 1);
    item_postpone(item, 1000);
    assert_null(next(workload, item->not_before - 1, 2));
    assert_ptr_equal(next(workload, item->not_before, 2), item);
    assert_int_equal(workload_pause(workload, item->not_before - 7, 1000), 7);
    workload_wake(workload);
    assert_ptr_equal(next(workload, 0, 2), item);
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
        item_postpone(item, 0);
    assert_false(workload_tried(workload, 5));
    item_postpone(item, 0);
    assert_true(workload_tried(workload, 5));
    add(workload, 2)->state = ITEM_OUT; /* it may be the one that gets through */
    assert_false(workload_tried(workload, 5));
}

/* It may be long, and the server that it waits for may never come back. */
static void what_waits_for_another_server_keeps_nothing_here_waiting(void **state)
{
    struct workload *workload = *state;
    struct item *copy = add(workload, 1), *later = add(workload, 2);
    copy->errand = later->errand = (struct errand){.user = "alice", .container = "web"};
    item_defer(copy, 0);
    assert_null(next(workload, 0, 2));
    assert_false(workload_tried(workload, 1));
    copy->elsewhere = 1;
    assert_ptr_equal(next(workload, 0, 2), later);
    assert_true(workload_tried(workload, 1));
    assert_int_equal(workload_elsewhere(workload), 1);
    copy->state = ITEM_OUT; /* it may be this server's by now */
    assert_null(next(workload, 0, 2));
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

static void requests_on_one_container_keep_their_order(void **state)
{
    struct workload *workload = *state;
    struct item *stop = add(workload, 1), *start = add(workload, 2), *other = add(workload, 3);
    stop->errand = (struct errand){.user = "alice", .container = "web"};
    start->errand = stop->errand;
    other->errand = (struct errand){.user = "bob", .container = "web"};
    stop->state = ITEM_OUT;
    assert_ptr_equal(next(workload, 0, 2), other);
    other->state = ITEM_OUT;
    assert_null(next(workload, 0, 2));
    item_postpone(stop, 1000); /* an outage does not let the later one pass */
    assert_null(next(workload, 1000, 2));
    workload_remove(workload, stop);
    assert_ptr_equal(next(workload, 0, 2), start);
}

static void what_a_runner_has_in_hand_is_found_in_order(void **state)
{
    struct workload *workload = *state;
    struct item *first = add(workload, 7), *other = add(workload, 4), *second = add(workload, 9);
    first->runner = second->runner = 2;
    assert_ptr_equal(workload_of_runner(workload, NULL, 2), first);
    assert_ptr_equal(workload_of_runner(workload, first, 2), second);
    assert_null(workload_of_runner(workload, second, 2));
    assert_ptr_equal(workload_unsettled(workload), other);
    other->tag = 0;
    assert_ptr_equal(workload_unsettled(workload), first);
}

static void slow_requests_leave_runners_for_quick_ones(void **state)
{
    struct workload *workload = *state;
    struct item *first = add(workload, 1), *second = add(workload, 2), *quick = add(workload, 3);
    first->errand.slow = second->errand.slow = true;
    first->state = ITEM_OUT;
    assert_ptr_equal(next(workload, 0, 1), quick);
    assert_ptr_equal(next(workload, 0, 2), second);
}

static void light_ones_go_along_until_something_else_is_due(void **state)
{
    struct workload *workload = *state;
    struct item *items[5];
    for (size_t i = 0; i < 5; i++) {
        items[i] = add(workload, i + 1);
        items[i]->errand.light = i != 3;
    }
    items[1]->state = ITEM_OUT; /* with another runner */
    assert_ptr_equal(workload_along(items[0], 0), items[2]);
    assert_null(workload_along(items[2], 0)); /* the next is none, and nothing overtakes it here */
    assert_ptr_equal(workload_along(items[3], 0), items[4]);
    assert_null(workload_along(items[4], 0));
    items[4]->crashes = 1;
    assert_null(workload_along(items[3], 0));
}

static void of_the_batch_class_none_goes_along_out_of_turn(void **state)
{
    struct workload *workload = *state;
    struct batch alice = {.user = "alice"};
    struct item *quick = add(workload, 1), *batched = add(workload, 2),
                *next_one = add(workload, 3);
    quick->errand.light = batched->errand.light = next_one->errand.light = true;
    batched->batch = &alice;
    assert_null(workload_along(quick, 0));
    assert_null(workload_along(batched, 0));
}

static void the_batch_class_comes_behind_and_in_turn(void **state)
{
    struct workload *workload = *state;
    struct batches batches = {0};
    struct batch *alice = batches_add(&batches, "alice"), *bob = batches_add(&batches, "bob");
    struct item *first = add(workload, 1), *second = add(workload, 2), *third = add(workload, 3),
                *quick = add(workload, 4);
    first->batch = second->batch = alice;
    third->batch = bob;

    assert_ptr_equal(next(workload, 0, 2), quick);
    workload_remove(workload, quick);
    assert_ptr_equal(next(workload, 0, 2), first);
    first->state = ITEM_OUT;
    batch_serve(&batches, alice);
    assert_ptr_equal(next(workload, 0, 2), third);
    third->state = ITEM_OUT;
    batch_serve(&batches, bob);
    assert_null(next(workload, 0, 2)); /* a runner is left for whoever is not of the class */
    quick = add(workload, 5);
    assert_ptr_equal(next(workload, 0, 2), quick);
    workload_remove(workload, third);
    batches_clear(&batches);
}

static void what_was_to_be_sorted_into_a_queue_that_is_gone_is_admitted_anew(void **state)
{
    struct workload *workload = *state;
    struct batches batches = {0};
    struct batch *alice = batches_add(&batches, "alice");
    struct item *sorted = add(workload, 1), *unsorted = add(workload, 2);
    sorted->batch = unsorted->batch = alice;
    unsorted->state = ITEM_UNSORTED;

    assert_ptr_equal(workload_unsorted(workload, NULL, 0), unsorted);
    assert_null(workload_unsorted(workload, unsorted, 0));
    workload_leave_batch(workload, alice);
    batches_clear(&batches);
    assert_null(workload_unsorted(workload, NULL, 0));
    assert_null(sorted->batch);
    assert_int_equal(sorted->kind, WORK_DELIVERY);
    assert_int_equal(unsorted->kind, WORK_ADMIT);
    assert_int_equal(unsorted->state, ITEM_READY);
}

static void a_suspect_goes_alone_and_what_comes_after_it_waits(void **state)
{
    struct workload *workload = *state;
    struct item *out = add(workload, 1), *suspect = add(workload, 2), *after = add(workload, 3);
    out->state = ITEM_OUT;
    suspect->crashes = 1;
    assert_null(next(workload, 0, 2));
    workload_remove(workload, out);
    assert_ptr_equal(next(workload, 0, 2), suspect);
    suspect->state = ITEM_OUT;
    assert_null(next(workload, 0, 2));
    workload_remove(workload, suspect);
    assert_ptr_equal(next(workload, 0, 2), after);
}

static void others_go_on_while_a_dead_runner_is_replaced(void **state)
{
    struct workload *workload = *state;
    struct item *deadly = add(workload, 1), *same = add(workload, 2), *other = add(workload, 3);
    deadly->errand = same->errand = (struct errand){.user = "alice", .container = "web"};
    deadly->state = ITEM_OUT;
    item_begin(deadly, 1);
    item_die(deadly, 2);
    assert_ptr_equal(next(workload, 0, 2), other); /* and not what has to wait for it */
    other->state = ITEM_OUT;
    workload_disconnect(workload); /* its slot still knows it */
    assert_ptr_equal(workload->first, deadly);
    deadly->state = ITEM_READY; /* replaced: now it goes alone */
    assert_null(next(workload, 0, 2));
    workload_remove(workload, other);
    assert_ptr_equal(next(workload, 0, 2), deadly);
}

static void what_kills_every_runner_is_condemned_and_goes_to_none(void **state)
{
    struct workload *workload = *state;
    struct item *item = add(workload, 1);
    for (int i = 0; i < ATTEMPTS_MOST; i++) {
        assert_false(item_is_deadly(item));
        item->crashes++;
    }
    assert_true(item_is_deadly(item));
    item->kind = WORK_RESUME; /* the journal counts these, and the runner says so */
    assert_false(item_is_deadly(item));
    item_condemn(item, "a reason");
    assert_null(next(workload, 0, 2));
    assert_ptr_equal(workload_condemned(workload, 0), item);
    item->not_before = 500;
    assert_null(workload_condemned(workload, 499));
    assert_int_equal(workload_pause(workload, 400, 1000), 100);
}

static void each_death_is_remembered_as_far_as_there_is_room(void **state)
{
    struct item *item = add(*state, 1);
    assert_int_equal(item_last_death(item).begun, 0);
    for (int64_t i = 1; i <= ATTEMPTS_KEPT; i++) {
        item_begin(item, i * 100);
        item_die(item, i * 100 + 50);
        assert_string_equal(item_last_death(item).end, "");
        item_explain_death(item, SIGSEGV); /* a wait status, of a process that this has killed */
        assert_int_equal(item_last_death(item).begun, i * 100);
        assert_int_equal(item_last_death(item).ended, i * 100 + 50);
        assert_string_equal(item_last_death(item).end, "its runner was killed by signal 11");
    }
    item_begin(item, 9000);
    item_die(item, 9001);
    item_explain_death(item, 1 << 8);
    assert_int_equal(item_last_death(item).begun, 0);
    assert_int_equal(item->attempts[ATTEMPTS_KEPT - 1].begun, ATTEMPTS_KEPT * 100);
}

static void what_the_journal_holds_is_asked_for_without_end(void **state)
{
    struct item *recall = workload_add(*state, WORK_RECALL);
    recall->crashes = 1000;
    assert_false(item_is_deadly(recall));
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
        cmocka_unit_test_setup_teardown(what_waits_for_another_server_keeps_nothing_here_waiting,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(removing_the_last_item_leaves_a_list_that_grows_again,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_item_is_found_by_its_request_id, set_up, tear_down),
        cmocka_unit_test_setup_teardown(requests_on_one_container_keep_their_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_a_runner_has_in_hand_is_found_in_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(slow_requests_leave_runners_for_quick_ones, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(light_ones_go_along_until_something_else_is_due, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(of_the_batch_class_none_goes_along_out_of_turn, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_batch_class_comes_behind_and_in_turn, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            what_was_to_be_sorted_into_a_queue_that_is_gone_is_admitted_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_suspect_goes_alone_and_what_comes_after_it_waits, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(others_go_on_while_a_dead_runner_is_replaced, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_kills_every_runner_is_condemned_and_goes_to_none,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_death_is_remembered_as_far_as_there_is_room, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_the_journal_holds_is_asked_for_without_end, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
