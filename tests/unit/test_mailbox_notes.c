/* What the submitter notes down of requests that were asked. */
#include "tests/unit/mailbox_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/keys.h"

static void only_what_was_asked_is_noted_down(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    struct request requests[130];
    struct error reasons[130] = {{0}};
    json_auto_t *result = NULL;

    for (size_t i = 0; i < 130; i++)
        requests[i] = request_of("alice");
    reasons[70].fault = FAULT_DEPENDENCY;
    assert_done(mailbox_queue(mailbox, requests, 130, reasons, err));
    for (size_t i = 0; i < 130; i++) {
        json_decref(TAKE(result));
        int status = mailbox_record(mailbox, "alice", requests[i].id, &result, NULL);
        assert_int_equal(status, i == 70 ? -1 : 0);
        request_clear(&requests[i]);
    }
}

#define MANY 70 /* more than go in one call */

static void assert_noted(const struct fixture *fixture, const struct request *request,
                         const char *expected)
{
    char record[KEY_SIZE];
    json_auto_t *found = NULL;

    key_of_user(record, KEY_REQUEST, request->user, request->id);
    assert_done(redis_link_text(fixture->link, &found, err, "HGET", record, "state", NULL));
    assert_string_equal(json_string_value(found), expected);
}

static void many_of_several_users_are_noted_together(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    struct request requests[MANY];
    json_auto_t *list = NULL;

    for (size_t i = 0; i < MANY; i++)
        requests[i] = request_of(i % 2 ? "alice" : "bob");
    claim(fixture, &requests[1]);
    assert_done(mailbox_queue(mailbox, requests, MANY, NULL, err));
    for (size_t i = 0; i < MANY; i++)
        assert_noted(fixture, &requests[i], i == 1 ? "running" : "queued");
    assert_done(mailbox_list(mailbox, "alice", LIST_REQUESTS, &list, err));
    assert_int_equal(json_array_size(list), MANY / 2);
    for (size_t i = 0; i < MANY; i++)
        request_clear(&requests[i]);
}

/* A publisher may write to its users' keys what it likes. */
static void a_key_that_is_no_record_hinders_no_other(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    struct request requests[] = {request_of("alice"), request_of("alice")};
    char record[KEY_SIZE];

    key_of_user(record, KEY_REQUEST, "alice", requests[0].id);
    assert_done(redis_link_text(fixture->link, NULL, err, "SET", record, "spoilt", NULL));
    assert_done(mailbox_queue(mailbox, requests, 2, NULL, err));
    assert_noted(fixture, &requests[1], "queued");
    request_clear(&requests[0]);
    request_clear(&requests[1]);
}

/* As a worker of an older version would load it: of several requests it sees the first. */
static void a_library_that_takes_one_at_a_time_is_given_one_at_a_time(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    struct request requests[] = {request_of("alice"), request_of("alice"), request_of("alice")};
    static const char older[] = "#!lua name=dcm_1\n"
                                "redis.register_function('dcm_1_queue', function(keys, args)\n"
                                "    redis.call('HSET', keys[1], 'state', 'queued')\n"
                                "    return 'queued'\n"
                                "end)\n";

    assert_done(
        redis_link_text(fixture->link, NULL, err, "FUNCTION", "LOAD", "REPLACE", older, NULL));
    assert_done(mailbox_queue(mailbox, requests, 3, NULL, err));
    for (size_t i = 0; i < 3; i++) {
        assert_noted(fixture, &requests[i], "queued");
        request_clear(&requests[i]);
    }
    assert_done(redis_link_text(fixture->link, NULL, err, "FUNCTION", "LOAD", "REPLACE",
                                queue_functions, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORED(only_what_was_asked_is_noted_down),
        STORED(many_of_several_users_are_noted_together),
        STORED(a_key_that_is_no_record_hinders_no_other),
        STORED(a_library_that_takes_one_at_a_time_is_given_one_at_a_time),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
