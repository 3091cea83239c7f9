/* Records, lists and streams of requests. */
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "schemas/keys.h"
#include "schemas/result.h"
#include "schemas/units.h"
#include "worker/store_keeper.h"
#include "worker/store_requests.h"

#include <cmocka.h>

#define RETENTION_MS ((int64_t)REQUEST_RETENTION_S * 1000)
#define OTHER_HASH "b3f1b3f1b3f1b3f1b3f1b3f1b3f1b3f1b3f1b3f1b3f1b3f1b3f1b3f1b3f1b3f1"

/* A record's field as text, "" if it is not there. */
static void read_field(const struct fixture *fixture, const struct request *request,
                       const char *field, char ret_text[1024])
{
    char key[KEY_SIZE];
    key_of_user(key, KEY_REQUEST, request->user, request->id);
    json_auto_t *value = NULL;
    assert_done(redis_link_text(fixture->link, &value, err, "HGET", key, field, NULL));
    snprintf(ret_text, 1024, "%s", json_is_string(value) ? json_string_value(value) : "");
}

static void assert_field(const struct fixture *fixture, const struct request *request,
                         const char *field, const char *expected)
{
    char text[1024];
    read_field(fixture, request, field, text);
    assert_string_equal(text, expected);
}

/* An integer that Redis answers to a command on one of the request's keys. */
static long ask_number(const struct fixture *fixture, const char *command,
                       const struct request *request, enum user_key which)
{
    char key[KEY_SIZE];
    key_of_user(key, which, request->user, which == KEY_REQUESTS ? NULL : request->id);
    json_auto_t *value = NULL;
    assert_done(redis_link_text(fixture->link, &value, err, command, key, NULL));
    return (long)json_integer_value(value);
}

static json_t *read_stream(const struct fixture *fixture, const struct request *request)
{
    char key[KEY_SIZE];
    key_of_user(key, KEY_EVENTS, request->user, request->id);
    json_t *entries = NULL;
    assert_done(redis_link_read_stream(fixture->link, key, "0-0", 0, &entries, err));
    return entries;
}

/* The event of a stream's entry, checked against its schema. New reference. */
static json_t *event_at(const json_t *entries, size_t index)
{
    const json_t *fields = json_array_get(json_array_get(entries, index), 1);
    assert_string_equal(json_string_value(json_array_get(fields, 0)), "event");
    json_t *event = NULL;
    assert_done(event_decode(json_string_value(json_array_get(fields, 1)), &event, err));
    return event;
}

static void assert_phase(const json_t *entries, size_t index, const char *phase)
{
    json_auto_t *event = event_at(entries, index);
    assert_string_equal(text_at(event, "phase"), phase);
}

/* As the gate asks for it. The reply is the state that is there. */
static void assert_queue(const struct fixture *fixture, const struct request *request,
                         const char *state)
{
    char record[KEY_SIZE];
    char requests[KEY_SIZE];
    char events[KEY_SIZE];
    char submitted[24];
    key_of_user(record, KEY_REQUEST, request->user, request->id);
    key_of_user(requests, KEY_REQUESTS, request->user, NULL);
    key_of_user(events, KEY_EVENTS, request->user, request->id);
    snprintf(submitted, sizeof(submitted), "%lld", (long long)request->submitted);
    json_auto_t *result = result_new(request);
    AUTO(string) char *text = json_dumps(result, JSON_COMPACT);
    const char *argv[] = {"dcm_1_queue", "3",         record,        requests,
                          events,        request->id, request->user, op_name(request->op),
                          HASH,          submitted,   text,          "604800"};
    json_auto_t *reply = NULL;
    assert_done(redis_link_function(fixture->link, COUNT(argv), argv, &reply, err));
    assert_string_equal(json_string_value(reply), state);
}

static enum claim claim_of(struct store *store, const struct request *request, const char *hash,
                           json_t **ret_result)
{
    enum claim claimed = CLAIM_MISMATCH;
    assert_done(store_claim(store, request, hash, false, &claimed, ret_result, err));
    return claimed;
}

static void end_as_done(struct store *store, const struct request *request)
{
    json_auto_t *result = result_new(request);
    result_set_done(result, "lcg50");
    assert_done(store_end(store, request, HASH, result, err));
}

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

