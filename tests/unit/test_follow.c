/* What is told of a request on its way, and what ends the following. */
#include "tests/unit/follow_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/clock.h"

static void a_request_that_has_ended_is_told_at_once(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.fake.records[0] = (struct fake_record){.state = "done"};
    assert_done(&scene);
    assert_int_equal(scene.fake.record_calls, 1);
    assert_int_equal(scene.fake.longest_wait_ms, 0);
}

static void of_what_was_just_submitted_the_events_come_first(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.following.fresh = true;
    scene.fake.records[0] = (struct fake_record){.state = "done"};
    scene.fake.events[0].texts[0] = FAKE_PROGRESS("done");
    assert_done(&scene);
    assert_int_equal(scene.fake.record_calls, 1);
    assert_int_equal(scene.fake.events_calls, 1);
}

static void without_events_it_is_looked_at_after_the_first_wait(void **state)
{
    struct scene scene;
    int64_t began = clock_ms();

    (void)state;
    begin(&scene);
    scene.following.fresh = true;
    scene.fake.records[0] = (struct fake_record){.state = "done"};
    assert_done(&scene);
    assert_in_range(clock_ms() - began, quick.wait_ms, 1000);

    begin(&scene);
    scene.following.fresh = true;
    scene.following.until = clock_ms() - 1;
    scene.fake.records[0] = (struct fake_record){.state = "done"};
    assert_done(&scene);
    assert_int_equal(scene.fake.longest_wait_ms, 0);
}

static void progress_is_told_in_order_up_to_the_result(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.fake.records[0] = (struct fake_record){.state = "queued"};
    scene.fake.records[1] = (struct fake_record){.state = "running"};
    scene.fake.records[2] = (struct fake_record){.state = "done"};
    scene.fake.events[0].texts[0] = FAKE_PROGRESS("placed");
    scene.fake.events[0].texts[1] = FAKE_PROGRESS("creating");
    scene.fake.events[1].texts[0] = FAKE_PROGRESS("starting");
    /* Comes after the record was read as final: the last entries are told too. */
    scene.fake.events[2].texts[0] = FAKE_PROGRESS("done");
    assert_done(&scene);
    assert_string_equal(scene.heard.phases, "placed creating starting done ");
}

static void nothing_is_asked_behind_the_last_event(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.fake.records[0] = (struct fake_record){.state = "queued"};
    scene.fake.records[1] = (struct fake_record){.state = "done"};
    scene.fake.events[0].texts[0] = FAKE_PROGRESS("placed");
    scene.fake.events[0].texts[1] = FAKE_PROGRESS("done");
    assert_done(&scene);
    assert_string_equal(scene.heard.phases, "placed done ");
    assert_int_equal(scene.fake.events_calls, 1);
}

static void a_lost_wake_up_delays_the_result_and_does_not_lose_it(void **state)
{
    struct scene scene;
    int64_t began = clock_ms();

    (void)state;
    begin(&scene);
    scene.fake.records[0] = (struct fake_record){.state = "queued"};
    scene.fake.records[1] = (struct fake_record){.state = "done"};
    assert_done(&scene);
    assert_int_equal(scene.fake.record_calls, 2);
    assert_in_range(clock_ms() - began, quick.look_ms, 1000);
}

static void waiting_does_not_read_the_record_at_every_turn(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    for (size_t i = 0; i < 3; i++)
        scene.fake.records[i] = (struct fake_record){.state = "running"};
    scene.fake.records[3] = (struct fake_record){.state = "done"};
    assert_done(&scene);
    assert_true(scene.fake.events_calls > 2 * scene.fake.record_calls);
    assert_in_range(scene.fake.longest_wait_ms, 1, quick.wait_ms);
}

static void our_own_request_may_have_no_record_yet(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.fake.records[0] = (struct fake_record){.fault = FAULT_NOT_FOUND};
    scene.fake.records[1] = (struct fake_record){.state = "done"};
    assert_done(&scene);
}

static void a_request_that_nobody_made_is_not_found(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.following.submitted = false;
    scene.fake.records[0] = (struct fake_record){.fault = FAULT_NOT_FOUND};
    assert_int_equal(play(&scene), -1);
    assert_int_equal(scene.err.fault, FAULT_NOT_FOUND);
}

static void following_stops_at_its_time(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.fake.records[0] = (struct fake_record){.state = "running"};
    scene.following.until = clock_ms() + 30;
    assert_unfinished(&scene);
    assert_in_range(clock_ms() - scene.following.until, 0, 500);
}

static void what_has_ended_is_told_even_with_no_time_left(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.fake.records[0] = (struct fake_record){.state = "done"};
    scene.following.until = clock_ms() - 1;
    assert_done(&scene);
}

static void a_signal_ends_the_following(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.fake.records[0] = (struct fake_record){.state = "running"};
    scene.fake.interrupt_at = 2;
    assert_unfinished(&scene);
    assert_string_equal(scene.err.text, "interrupted");
    assert_int_equal(scene.fake.events_calls, 2);
}

static void whoever_reads_no_more_ends_the_following(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.fake.records[0] = (struct fake_record){.state = "running"};
    scene.fake.events[0].texts[0] = FAKE_PROGRESS("placed");
    scene.fake.events[0].texts[1] = FAKE_PROGRESS("creating");
    scene.heard.stop_after = 1;
    assert_unfinished(&scene);
    assert_string_equal(scene.heard.phases, "placed ");
}

static void the_past_is_told_without_waiting_for_more(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.fake.events[0].texts[0] = FAKE_PROGRESS("placed");
    scene.fake.events[1].texts[0] = FAKE_PROGRESS("creating");
    assert_int_equal(follow_past(&scene.following, &scene.err), 0);
    assert_string_equal(scene.heard.phases, "placed creating ");
    assert_int_equal(scene.fake.longest_wait_ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_that_has_ended_is_told_at_once),
        cmocka_unit_test(of_what_was_just_submitted_the_events_come_first),
        cmocka_unit_test(without_events_it_is_looked_at_after_the_first_wait),
        cmocka_unit_test(progress_is_told_in_order_up_to_the_result),
        cmocka_unit_test(nothing_is_asked_behind_the_last_event),
        cmocka_unit_test(a_lost_wake_up_delays_the_result_and_does_not_lose_it),
        cmocka_unit_test(waiting_does_not_read_the_record_at_every_turn),
        cmocka_unit_test(our_own_request_may_have_no_record_yet),
        cmocka_unit_test(a_request_that_nobody_made_is_not_found),
        cmocka_unit_test(following_stops_at_its_time),
        cmocka_unit_test(what_has_ended_is_told_even_with_no_time_left),
        cmocka_unit_test(a_signal_ends_the_following),
        cmocka_unit_test(whoever_reads_no_more_ends_the_following),
        cmocka_unit_test(the_past_is_told_without_waiting_for_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
