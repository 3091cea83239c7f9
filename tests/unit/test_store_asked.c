/* Requests that another server has claimed: it is asked, and lets go of what it does not do. */
#include "worker/store_asked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "schemas/keys.h"
#include "schemas/result.h"
#include "tests/unit/request_fixture.h"
#include "worker/store_requests.h"

#include <cmocka.h>

static size_t asked_of(struct store *store, char ret_text[128])
{
    json_auto_t *asked = NULL;
    assert_done(store_asked(store, &asked, err));
    snprintf(ret_text, 128, "%s",
             json_array_size(asked) ? json_string_value(json_array_get(asked, 0)) : "");
    return json_array_size(asked);
}

static void who_comes_second_asks_the_one_that_has_it(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(store) struct store *other = fixture_store(fixture, "lcg51");
    AUTO(request) struct request request = request_of("alice");
    json_auto_t *result = NULL;
    char text[128], user[USER_NAME_MAX + 1], id[IDENTIFIER_SIZE];
    assert_int_equal(claim_of(fixture->store, &request, HASH, &result), CLAIM_OURS);
    assert_int_equal(asked_of(fixture->store, text), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(claim_of(other, &request, HASH, &result), CLAIM_ELSEWHERE);
    assert_int_equal(asked_of(other, text), 0);
    assert_int_equal(asked_of(fixture->store, text), 1);
    assert_int_equal(store_asked_read(text, user, id), 0);
    assert_string_equal(user, "alice");
    assert_string_equal(id, request.id);
    assert_done(store_forget_asked(fixture->store, text, err));
    assert_int_equal(asked_of(fixture->store, text), 0);
}

static void what_is_no_question_is_not_read(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "alice",
        "alice ",
        "alice 1",
        " 01a22518-2934-75fe-84d9-6383c64b0140",
        "Alice 01a22518-2934-75fe-84d9-6383c64b0140",
        "alice  01a22518-2934-75fe-84d9-6383c64b0140",
        "alice 01a22518-2934-75fe-84d9-6383c64b0140 ",
        "anamethatislongerthanausersmaybe 01a22518-2934-75fe-84d9-6383c64b0140",
    };
    char user[USER_NAME_MAX + 1], id[IDENTIFIER_SIZE];
    (void)state;
    assert_int_equal(store_asked_read(NULL, user, id), -1);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(store_asked_read(bad[i], user, id), -1);
    assert_int_equal(store_asked_read("alice 01a22518-2934-75fe-84d9-6383c64b0140", user, id), 0);
}

static void what_is_let_go_may_be_claimed_by_another(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(store) struct store *other = fixture_store(fixture, "lcg51");
    AUTO(request) struct request request = request_of("alice");
    json_auto_t *nothing = NULL, *queued = NULL;
    AUTO(held) struct held held = {0};
    char text[1024];
    assert_int_equal(claim_of(fixture->store, &request, HASH, &nothing), CLAIM_OURS);
    assert_fault(FAULT_NOT_FOUND, store_held(other, "alice", request.id, &held, err));
    assert_done(store_held(fixture->store, "alice", request.id, &held, err));
    assert_int_equal(held.op, OP_CONTAINER_CREATE);
    assert_done(store_unclaim(fixture->store, "alice", request.id, &held, err));
    assert_field(fixture, &request, "state", "queued");
    read_field(fixture, &request, "result", text);
    assert_done(result_decode(text, &queued, err));
    assert_string_equal(result_state(queued), "queued");
    assert_true(json_is_null(json_object_get(queued, "server")));
    assert_int_equal(claim_of(other, &request, HASH, &nothing), CLAIM_OURS);
    assert_field(fixture, &request, "server", "lcg51");
    assert_field(fixture, &request, "epoch", "2");
}

static void a_claim_by_no_server_there_is_keeps_nobody_away(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    json_auto_t *nothing = NULL;
    char record[KEY_SIZE];
    key_of_user(record, KEY_REQUEST, "alice", request.id);
    assert_done(redis_link_text(fixture->link, NULL, err, "HSET", record, "state", "running",
                                "server", "nowhere", "hash", HASH, NULL));
    assert_int_equal(claim_of(fixture->store, &request, HASH, &nothing), CLAIM_OURS);
    assert_field(fixture, &request, "server", "lcg50");
}

static void a_call_that_comes_late_takes_no_newer_claim_away(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    json_auto_t *nothing = NULL;
    AUTO(held) struct held held = {0};
    assert_int_equal(claim_of(fixture->store, &request, HASH, &nothing), CLAIM_OURS);
    assert_done(store_held(fixture->store, "alice", request.id, &held, err));
    assert_int_equal(claim_of(fixture->store, &request, HASH, &nothing), CLAIM_OURS);
    assert_done(store_unclaim(fixture->store, "alice", request.id, &held, err));
    assert_field(fixture, &request, "state", "running");
}

static void only_what_is_held_is_let_go(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(store) struct store *other = fixture_store(fixture, "lcg51");
    AUTO(request) struct request request = request_of("alice");
    json_auto_t *nothing = NULL;
    AUTO(held) struct held held = {0}, late = {0};
    assert_fault(FAULT_NOT_FOUND, store_held(other, "alice", request.id, &held, err));
    assert_int_equal(claim_of(other, &request, HASH, &nothing), CLAIM_OURS);
    assert_done(store_held(other, "alice", request.id, &held, err));
    assert_done(store_unclaim(fixture->store, "alice", request.id, &held, err)); /* another's */
    assert_field(fixture, &request, "state", "running");
    end_as_done(other, &request);
    assert_done(store_unclaim(other, "alice", request.id, &held, err)); /* it has ended meanwhile */
    assert_field(fixture, &request, "state", "done");
    assert_fault(FAULT_NOT_FOUND, store_held(other, "alice", request.id, &late, err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REQUEST_TEST(who_comes_second_asks_the_one_that_has_it),
        cmocka_unit_test(what_is_no_question_is_not_read),
        REQUEST_TEST(what_is_let_go_may_be_claimed_by_another),
        REQUEST_TEST(a_claim_by_no_server_there_is_keeps_nobody_away),
        REQUEST_TEST(a_call_that_comes_late_takes_no_newer_claim_away),
        REQUEST_TEST(only_what_is_held_is_let_go),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