static void a_claim_repeated_by_its_server_changes_nothing(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    json_auto_t *result = NULL;
    assert_int_equal(claim_of(fixture->store, &request, HASH, &result), CLAIM_OURS);
    assert_int_equal(claim_of(fixture->store, &request, HASH, &result), CLAIM_OURS);
    assert_field(fixture, &request, "epoch", "1");
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
    AUTO(request) struct request request = request_of("alice");
    json_auto_t *result = NULL;
    assert_int_equal(claim_of(fixture->store, &request, HASH, &result), CLAIM_OURS);
    fixture_restart(fixture);
    fixture_open(fixture->store);
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
                 store_claim(store, &request, HASH, false, &claimed, &result, err));
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

#define TEST(name) cmocka_unit_test_setup(name, fixture_empty)

static void assert_cancel(struct store *store, const struct request *request, enum cancel expected,
                          const char *expected_word)
{
    char word[CANCEL_WORD_SIZE];
    enum cancel cancel = CANCEL_ENDED;
    assert_done(store_cancel(store, request->user, request->id, &cancel, word, err));
    assert_int_equal(cancel, expected);
    assert_string_equal(word, expected_word);
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

/* One round trip for all; what something stands against is left as it is. */
static void many_are_claimed_and_ended_at_once(void **state)
{
    enum { FRESH, QUEUED, OURS, THEIRS, CANCELLED, MISMATCH, ENDED, COUNT };
    static const bool expected[COUNT] = {[FRESH] = true, [QUEUED] = true, [OURS] = true};
    static const char *const states[COUNT] = {"done",   "done",   "done", "running",
                                              "queued", "queued", "done"};
    const struct fixture *fixture = *state;
    AUTO(store) struct store *other = fixture_store(fixture, "lcg51");
    struct request requests[COUNT];
    struct store_ending endings[COUNT];
    json_t *results[COUNT];
    bool ended[COUNT] = {false};

    for (size_t i = 0; i < COUNT; i++) {
        requests[i] = request_of("alice");
        results[i] = result_new(&requests[i]);
        result_set_done(results[i], "lcg50");
        endings[i] = (struct store_ending){&requests[i], HASH, results[i]};
        if (i == QUEUED || i == CANCELLED || i == MISMATCH)
            assert_queue(fixture, &requests[i], "queued");
    }
    endings[MISMATCH].hash = OTHER_HASH;
    assert_int_equal(claim_of(fixture->store, &requests[OURS], HASH, NULL), CLAIM_OURS);
    assert_int_equal(claim_of(other, &requests[THEIRS], HASH, NULL), CLAIM_OURS);
    assert_cancel(fixture->store, &requests[CANCELLED], CANCEL_NOTED, "queued");
    end_as_done(fixture->store, &requests[ENDED]);

    assert_done(store_end_unclaimed(fixture->store, endings, COUNT, ended, err));
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(ended[i], expected[i]);
        assert_field(fixture, &requests[i], "state", states[i]);
    }
    assert_field(fixture, &requests[FRESH], "epoch", "1");
    assert_field(fixture, &requests[OURS], "epoch", "1");
    json_auto_t *entries = read_stream(fixture, &requests[FRESH]);
    assert_int_equal(json_array_size(entries), 1);
    assert_phase(entries, 0, "done");
    assert_int_equal(ask_number(fixture, "TTL", &requests[FRESH], KEY_REQUEST),
                     REQUEST_RETENTION_S);
    for (size_t i = 0; i < COUNT; i++) {
        json_decref(results[i]);
        request_clear(&requests[i]);
    }
}

/* All of one round trip; asserts that each has ended. */
static void end_at_once(struct store *store, const struct request *requests, size_t count)
{
    struct store_ending endings[STORE_TOGETHER] = {{0}};
    json_t *results[STORE_TOGETHER] = {NULL};
    bool ended[STORE_TOGETHER] = {false};
    for (size_t i = 0; i < count; i++) {
        results[i] = result_new(&requests[i]);
        result_set_done(results[i], "lcg50");
        endings[i] = (struct store_ending){&requests[i], HASH, results[i]};
    }
    assert_done(store_end_unclaimed(store, endings, count, ended, err));
    for (size_t i = 0; i < count; i++) {
        assert_true(ended[i]);
        json_decref(results[i]);
    }
}

