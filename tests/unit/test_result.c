#include "schemas/result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/units.h"

/* last: its fail() is a macro */
#include <cmocka.h>

#define ID "0193a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"
#define CONTAINER_ID "6f55ae927db0776f269f12af4c7a205ba1f647f41854b8fd9f1fc328c90fade7"

static const struct request request = {
    .id = ID,
    .op = OP_CONTAINER_CREATE,
    .user = "alice",
    .submitted = INT64_C(1795467600123),
};

static void check_valid(const json_t *result)
{
    struct error err = {0};
    if (result_check(result, &err))
        fail_msg("%s", err.text);
}

static void check_refused(const json_t *result, const char *message)
{
    struct error err = {0};
    assert_int_equal(result_check(result, &err), -1);
    assert_int_equal(err.fault, FAULT_INVALID);
    assert_string_equal(err.text, message);
}

static json_t *new_container(const char *id, const char *state)
{
    return json_pack("{s:s, s:s?, s:s, s:s, s:i, s:[{s:s, s:i, s:i, s:s}], s:s, s:s, s:n}", "name",
                     "container2635", "id", id, "state", state, "address", "10.0.0.1", "ssh_port",
                     2635, "ports", "address", "10.0.0.2", "host", 80, "container", 80, "protocol",
                     "tcp", "image", "debian-ssh", "created", "2026-11-23T21:00:00.123Z",
                     "expires");
}

static void a_new_result_is_queued_on_no_server(void **state)
{
    json_auto_t *result = result_new(&request);
    AUTO(string) char *text = json_dumps(result, JSON_COMPACT);
    (void)state;
    assert_string_equal(text, "{\"v\":1,\"request\":\"" ID "\",\"op\":\"container.create\","
                              "\"user\":\"alice\",\"state\":\"queued\",\"server\":null,"
                              "\"submitted\":\"2026-11-23T21:00:00.123Z\"}");
    check_valid(result);
    assert_false(result_is_final(result));
}

static void a_running_result_names_its_server(void **state)
{
    json_auto_t *result = result_new(&request);
    (void)state;
    result_set_running(result, "lcg50");
    check_valid(result);
    assert_string_equal(result_state(result), "running");
    assert_string_equal(text_at(result, "server"), "lcg50");
    assert_false(result_is_final(result));
}

static void a_done_result_says_when(void **state)
{
    json_auto_t *result = result_new(&request);
    struct error err = {.fault = FAULT_CONFLICT};
    int64_t finished = 0;
    (void)state;
    result_set_running(result, "lcg50");
    result_set_done(result, NULL);
    check_valid(result);
    assert_true(result_is_final(result));
    assert_string_equal(text_at(result, "server"), "lcg50");
    const char *text = text_at(result, "finished");
    assert_int_equal(timestamp_parse(text, &finished, NULL), 0);
    assert_in_range(timestamp_now() - finished, 0, 60000);
    assert_int_equal(result_fault(result, &err), FAULT_NONE);
    assert_int_equal(err.fault, FAULT_CONFLICT); /* untouched */
}

static void a_failure_comes_back_as_it_was(void **state)
{
    struct error err = {FAULT_DENIED, "users.alice.memory", "too much memory"};
    struct error again = {0};
    json_auto_t *result = result_new(&request);
    (void)state;
    result_set_failed(result, "lcg50", &err);
    check_valid(result);
    assert_string_equal(result_state(result), "refused");
    assert_int_equal(result_fault(result, &again), FAULT_DENIED);
    assert_string_equal(again.text, err.text);
    assert_string_equal(again.rule, err.rule);
}

static void a_failure_before_any_server_leaves_it_null(void **state)
{
    struct error err = {FAULT_NOT_FOUND, "", "no container \"web\""};
    json_auto_t *result = result_new(&request);
    (void)state;
    result_set_failed(result, NULL, &err);
    check_valid(result);
    assert_true(json_is_null(json_object_get(result, "server")));
    assert_null(json_object_get(json_object_get(result, "error"), "rule"));
}

static void every_fault_of_a_settled_request_makes_a_valid_result(void **state)
{
    (void)state;
    for (int fault = FAULT_NONE + 1; fault < FAULT_COUNT; fault++) {
        struct error err = {(enum fault)fault, "", ""};
        json_auto_t *result = result_new(&request);
        if (fault == FAULT_UNFINISHED)
            continue; /* is about the waiting, and no request ends with it */
        result_set_failed(result, "lcg50", &err);
        check_valid(result);
        assert_string_equal(result_state(result), fault_state((enum fault)fault));
        /* Outcomes that share a code come back as the one that the code stands for. */
        assert_string_equal(fault_code(result_fault(result, NULL)), fault_code((enum fault)fault));
    }
}

static void before_the_end_the_fault_is_that_it_has_not_ended(void **state)
{
    struct error err = {0};
    json_auto_t *result = result_new(&request);
    (void)state;
    assert_int_equal(result_fault(result, &err), FAULT_UNFINISHED);
    assert_int_equal(err.fault, FAULT_UNFINISHED);
    assert_non_null(strstr(err.text, "queued"));
}

