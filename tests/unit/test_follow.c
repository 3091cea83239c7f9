#include "submitter/follow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/members.h"
#include "schemas/result.h"
#include "tests/unit/fake_courier.h"

static const struct pace quick = {.wait_ms = 10, .look_ms = 40, .patience_ms = 120, .again_ms = 60};

/* What was heeded, in order. */
struct heard {
    char phases[256];
    size_t stop_after; /* events; 0: never */
    size_t count;
};

static int note(const json_t *event, void *context)
{
    struct heard *heard = context;
    const char *phase = text_at(event, "phase");

    strncat(heard->phases, phase, sizeof(heard->phases) - strlen(heard->phases) - 1);
    strncat(heard->phases, " ", sizeof(heard->phases) - strlen(heard->phases) - 1);
    return heard->stop_after != 0 && ++heard->count == heard->stop_after;
}

struct scene {
    struct fake_courier fake;
    struct heard heard;
    struct following following;
    json_t *result;
    struct error err;
};

static void begin(struct scene *scene)
{
    memset(scene, 0, sizeof(*scene));
    fake_courier_begin(&scene->fake);
    scene->following = (struct following){
        .courier = &scene->fake.courier,
        .id = FAKE_ID,
        .submitted = true,
        .interrupted = &scene->fake.interrupted,
        .pace = &quick,
        .heed = note,
        .context = &scene->heard,
    };
}

static int play(struct scene *scene)
{
    return follow(&scene->following, &scene->result, &scene->err);
}

static void assert_done(struct scene *scene)
{
    assert_int_equal(play(scene), 0);
    assert_string_equal(result_state(scene->result), "done");
    json_decref(scene->result);
}

static void assert_unfinished(struct scene *scene)
{
    assert_int_equal(play(scene), -1);
    assert_int_equal(scene->err.fault, FAULT_UNFINISHED);
    assert_null(scene->result);
}

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

static void what_the_store_has_lost_is_asked_again_under_its_id(void **state)
{
    struct request request = {.id = FAKE_ID, .op = OP_PING, .user = "alice"};
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.following.request = &request;
    scene.fake.records[0] = (struct fake_record){.fault = FAULT_UNFINISHED};
    scene.fake.records[1] = (struct fake_record){.fault = FAULT_NOT_FOUND};
    scene.fake.records[2] = (struct fake_record){.fault = FAULT_NOT_FOUND};
    scene.fake.records[3] = (struct fake_record){.state = "queued"};
    scene.fake.records[4] = (struct fake_record){.state = "done"};
    assert_done(&scene);
    assert_int_equal(scene.fake.submit_calls, 1);
    assert_string_equal(scene.fake.submitted[0], FAKE_ID);
}

static void what_is_only_late_is_not_asked_again(void **state)
{
    struct request request = {.id = FAKE_ID, .op = OP_PING, .user = "alice"};
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.following.request = &request;
    scene.fake.records[0] = (struct fake_record){.fault = FAULT_NOT_FOUND};
    scene.fake.records[1] = (struct fake_record){.state = "done"};
    assert_done(&scene);
    assert_int_equal(scene.fake.submit_calls, 0);
}

static void somebody_elses_lost_record_is_waited_for_and_given_up(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.following.submitted = false;
    scene.fake.records[0] = (struct fake_record){.fault = FAULT_UNFINISHED};
    scene.fake.records[1] = (struct fake_record){.state = "done"};
    assert_done(&scene);

    begin(&scene);
    scene.following.submitted = false;
    scene.fake.records[0] = (struct fake_record){.fault = FAULT_UNFINISHED};
    assert_unfinished(&scene);
    assert_int_equal(scene.fake.submit_calls, 0);
}

static void a_short_outage_of_the_store_goes_unnoticed(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.fake.records[0] = (struct fake_record){.fault = FAULT_DEPENDENCY};
    scene.fake.records[1] = (struct fake_record){.state = "running"};
    scene.fake.records[2] = (struct fake_record){.state = "done"};
    scene.fake.events[0] = (struct fake_events){.fault = FAULT_DEPENDENCY};
    assert_done(&scene);
}

static void after_an_outage_the_record_is_read_at_once(void **state)
{
    static const struct pace patient = {.wait_ms = 10, .look_ms = 5000, .patience_ms = 1000};
    struct scene scene;
    int64_t began = clock_ms();

    (void)state;
    begin(&scene);
    scene.following.pace = &patient;
    scene.fake.records[0] = (struct fake_record){.state = "running"};
    scene.fake.records[1] = (struct fake_record){.state = "done"};
    /* The wake-up may have been lost with the store's connection. */
    scene.fake.events[0] = (struct fake_events){.fault = FAULT_DEPENDENCY};
    assert_done(&scene);
    assert_in_range(clock_ms() - began, 0, 2000);
}

static void a_long_outage_of_the_store_ends_the_following_only(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.fake.records[0] = (struct fake_record){.fault = FAULT_DEPENDENCY};
    assert_unfinished(&scene);
    assert_non_null(strstr(scene.err.text, "no record"));
}

static void a_damaged_record_is_told_as_it_is(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.fake.records[0] = (struct fake_record){.fault = FAULT_INTERNAL};
    assert_int_equal(play(&scene), -1);
    assert_int_equal(scene.err.fault, FAULT_INTERNAL);
    assert_int_equal(scene.fake.record_calls, 1);
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

static void the_time_counts_while_the_store_is_away_too(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.fake.records[0] = (struct fake_record){.fault = FAULT_DEPENDENCY};
    scene.following.until = clock_ms() + 20;
    assert_unfinished(&scene);
    assert_string_equal(scene.err.text, "not finished in time");
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
        cmocka_unit_test(what_the_store_has_lost_is_asked_again_under_its_id),
        cmocka_unit_test(what_is_only_late_is_not_asked_again),
        cmocka_unit_test(somebody_elses_lost_record_is_waited_for_and_given_up),
        cmocka_unit_test(a_short_outage_of_the_store_goes_unnoticed),
        cmocka_unit_test(after_an_outage_the_record_is_read_at_once),
        cmocka_unit_test(a_long_outage_of_the_store_ends_the_following_only),
        cmocka_unit_test(a_damaged_record_is_told_as_it_is),
        cmocka_unit_test(following_stops_at_its_time),
        cmocka_unit_test(the_time_counts_while_the_store_is_away_too),
        cmocka_unit_test(what_has_ended_is_told_even_with_no_time_left),
        cmocka_unit_test(a_signal_ends_the_following),
        cmocka_unit_test(whoever_reads_no_more_ends_the_following),
        cmocka_unit_test(the_past_is_told_without_waiting_for_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
