/* Records, lists and streams of requests. */
#include "tests/unit/request_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "schemas/keys.h"
#include "schemas/result.h"
#include "schemas/units.h"
#include "worker/store_keeper.h"
#include "worker/store_requests.h"

#include <cmocka.h>

static void a_queued_record_is_written_once(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    assert_queue(fixture, &request, "queued");
    assert_queue(fixture, &request, "queued");
    assert_field(fixture, &request, "state", "queued");
    assert_field(fixture, &request, "op", "container.create");
    assert_int_equal(ask_number(fixture, "ZCARD", &request, KEY_REQUESTS), 1);
    assert_int_equal(ask_number(fixture, "TTL", &request, KEY_REQUEST), REQUEST_RETENTION_S);
}

static void a_late_queued_record_does_not_undo_a_claim(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    json_auto_t *result = NULL;
    assert_int_equal(claim_of(fixture->store, &request, HASH, &result), CLAIM_OURS);
    assert_queue(fixture, &request, "running");
    assert_field(fixture, &request, "state", "running");
}

static void a_claim_makes_the_record_running_and_tells_the_stream(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    json_auto_t *nothing = NULL;
    assert_queue(fixture, &request, "queued");
    assert_int_equal(claim_of(fixture->store, &request, HASH, &nothing), CLAIM_OURS);
    assert_field(fixture, &request, "state", "running");
    assert_field(fixture, &request, "server", "lcg50");
    assert_field(fixture, &request, "epoch", "1");
    assert_field(fixture, &request, "hash", HASH);

    char text[1024];
    json_auto_t *result = NULL;
    read_field(fixture, &request, "result", text);
    assert_done(result_decode(text, &result, err));
    assert_string_equal(result_state(result), "running");
    json_auto_t *entries = read_stream(fixture, &request);
    assert_int_equal(json_array_size(entries), 1);
    assert_phase(entries, 0, "placed");
    assert_int_equal(ask_number(fixture, "TTL", &request, KEY_EVENTS), REQUEST_RETENTION_S);
}

static void a_claim_repeated_by_its_server_changes_the_epoch_alone(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    json_auto_t *result = NULL;
    assert_int_equal(claim_of(fixture->store, &request, HASH, &result), CLAIM_OURS);
    assert_int_equal(claim_of(fixture->store, &request, HASH, &result), CLAIM_OURS);
    assert_field(fixture, &request, "epoch", "2");
    json_auto_t *entries = read_stream(fixture, &request);
    assert_int_equal(json_array_size(entries), 1);
}

static void what_one_server_claimed_is_elsewhere_for_another(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(store) struct store *other = fixture_store(fixture, "lcg51");
    AUTO(request) struct request request = request_of("alice");
    json_auto_t *result = NULL;
    assert_int_equal(claim_of(fixture->store, &request, HASH, &result), CLAIM_OURS);
    assert_int_equal(claim_of(other, &request, HASH, &result), CLAIM_ELSEWHERE);
    assert_null(result);
    assert_field(fixture, &request, "server", "lcg50");

    json_auto_t *done = result_new(&request);
    result_set_done(done, "lcg51");
    assert_fault(FAULT_CONFLICT, store_end(other, &request, HASH, done, err));
    assert_field(fixture, &request, "state", "running");
}

static void an_id_used_with_another_body_is_a_mismatch(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    json_auto_t *result = NULL;
    assert_queue(fixture, &request, "queued");
    assert_int_equal(claim_of(fixture->store, &request, OTHER_HASH, &result), CLAIM_MISMATCH);
    assert_field(fixture, &request, "state", "queued");
    end_as_done(fixture->store, &request);
    assert_int_equal(claim_of(fixture->store, &request, OTHER_HASH, &result), CLAIM_MISMATCH);
    assert_null(result);
}

static void an_ended_request_gives_its_result_to_whoever_claims_it(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(store) struct store *other = fixture_store(fixture, "lcg51");
    AUTO(request) struct request request = request_of("alice");
    json_auto_t *result = NULL;
    assert_int_equal(claim_of(fixture->store, &request, HASH, &result), CLAIM_OURS);
    end_as_done(fixture->store, &request);
    assert_int_equal(claim_of(other, &request, HASH, &result), CLAIM_ENDED);
    assert_string_equal(result_state(result), "done");
    json_auto_t *entries = read_stream(fixture, &request);
    assert_int_equal(json_array_size(entries), 2);
    assert_phase(entries, 1, "done");
}

