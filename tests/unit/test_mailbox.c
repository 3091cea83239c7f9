/* The submitter's half of the store against the worker's, over a real one. */
#include "tests/unit/mailbox_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/keys.h"
#include "worker/store_requests.h"

static void a_request_is_queued_then_running_then_done(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");

    assert_done(mailbox_queue(mailbox, &request, 1, NULL, err));
    assert_state(mailbox, request.id, "queued");
    claim(fixture, &request);
    assert_state(mailbox, request.id, "running");
    finish(fixture, &request);
    assert_state(mailbox, request.id, "done");
}

static void a_worker_that_was_quicker_is_not_overwritten(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");

    claim(fixture, &request);
    assert_done(mailbox_queue(mailbox, &request, 1, NULL, err));
    assert_state(mailbox, request.id, "running");
    finish(fixture, &request);
    assert_done(mailbox_queue(mailbox, &request, 1, NULL, err));
    assert_state(mailbox, request.id, "done");
}

static void another_users_request_is_not_there(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");
    json_t *result = NULL;

    assert_done(mailbox_queue(mailbox, &request, 1, NULL, err));
    assert_fault(FAULT_NOT_FOUND, mailbox_record(mailbox, "bob", request.id, &result, err));
}

static void an_id_may_be_repeated_but_not_used_for_something_else(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");

    struct error reasons[2] = {{0}};

    mailbox_check_ids(mailbox, &request, 1, reasons);
    assert_done(mailbox_queue(mailbox, &request, 1, NULL, err));
    mailbox_check_ids(mailbox, &request, 1, reasons);
    assert_int_equal(reasons[0].fault, FAULT_NONE);

    AUTO(request) struct request other = request_of("alice");
    struct request both[] = {other, request};
    both[1].op = OP_PING;
    mailbox_check_ids(mailbox, both, 2, reasons);
    assert_int_equal(reasons[0].fault, FAULT_NONE);
    assert_int_equal(reasons[1].fault, FAULT_CONFLICT);
}

/* A record that is missing says nothing when the store has lost data since. */
static void a_lost_record_is_not_one_that_never_was(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request before = request_of("alice");
    json_auto_t *result = NULL;

    sleep_ms(2);
    assert_done(redis_link_text(fixture->link, NULL, err, "FLUSHALL", NULL));
    assert_fault(FAULT_UNFINISHED, mailbox_record(mailbox, "alice", before.id, &result, err));
    fixture_open(fixture->store);
    assert_fault(FAULT_UNFINISHED, mailbox_record(mailbox, "alice", before.id, &result, err));
    sleep_ms(2);
    AUTO(request) struct request after = request_of("alice");
    assert_fault(FAULT_NOT_FOUND, mailbox_record(mailbox, "alice", after.id, &result, err));
}

static void events_come_in_order_and_each_once(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");
    char cursor[COURIER_CURSOR_SIZE] = "0-0";
    json_auto_t *first = NULL, *second = NULL, *third = NULL;

    claim(fixture, &request);
    assert_done(store_progress(fixture->store, &request, PHASE_CREATING, err));
    assert_done(mailbox_events(mailbox, "alice", request.id, cursor, 0, &first, err));
    assert_int_equal(json_array_size(first), 2);
    assert_string_equal(text_at(json_array_get(first, 0), "phase"), "placed");
    assert_string_equal(text_at(json_array_get(first, 1), "phase"), "creating");

    finish(fixture, &request);
    assert_done(mailbox_events(mailbox, "alice", request.id, cursor, 1000, &second, err));
    assert_int_equal(json_array_size(second), 1);
    assert_done(mailbox_events(mailbox, "alice", request.id, cursor, 0, &third, err));
    assert_int_equal(json_array_size(third), 0);
}

static void the_record_of_what_has_ended_comes_along_and_once(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");
    char cursor[COURIER_CURSOR_SIZE] = "0-0", record[KEY_SIZE];
    json_auto_t *begun = NULL, *ended = NULL, *result = NULL;

    claim(fixture, &request);
    assert_done(mailbox_events(mailbox, "alice", request.id, cursor, 0, &begun, err));
    finish(fixture, &request); /* what was running then is not kept */
    assert_state(mailbox, request.id, "done");

    assert_done(mailbox_events(mailbox, "alice", request.id, cursor, 1000, &ended, err));
    assert_int_equal(json_array_size(ended), 1);
    key_of_user(record, KEY_REQUEST, "alice", request.id);
    assert_done(redis_link_text(fixture->link, NULL, err, "DEL", record, NULL));
    assert_state(mailbox, request.id, "done");
    assert_fault(FAULT_NOT_FOUND, mailbox_record(mailbox, "alice", request.id, &result, err));
}