static void those_of_several_users_end_at_once_each_in_his_own_list(void **state)
{
    const struct fixture *fixture = *state;
    struct request requests[] = {request_of("alice"), request_of("bob"), request_of("alice")};
    end_at_once(fixture->store, requests, 3);
    for (size_t i = 0; i < 3; i++) {
        char key[KEY_SIZE];
        json_auto_t *listed = NULL;
        assert_field(fixture, &requests[i], "state", "done");
        assert_int_equal(ask_number(fixture, "EXISTS", &requests[i], KEY_EVENTS), 1);
        key_of_user(key, KEY_REQUESTS, requests[i].user, NULL);
        assert_done(redis_link_text(fixture->link, &listed, err, "ZCARD", key, NULL));
        assert_int_equal(json_integer_value(listed), i == 1 ? 1 : 2);
        request_clear(&requests[i]);
    }
}

/* Whoever waits for one of them is woken by its stream. */
static void as_many_as_end_at_once_are_all_told(void **state)
{
    const struct fixture *fixture = *state;
    struct request requests[STORE_TOGETHER];
    AUTO(request) struct request before = request_of("alice");
    end_as_done(fixture->store, &before);
    for (size_t i = 0; i < STORE_TOGETHER; i++)
        requests[i] = request_of("alice");
    end_at_once(fixture->store, requests, STORE_TOGETHER);
    for (size_t i = 0; i < STORE_TOGETHER; i++) {
        assert_int_equal(ask_number(fixture, "EXISTS", &requests[i], KEY_EVENTS), 1);
        request_clear(&requests[i]);
    }
    assert_int_equal(ask_number(fixture, "EXISTS", &before, KEY_EVENTS), 0);
}

static void of_what_has_ended_the_newest_streams_stay_and_all_records(void **state)
{
    enum { KEPT = 64, ENDED = KEPT + 3 };
    const struct fixture *fixture = *state;
    AUTO(request) struct request running = request_of("alice");
    AUTO(request) struct request bobs = request_of("bob");
    struct request requests[ENDED];

    assert_int_equal(claim_of(fixture->store, &running, HASH, NULL), CLAIM_OURS);
    end_as_done(fixture->store, &bobs);
    for (size_t i = 0; i < ENDED; i++) {
        requests[i] = request_of("alice");
        end_as_done(fixture->store, &requests[i]);
        end_as_done(fixture->store, &requests[i]); /* again changes nothing */
        if (i == ENDED - KEPT - 1)
            usleep(2000); /* those of one millisecond are equally old */
    }
    for (size_t i = 0; i < ENDED; i++) {
        assert_int_equal(ask_number(fixture, "EXISTS", &requests[i], KEY_EVENTS),
                         i >= ENDED - KEPT);
        assert_field(fixture, &requests[i], "state", "done");
    }
    assert_int_equal(ask_number(fixture, "EXISTS", &running, KEY_EVENTS), 1);
    assert_int_equal(ask_number(fixture, "EXISTS", &bobs, KEY_EVENTS), 1);
    /* An id that has no stream any more is still the same request's alone. */
    assert_int_equal(claim_of(fixture->store, &requests[0], OTHER_HASH, NULL), CLAIM_MISMATCH);
    for (size_t i = 0; i < ENDED; i++)
        request_clear(&requests[i]);
}

/* What a publisher of the user's could write: to a key of the request, or into its record. */
struct planted {
    enum user_key where;
    const char *command[5];
};

static void plant(const struct fixture *fixture, const struct request *request,
                  const struct planted *planted)
{
    const char *const *words = planted->command;
    char key[KEY_SIZE];
    key_of_user(key, planted->where, "alice", planted->where == KEY_REQUESTS ? NULL : request->id);
    if (strcmp(words[0], "HSET") != 0)
        assert_done(redis_link_text(fixture->link, NULL, err, "DEL", key, NULL));
    assert_done(redis_link_text(fixture->link, NULL, err, words[0], key, words[1], words[2],
                                words[2] ? words[3] : NULL, NULL));
}