static void a_record_that_ended_stays_as_it_is(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    end_as_done(fixture->store, &request);

    json_auto_t *failed = result_new(&request);
    struct error why = {.fault = FAULT_ENGINE, .text = "too late"};
    result_set_failed(failed, "lcg50", &why);
    assert_done(store_end(fixture->store, &request, HASH, failed, err));
    assert_done(store_progress(fixture->store, &request, PHASE_STARTING, err));
    assert_field(fixture, &request, "state", "done");
    json_auto_t *entries = read_stream(fixture, &request);
    assert_int_equal(json_array_size(entries), 1);
}

static void a_request_cannot_end_as_running(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    json_auto_t *running = result_new(&request);
    result_set_running(running, "lcg50");
    assert_fault(FAULT_INTERNAL, store_end(fixture->store, &request, HASH, running, err));
    assert_field(fixture, &request, "state", "");
}

static void output_arrives_whole_and_in_order(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    size_t length = 2 * EVENT_OUTPUT_MAX + 1000;
    AUTO(string) char *sent = malloc(length);
    assert_non_null(sent);
    for (size_t i = 0; i < length; i++)
        sent[i] = (char)(i * 7 % 256);
    assert_done(store_output(fixture->store, &request, "stderr", sent, length, err));

    json_auto_t *entries = read_stream(fixture, &request);
    assert_int_equal(json_array_size(entries), 3);
    size_t read = 0;
    for (size_t i = 0; i < json_array_size(entries); i++) {
        json_auto_t *event = event_at(entries, i);
        const char *stream = NULL;
        unsigned char *data = NULL;
        size_t size = 0;
        assert_done(event_output_data(event, &stream, &data, &size, err));
        assert_string_equal(stream, "stderr");
        assert_memory_equal(data, sent + read, size);
        read += size;
        free(data);
    }
    assert_int_equal(read, length);
}

static void output_without_end_does_not_fill_the_store(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    AUTO(string) char *data = calloc(1, EVENT_OUTPUT_MAX);
    assert_non_null(data);
    for (int i = 0; i < 400; i++)
        assert_done(store_output(fixture->store, &request, "stdout", data, EVENT_OUTPUT_MAX, err));
    long kept = ask_number(fixture, "XLEN", &request, KEY_EVENTS);
    assert_in_range(kept, 64, 200);
}

static void a_follower_is_seen_while_he_is_there(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    bool followed = true;
    assert_done(store_followed(fixture->store, &request, &followed, err));
    assert_false(followed);

    char key[KEY_SIZE];
    key_of_user(key, KEY_FOLLOWER, request.user, request.id);
    assert_done(redis_link_text(fixture->link, NULL, err, "SET", key, "1", "PX", "100", NULL));
    assert_done(store_followed(fixture->store, &request, &followed, err));
    assert_true(followed);
    sleep_ms(150);
    assert_done(store_followed(fixture->store, &request, &followed, err));
    assert_false(followed);
}

static void the_list_forgets_what_is_older_than_the_retention(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request old = request_of("alice");
    AUTO(request) struct request future = request_of("alice");
    old.submitted = timestamp_now() - RETENTION_MS - 60000;
    future.submitted = timestamp_now() + RETENTION_MS;
    end_as_done(fixture->store, &old);
    assert_int_equal(ask_number(fixture, "ZCARD", &old, KEY_REQUESTS), 0);
    end_as_done(fixture->store, &future);

    char key[KEY_SIZE];
    key_of_user(key, KEY_REQUESTS, "alice", NULL);
    json_auto_t *score = NULL;
    assert_done(redis_link_text(fixture->link, &score, err, "ZSCORE", key, future.id, NULL));
    assert_true(strtoll(json_string_value(score), NULL, 10) <= timestamp_now());
}

static void a_store_that_lost_its_functions_gets_them_again(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    json_auto_t *result = NULL;
    assert_done(redis_link_text(fixture->link, NULL, err, "FUNCTION", "FLUSH", NULL));
    assert_int_equal(claim_of(fixture->store, &request, HASH, &result), CLAIM_OURS);
    assert_done(redis_link_text(fixture->link, NULL, err, "FUNCTION", "FLUSH", NULL));
    assert_int_equal(claim_of(fixture->store, &request, HASH, &result), CLAIM_OURS);
}

static void a_store_that_was_restarted_is_connected_again(void **state)
{
    struct fixture *fixture = *state;
    json_auto_t *result = NULL;
    fixture_restart(fixture);
    fixture_open(fixture->store);
    AUTO(request) struct request request = request_of("alice");
    assert_int_equal(claim_of(fixture->store, &request, HASH, &result), CLAIM_OURS);
    assert_field(fixture, &request, "state", "running");
}