static void what_came_along_is_of_its_user_alone(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");
    char cursor[COURIER_CURSOR_SIZE] = "0-0";
    json_auto_t *events = NULL, *result = NULL;

    claim(fixture, &request);
    finish(fixture, &request);
    assert_done(mailbox_events(mailbox, "alice", request.id, cursor, 0, &events, err));
    assert_fault(FAULT_NOT_FOUND, mailbox_record(mailbox, "bob", request.id, &result, err));
}

static void an_event_of_a_later_version_is_passed_over(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");
    char cursor[COURIER_CURSOR_SIZE] = "0-0", stream[KEY_SIZE];
    json_auto_t *events = NULL;

    key_of_user(stream, KEY_EVENTS, "alice", request.id);
    assert_done(redis_link_text(fixture->link, NULL, err, "XADD", stream, "7-1", "event",
                                "{\"v\":2}", NULL));
    assert_done(mailbox_events(mailbox, "alice", request.id, cursor, 0, &events, err));
    assert_int_equal(json_array_size(events), 0);
    assert_string_equal(cursor, "7-1");
}

static void somebody_who_follows_is_known_to_for_a_while(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");
    char key[KEY_SIZE];
    bool followed = true;
    json_auto_t *left = NULL;

    assert_done(store_followed(fixture->store, &request, &followed, err));
    assert_false(followed);
    assert_done(mailbox_follow(mailbox, "alice", request.id, err));
    assert_done(store_followed(fixture->store, &request, &followed, err));
    assert_true(followed);
    key_of_user(key, KEY_FOLLOWER, "alice", request.id);
    assert_done(redis_link_text(fixture->link, &left, err, "TTL", key, NULL));
    assert_in_range(json_integer_value(left), 10, 15);
}

static void a_damaged_record_is_not_the_readers_mistake(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");
    char record[KEY_SIZE];
    json_t *result = NULL;

    key_of_user(record, KEY_REQUEST, "alice", request.id);
    assert_done(redis_link_text(fixture->link, NULL, err, "HSET", record, "result", "{}", NULL));
    assert_fault(FAULT_INTERNAL, mailbox_record(mailbox, "alice", request.id, &result, err));
}

static void a_store_that_was_restarted_is_found_again(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");
    json_t *list = NULL;

    assert_done(mailbox_queue(mailbox, &request, 1, NULL, err));
    fixture_restart(fixture);
    /* What was written is gone with this store; the next call finds it all the same. */
    assert_done(mailbox_queue(mailbox, &request, 1, NULL, err));
    assert_done(mailbox_list(mailbox, "alice", LIST_REQUESTS, &list, err));
    assert_int_equal(json_array_size(list), 1);
    json_decref(list);
}

static void a_store_out_of_reach_is_a_dependency(void **state)
{
    AUTO(mailbox) struct mailbox *mailbox = NULL;
    json_t *list = NULL;

    (void)state;
    assert_done(mailbox_new("redis://127.0.0.1:1/0", &mailbox, err));
    assert_fault(FAULT_DEPENDENCY, mailbox_list(mailbox, "alice", LIST_CONTAINERS, &list, err));
    assert_null(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORED(a_request_is_queued_then_running_then_done),
        STORED(a_worker_that_was_quicker_is_not_overwritten),
        STORED(another_users_request_is_not_there),
        STORED(an_id_may_be_repeated_but_not_used_for_something_else),
        STORED(a_lost_record_is_not_one_that_never_was),
        STORED(events_come_in_order_and_each_once),
        STORED(the_record_of_what_has_ended_comes_along_and_once),
        STORED(what_came_along_is_of_its_user_alone),
        STORED(an_event_of_a_later_version_is_passed_over),
        STORED(somebody_who_follows_is_known_to_for_a_while),
        STORED(a_damaged_record_is_not_the_readers_mistake),
        STORED(a_store_that_was_restarted_is_found_again),
        STORED(a_store_out_of_reach_is_a_dependency),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