static void what_others_wrote_there_keeps_no_request_from_its_end(void **state)
{
    static const struct planted planted[] = {
        {KEY_REQUEST, {"SET", "x"}},
        {KEY_REQUESTS, {"SET", "x"}},
        {KEY_EVENTS, {"SET", "x"}},
        {KEY_EVENTS, {"XADD", "18446744073709551615-18446744073709551615", "a", "b"}},
        {KEY_REQUEST, {"HSET", "epoch", "x"}},
        {KEY_REQUEST, {"HSET", "epoch", "9223372036854775807"}},
        {KEY_REQUEST, {"HSET", "server", "\xff"}},
    };
    const struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT(planted); i++) {
        AUTO(request) struct request early = request_of("alice");
        AUTO(request) struct request late = request_of("alice");
        json_auto_t *nothing = NULL;
        plant(fixture, &early, &planted[i]);
        assert_int_equal(claim_of(fixture->store, &early, HASH, &nothing), CLAIM_OURS);
        assert_done(store_progress(fixture->store, &early, PHASE_CREATING, err));
        end_as_done(fixture->store, &early);
        assert_field(fixture, &early, "state", "done");

        AUTO(request) struct request both = request_of("alice");
        plant(fixture, &both, &planted[i]);
        end_at_once(fixture->store, &both, 1);
        assert_field(fixture, &both, "state", "done");

        assert_int_equal(claim_of(fixture->store, &late, HASH, &nothing), CLAIM_OURS);
        plant(fixture, &late, &planted[i]);
        if (strcmp(planted[i].command[1], "server") == 0)
            continue; /* another server's then, which none can end but that */
        assert_done(store_progress(fixture->store, &late, PHASE_CREATING, err));
        end_as_done(fixture->store, &late);
        assert_field(fixture, &late, "state", "done");
    }
}

static void what_is_no_result_is_told_as_an_end_that_nobody_knows(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    json_auto_t *result = NULL;
    const struct planted planted = {KEY_REQUEST, {"HSET", "state", "done"}};
    const struct planted more[] = {{KEY_REQUEST, {"HSET", "hash", HASH}},
                                   {KEY_REQUEST, {"HSET", "result", "\xff{"}}};
    plant(fixture, &request, &planted);
    plant(fixture, &request, &more[0]);
    plant(fixture, &request, &more[1]);
    assert_int_equal(claim_of(fixture->store, &request, HASH, &result), CLAIM_ENDED);
    assert_string_equal(result_state(result), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_queued_record_is_written_once),
        TEST(what_others_wrote_there_keeps_no_request_from_its_end),
        TEST(what_is_no_result_is_told_as_an_end_that_nobody_knows),
        TEST(a_late_queued_record_does_not_undo_a_claim),
        TEST(a_claim_makes_the_record_running_and_tells_the_stream),
        TEST(a_claim_repeated_by_its_server_changes_nothing),
        TEST(what_one_server_claimed_is_elsewhere_for_another),
        TEST(an_id_used_with_another_body_is_a_mismatch),
        TEST(an_ended_request_gives_its_result_to_whoever_claims_it),
        TEST(a_record_that_ended_stays_as_it_is),
        TEST(a_request_cannot_end_as_running),
        TEST(output_arrives_whole_and_in_order),
        TEST(output_without_end_does_not_fill_the_store),
        TEST(a_follower_is_seen_while_he_is_there),
        TEST(the_list_forgets_what_is_older_than_the_retention),
        TEST(a_store_that_lost_its_functions_gets_them_again),
        TEST(a_store_that_was_restarted_is_connected_again),
        TEST(a_store_that_is_down_is_a_dependency),
        TEST(heartbeats_count_and_carry_the_facts),
        TEST(many_are_claimed_and_ended_at_once),
        TEST(those_of_several_users_end_at_once_each_in_his_own_list),
        TEST(as_many_as_end_at_once_are_all_told),
        TEST(of_what_has_ended_the_newest_streams_stay_and_all_records),
        cmocka_unit_test_setup(what_is_cancelled_in_the_queue_is_claimed_by_nobody, fixture_empty),
        cmocka_unit_test_setup(a_cancellation_may_come_before_its_request, fixture_empty),
        cmocka_unit_test_setup(what_has_begun_or_ended_is_not_cancelled, fixture_empty),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
