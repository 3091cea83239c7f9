/* How requests end in the store: many at once, and beside whatever others wrote there. */
#include "tests/unit/request_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "schemas/result.h"

#include <cmocka.h>

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
    bool ended[COUNT] = {false};

    for (size_t i = 0; i < COUNT; i++) {
        requests[i] = request_of("alice");
        endings[i] = (struct store_ending){&requests[i], HASH};
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
    for (size_t i = 0; i < COUNT; i++)
        request_clear(&requests[i]);
}

/* All of one round trip; asserts that each has ended. */
static void end_at_once(struct store *store, const struct request *requests, size_t count)
{
    struct store_ending endings[STORE_TOGETHER] = {{0}};
    bool ended[STORE_TOGETHER] = {false};
    for (size_t i = 0; i < count; i++)
        endings[i] = (struct store_ending){&requests[i], HASH};
    assert_done(store_end_unclaimed(store, endings, count, ended, err));
    for (size_t i = 0; i < count; i++)
        assert_true(ended[i]);
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

/* Nobody waits for its answer, but the next call's comes after it. */
static void assert_progress(const struct fixture *fixture, const struct request *request)
{
    bool followed = false;
    assert_done(store_progress(fixture->store, request, PHASE_CREATING, err));
    assert_done(store_followed(fixture->store, request, &followed, err));
    json_auto_t *entries = read_stream(fixture, request);
    assert_phase(entries, json_array_size(entries) - 1, "creating");
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
        assert_progress(fixture, &early);
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
        assert_progress(fixture, &late);
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
        REQUEST_TEST(many_are_claimed_and_ended_at_once),
        REQUEST_TEST(those_of_several_users_end_at_once_each_in_his_own_list),
        REQUEST_TEST(as_many_as_end_at_once_are_all_told),
        REQUEST_TEST(of_what_has_ended_the_newest_streams_stay_and_all_records),
        REQUEST_TEST(what_others_wrote_there_keeps_no_request_from_its_end),
        REQUEST_TEST(what_is_no_result_is_told_as_an_end_that_nobody_knows),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
