/* Following while the store is away, or has lost or damaged the record. */
#include "tests/unit/follow_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_store_has_lost_is_asked_again_under_its_id),
        cmocka_unit_test(what_is_only_late_is_not_asked_again),
        cmocka_unit_test(somebody_elses_lost_record_is_waited_for_and_given_up),
        cmocka_unit_test(a_short_outage_of_the_store_goes_unnoticed),
        cmocka_unit_test(after_an_outage_the_record_is_read_at_once),
        cmocka_unit_test(a_long_outage_of_the_store_ends_the_following_only),
        cmocka_unit_test(a_damaged_record_is_told_as_it_is),
        cmocka_unit_test(the_time_counts_while_the_store_is_away_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