static void a_container_part_is_checked_whole(void **state)
{
    json_auto_t *result = result_new(&request);
    (void)state;
    result_set_done(result, "lcg50");
    json_object_set_new(result, "container", new_container(CONTAINER_ID, "running"));
    check_valid(result);
    json_object_set_new(json_object_get(result, "container"), "server", json_string("lcg50"));
    check_refused(result, "container.server: unknown field");
}

static void only_a_container_being_created_has_no_id(void **state)
{
    struct error err = {0};
    json_auto_t *creating = new_container(NULL, "creating");
    json_auto_t *stopped = new_container(NULL, "stopped");
    (void)state;
    assert_int_equal(container_check(creating, "", &err), 0);
    assert_int_equal(container_check(stopped, "items[2]", &err), -1);
    assert_string_equal(err.text, "items[2].id: missing in state stopped");
    assert_int_equal(container_check(stopped, "", &err), -1);
    assert_string_equal(err.text, "id: missing in state stopped");
}

static void the_result_of_a_ping_has_nothing_to_describe(void **state)
{
    struct request ping = request;
    ping.op = OP_PING;
    json_auto_t *result = result_new(&ping);
    (void)state;
    result_set_done(result, "lcg50");
    check_valid(result);
    json_object_set_new(result, "container", new_container(CONTAINER_ID, "running"));
    check_refused(result, "container: out of place in the result of a ping");
}

static void finished_and_error_go_with_the_state(void **state)
{
    json_auto_t *result = result_new(&request);
    (void)state;
    json_object_set_new(result, "finished", json_string("2026-11-23T21:00:00.123Z"));
    check_refused(result, "finished: out of place in state queued");
    json_object_set_new(result, "state", json_string("failed"));
    check_refused(result, "error: missing in state failed");
    json_object_set_new(result, "error",
                        json_pack("{s:s, s:s}", "code", "internal", "message", "x"));
    check_valid(result);
    json_object_set_new(result, "state", json_string("done"));
    check_refused(result, "error: out of place in state done");
    json_object_del(result, "error");
    json_object_del(result, "finished");
    check_refused(result, "finished: missing in state done");
}

static void text_becomes_a_result_if_it_is_one(void **state)
{
    struct error err = {0};
    json_auto_t *result = result_new(&request);
    AUTO(string) char *text = json_dumps(result, 0);
    json_auto_t *decoded = NULL;
    json_t *none = NULL;
    (void)state;
    assert_int_equal(result_decode(text, &decoded, &err), 0);
    assert_true(json_equal(decoded, result));
    assert_int_equal(result_decode("{\"v\":1}", &none, &err), -1);
    assert_string_equal(err.text, "request: missing");
    assert_int_equal(result_decode("{", &none, &err), -1);
    assert_int_equal(result_decode("", &none, &err), -1);
    assert_null(none);
}

static void a_code_of_a_later_version_is_refused(void **state)
{
    struct error err = {FAULT_ENGINE, "", "no"};
    json_auto_t *result = result_new(&request);
    (void)state;
    result_set_failed(result, "lcg50", &err);
    json_object_set_new(json_object_get(result, "error"), "code", json_string("teleported"));
    check_refused(result, "error.code: must be one of invalid, policy_denied, quota_exceeded, "
                          "not_found, conflict, unavailable, engine_error, expired, cancelled, "
                          "internal");
}

static void the_text_of_a_new_result_is_the_results(void **state)
{
    (void)state;
    json_auto_t *result = result_new(&request);
    AUTO(string) char *expected = json_dumps(result, JSON_COMPACT);
    AUTO(string) char *text = result_new_text(&request);

    assert_string_equal(text, expected);
}

static void the_text_of_a_done_result_is_the_results(void **state)
{
    (void)state;
    AUTO(string) char *text = result_done_text(&request, "lcg50");
    json_auto_t *read = NULL, *expected = result_new(&request);
    result_set_done(expected, "lcg50");
    assert_int_equal(result_decode(text, &read, NULL), 0);
    assert_true(json_is_string(json_object_get(read, "finished")));
    json_object_set(read, "finished", json_object_get(expected, "finished"));
    AUTO(string) char *written = json_dumps(read, JSON_COMPACT);
    AUTO(string) char *dumped = json_dumps(expected, JSON_COMPACT);
    assert_string_equal(written, dumped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_of_a_new_result_is_the_results),
        cmocka_unit_test(the_text_of_a_done_result_is_the_results),
        cmocka_unit_test(a_new_result_is_queued_on_no_server),
        cmocka_unit_test(a_running_result_names_its_server),
        cmocka_unit_test(a_done_result_says_when),
        cmocka_unit_test(a_failure_comes_back_as_it_was),
        cmocka_unit_test(a_failure_before_any_server_leaves_it_null),
        cmocka_unit_test(every_fault_of_a_settled_request_makes_a_valid_result),
        cmocka_unit_test(before_the_end_the_fault_is_that_it_has_not_ended),
        cmocka_unit_test(a_container_part_is_checked_whole),
        cmocka_unit_test(only_a_container_being_created_has_no_id),
        cmocka_unit_test(the_result_of_a_ping_has_nothing_to_describe),
        cmocka_unit_test(finished_and_error_go_with_the_state),
        cmocka_unit_test(text_becomes_a_result_if_it_is_one),
        cmocka_unit_test(a_code_of_a_later_version_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