static void a_store_that_is_down_is_a_dependency(void **state)
{
    (void)state;
    AUTO(store) struct store *store = NULL;
    AUTO(request) struct request request = request_of("alice");
    enum claim claimed = CLAIM_MISMATCH;
    json_t *result = NULL;
    assert_done(store_new("unix:///nonexistent/socket", "lcg50", NULL, &store, err));
    store_trust(store, 1);
    assert_fault(FAULT_DEPENDENCY,
                 store_claim(store, &request, HASH, STANDING_NEW, &claimed, &result, err));
    assert_int_equal(claimed, CLAIM_MISMATCH);
}

static void heartbeats_count_and_carry_the_facts(void **state)
{
    const struct fixture *fixture = *state;
    json_auto_t *facts = json_pack("{s:s, s:i}", "version", "0.1.0", "containers", 12);
    char seq[24];
    assert_done(store_heartbeat(fixture->store, facts, err));
    snprintf(seq, sizeof(seq), "%llu", (unsigned long long)store_seq(fixture->store) + 1);
    assert_done(store_heartbeat(fixture->store, facts, err));

    json_auto_t *values = NULL;
    assert_done(redis_link_text(fixture->link, &values, err, "HMGET", "dcm:server:lcg50", "seq",
                                "version", "containers", "heartbeat", NULL));
    assert_string_equal(json_string_value(json_array_get(values, 0)), seq);
    assert_string_equal(json_string_value(json_array_get(values, 1)), "0.1.0");
    assert_string_equal(json_string_value(json_array_get(values, 2)), "12");
    long long age =
        timestamp_now() - strtoll(json_string_value(json_array_get(values, 3)), NULL, 10);
    assert_in_range(age + 1000, 0, 6000);
    json_auto_t *known = NULL;
    assert_done(
        redis_link_text(fixture->link, &known, err, "SISMEMBER", KEY_SERVERS, "lcg50", NULL));
    assert_int_equal(json_integer_value(known), 1);
}

static void what_is_cancelled_in_the_queue_is_claimed_by_nobody(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    assert_queue(fixture, &request, "queued");
    assert_cancel(fixture->store, &request, CANCEL_NOTED, "queued");
    assert_cancel(fixture->store, &request, CANCEL_NOTED, "queued");
    assert_int_equal(claim_of(fixture->store, &request, HASH, NULL), CLAIM_CANCELLED);
    assert_field(fixture, &request, "state", "queued"); /* whoever claimed it ends it */
}

static void a_cancellation_may_come_before_its_request(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    AUTO(request) struct request other = request_of("alice");
    assert_cancel(fixture->store, &request, CANCEL_NOTED, "");
    assert_queue(fixture, &request, "queued");
    assert_int_equal(claim_of(fixture->store, &request, HASH, NULL), CLAIM_CANCELLED);
    assert_int_equal(claim_of(fixture->store, &other, HASH, NULL), CLAIM_OURS);
}

static void what_has_begun_or_ended_is_not_cancelled(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    assert_int_equal(claim_of(fixture->store, &request, HASH, NULL), CLAIM_OURS);
    assert_cancel(fixture->store, &request, CANCEL_BEGUN, "lcg50");
    assert_int_equal(claim_of(fixture->store, &request, HASH, NULL), CLAIM_OURS);
    end_as_done(fixture->store, &request);
    assert_cancel(fixture->store, &request, CANCEL_ENDED, "done");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REQUEST_TEST(a_queued_record_is_written_once),
        REQUEST_TEST(a_late_queued_record_does_not_undo_a_claim),
        REQUEST_TEST(a_claim_makes_the_record_running_and_tells_the_stream),
        REQUEST_TEST(a_claim_repeated_by_its_server_changes_the_epoch_alone),
        REQUEST_TEST(what_one_server_claimed_is_elsewhere_for_another),
        REQUEST_TEST(an_id_used_with_another_body_is_a_mismatch),
        REQUEST_TEST(an_ended_request_gives_its_result_to_whoever_claims_it),
        REQUEST_TEST(a_record_that_ended_stays_as_it_is),
        REQUEST_TEST(a_request_cannot_end_as_running),
        REQUEST_TEST(output_arrives_whole_and_in_order),
        REQUEST_TEST(output_without_end_does_not_fill_the_store),
        REQUEST_TEST(a_follower_is_seen_while_he_is_there),
        REQUEST_TEST(the_list_forgets_what_is_older_than_the_retention),
        REQUEST_TEST(a_store_that_lost_its_functions_gets_them_again),
        REQUEST_TEST(a_store_that_was_restarted_is_connected_again),
        REQUEST_TEST(a_store_that_is_down_is_a_dependency),
        REQUEST_TEST(heartbeats_count_and_carry_the_facts),
        REQUEST_TEST(what_is_cancelled_in_the_queue_is_claimed_by_nobody),
        REQUEST_TEST(a_cancellation_may_come_before_its_request),
        REQUEST_TEST(what_has_begun_or_ended_is_not_cancelled),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
