#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "schemas/ports.h"
#include "submitter/gate_answer.h"
#include "submitter/gate_ask.h"
#include "submitter/gate_packet.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define ID "01a20a75-eaec-7a6f-84e4-b4b0d27b8dd1"
#define PING                                                                                       \
    "{\"v\":1,\"id\":\"" ID "\",\"op\":\"ping\",\"user\":\"bob\","                                 \
    "\"submitted\":\"2026-11-23T21:00:00.123Z\"}"

/* Through text, as over the socket. */
static int pass_ask(struct gate_ask *ask, const char *user, struct gate_ask *ret_ask,
                    struct error *err)
{
    AUTO(string) char *text = NULL;
    if (gate_ask_encode(ask, &text, err) == -1)
        return -1;
    return gate_ask_decode(text, strlen(text), user, ret_ask, err);
}

static int pass_answer(const struct gate_answer *answer, struct gate_answer *ret_answer)
{
    json_auto_t *message = gate_answer_encode(answer);
    AUTO(string) char *text = json_dumps(message, JSON_COMPACT);
    assert_non_null(text);
    return gate_answer_decode(text, strlen(text), ret_answer, NULL);
}

static void a_request_arrives_as_the_peers_whatever_it_says(void **state)
{
    (void)state;
    AUTO(request) struct request request = {0};
    struct gate_ask ask = {.kind = ASK_SUBMIT, .requests = &request, .count = 1, .wait_ms = 700};
    AUTO(gate_ask) struct gate_ask got = {0};
    assert_int_equal(request_decode(PING, strlen(PING), &request, NULL), 0);
    assert_string_equal(request.user, "bob");

    assert_int_equal(pass_ask(&ask, "alice", &got, NULL), 0);
    assert_int_equal(got.kind, ASK_SUBMIT);
    assert_int_equal(got.count, 1);
    for (size_t i = 0; i < got.count; i++) {
        assert_string_equal(got.requests[i].user, "alice");
        assert_string_equal(got.requests[i].id, ID);
        assert_int_equal(got.requests[i].op, OP_PING);
    }
    assert_int_equal(got.wait_ms, 700);
}

static void several_requests_arrive_in_order_as_the_peers(void **state)
{
    (void)state;
    struct request requests[GATE_ENQUEUE_MOST + 1];
    for (size_t i = 0; i < GATE_ENQUEUE_MOST + 1; i++) {
        assert_int_equal(request_decode(PING, strlen(PING), &requests[i], NULL), 0);
        identifier_new(requests[i].id);
    }
    struct gate_ask ask = {.kind = ASK_ENQUEUE, .requests = requests, .wait_ms = 700};
    AUTO(gate_ask) struct gate_ask got = {0};

    ask.count = GATE_ENQUEUE_MOST + 1;
    assert_int_equal(pass_ask(&ask, "alice", &got, NULL), 0);
    assert_int_equal(ask.count, GATE_ENQUEUE_MOST);
    assert_int_equal(got.count, ask.count);
    for (size_t i = 0; i < got.count; i++) {
        assert_string_equal(got.requests[i].id, requests[i].id);
        assert_string_equal(got.requests[i].user, "alice");
    }
    for (size_t i = 0; i < GATE_ENQUEUE_MOST + 1; i++)
        request_clear(&requests[i]);
}

static void large_requests_leave_room_for_fewer(void **state)
{
    (void)state;
    struct request create = {.op = OP_CONTAINER_CREATE,
                             .user = "bob",
                             .args = json_pack("{s:s}", "image", "debian-ssh")};
    struct request requests[32];
    struct ports ports = {0};
    assert_int_equal(ports_parse("10.0.0.1:8000-8063:8000-8063/udp", &ports, NULL), 0);
    json_object_set_new(create.args, "ports", ports_to_json(&ports));
    identifier_new(create.id);
    for (size_t i = 0; i < 32; i++)
        requests[i] = create;

    struct gate_ask ask = {.kind = ASK_ENQUEUE, .requests = requests, .wait_ms = 700};
    AUTO(gate_ask) struct gate_ask got = {0};
    ask.count = 32;
    assert_int_equal(pass_ask(&ask, "alice", &got, NULL), 0);
    assert_in_range(ask.count, 2, 31);
    assert_int_equal(got.count, ask.count);
    request_clear(&create);
}

static void what_became_of_each_request_arrives(void **state)
{
    (void)state;
    struct error reasons[4] = {{0}}, got[4];
    json_auto_t *outcomes = json_array();
    struct gate_answer answer = {.kind = ANSWER_OUTCOMES, .value = outcomes};
    AUTO(gate_answer) struct gate_answer back = {0};

    fail_by_rule(&reasons[1], FAULT_UNCONFIRMED, "", "no confirm");
    fail_by_rule(&reasons[2], FAULT_CONFLICT, "", "another's id");
    fail_by_rule(&reasons[3], FAULT_UNFINISHED, "", "its record is lost");
    for (size_t i = 0; i < 4; i++)
        json_array_append_new(outcomes, gate_outcome_of(&reasons[i]));
    assert_int_equal(pass_answer(&answer, &back), 0);
    assert_int_equal(back.kind, ANSWER_OUTCOMES);
    for (size_t i = 0; i < 4; i++) {
        gate_outcome_read(json_array_get(back.value, i), &got[i]);
        assert_int_equal(got[i].fault, reasons[i].fault);
        assert_string_equal(got[i].text, reasons[i].text);
    }
}

static void a_request_without_a_user_gets_one(void **state)
{
    (void)state;
    static const char text[] = "{\"v\":1,\"ask\":\"submit\",\"timeout_ms\":9,\"request\":{\"v\":1,"
                               "\"id\":\"" ID "\",\"op\":\"ping\","
                               "\"submitted\":\"2026-11-23T21:00:00.123Z\"}}";
    AUTO(gate_ask) struct gate_ask got = {0};
    assert_int_equal(gate_ask_decode(text, strlen(text), "alice", &got, NULL), 0);
    assert_string_equal(got.requests[0].user, "alice");
}

static void asks_about_a_request_arrive_as_they_were_sent(void **state)
{
    (void)state;
    struct gate_ask record = {.kind = ASK_RECORD, .id = ID};
    struct gate_ask events = {.kind = ASK_EVENTS, .id = ID, .after = "1795471829745-1"};
    struct gate_ask list = {.kind = ASK_LIST, .listing = LIST_LIMITS};
    struct gate_ask got = {0};

    assert_int_equal(pass_ask(&record, "alice", &got, NULL), 0);
    assert_int_equal(got.kind, ASK_RECORD);
    assert_string_equal(got.id, ID);
    assert_int_equal(pass_ask(&events, "alice", &got, NULL), 0);
    assert_int_equal(got.kind, ASK_EVENTS);
    assert_string_equal(got.after, "1795471829745-1");
    assert_int_equal(got.wait_ms, 0);
    assert_int_equal(pass_ask(&list, "alice", &got, NULL), 0);
    assert_int_equal(got.kind, ASK_LIST);
    assert_int_equal(got.listing, LIST_LIMITS);
}

static void long_waits_are_cut_by_both_ends(void **state)
{
    (void)state;
    static const char text[] =
        "{\"v\":1,\"ask\":\"events\",\"id\":\"" ID "\",\"after\":\"0-0\",\"wait_ms\":2000000000}";
    struct gate_ask ask = {.kind = ASK_EVENTS, .id = ID, .after = "0-0", .wait_ms = 60000};
    struct gate_ask got = {0};
    AUTO(string) char *sent = NULL;

    assert_int_equal(gate_ask_encode(&ask, &sent, NULL), 0);
    json_auto_t *message = json_loads(sent, 0, NULL);
    assert_int_equal(number_at(message, "wait_ms"), GATE_WAIT_MOST_MS);
    assert_int_equal(gate_ask_decode(text, strlen(text), "alice", &got, NULL), 0);
    assert_int_equal(got.wait_ms, GATE_WAIT_MOST_MS);
}

static void what_nobody_may_ask_is_refused_and_the_field_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *names;
    } rows[] = {
        {"", "1:0"},
        {"[]", "ask"},
        {"{\"v\":1,\"ask\":\"publish\"}", "ask"},
        {"{\"v\":1,\"ask\":7}", "ask"},
        {"{\"v\":2,\"ask\":\"list\",\"what\":\"containers\"}", "v: must be 1"},
        {"{\"ask\":\"list\",\"what\":\"containers\"}", "v: missing"},
        {"{\"v\":1,\"ask\":\"list\",\"what\":\"servers\"}", "what"},
        {"{\"v\":1,\"ask\":\"list\",\"what\":\"requests\",\"user\":\"bob\"}", "user"},
        {"{\"v\":1,\"ask\":\"record\",\"id\":\"../x\"}", "id"},
        {"{\"v\":1,\"ask\":\"record\",\"id\":\"" ID ":x\"}", "id"},
        {"{\"v\":1,\"ask\":\"events\",\"id\":\"" ID "\",\"after\":\"$\",\"wait_ms\":1}", "after"},
        {"{\"v\":1,\"ask\":\"events\",\"id\":\"" ID "\",\"after\":\"0-0\",\"wait_ms\":-1}",
         "wait_ms"},
        {"{\"v\":1,\"ask\":\"submit\",\"timeout_ms\":0,\"request\":" PING "}", "timeout_ms"},
        {"{\"v\":1,\"ask\":\"submit\",\"timeout_ms\":5,\"request\":[]}", "request"},
        {"{\"v\":1,\"ask\":\"submit\",\"timeout_ms\":5,\"request\":{\"v\":1}}", "id"},
        {"{\"v\":1,\"v\":1,\"ask\":\"list\",\"what\":\"containers\"}", "duplicate"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gate_ask got = {.wait_ms = 42};
        struct error err = {0};
        assert_int_equal(gate_ask_decode(rows[i].text, strlen(rows[i].text), "alice", &got, &err),
                         -1);
        assert_int_equal(err.fault, FAULT_INVALID);
        if (!strstr(err.text, rows[i].names))
            fail_msg("%s: \"%s\" does not name %s", rows[i].text, err.text, rows[i].names);
        assert_int_equal(got.wait_ms, 42);
    }
}

static void an_ill_formed_ask_is_not_even_sent(void **state)
{
    (void)state;
    struct gate_ask ask = {.kind = ASK_RECORD, .id = "latest"};
    char *text = NULL;
    struct error err = {0};
    assert_int_equal(gate_ask_encode(&ask, &text, &err), -1);
    assert_int_equal(err.fault, FAULT_INVALID);
    assert_null(text);
}

static void a_cursor_is_two_numbers(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "0",
                                      "-",
                                      "0-",
                                      "-0",
                                      "$",
                                      "0-0 ",
                                      "0-0-0",
                                      "0x1-0",
                                      "1111111111111111-111111111111111",
                                      "99999999999999999999-1"};
    assert_true(gate_cursor_is_valid("0-0"));
    assert_true(gate_cursor_is_valid("1795471829745-18446744073"));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(gate_cursor_is_valid(bad[i]));
}

static void answers_arrive_as_they_were_given(void **state)
{
    (void)state;
    json_auto_t *value = json_pack("{s:s}", "state", "queued");
    struct gate_answer confirmed = {.kind = ANSWER_CONFIRMED};
    struct gate_answer result = {.kind = ANSWER_RESULT, .value = value};
    struct gate_answer item = {.kind = ANSWER_ITEM, .value = value, .cursor = "5-1"};
    struct gate_answer end = {.kind = ANSWER_END, .cursor = "5-2"};
    const struct gate_answer *given[] = {&confirmed, &result, &item, &end};

    for (size_t i = 0; i < COUNT(given); i++) {
        AUTO(gate_answer) struct gate_answer got = {0};
        assert_int_equal(pass_answer(given[i], &got), 0);
        assert_int_equal(got.kind, given[i]->kind);
        assert_string_equal(got.cursor, given[i]->cursor);
        assert_true(given[i]->value ? json_equal(got.value, value) : got.value == NULL);
    }
}

static void an_error_arrives_with_its_fault_its_rule_and_its_text(void **state)
{
    (void)state;
    struct gate_answer given = {.kind = ANSWER_ERROR};
    AUTO(gate_answer) struct gate_answer got = {0};
    fail_by_rule(&given.error, FAULT_DENIED, "users.alice.images", "no such luck");

    assert_int_equal(pass_answer(&given, &got), 0);
    assert_int_equal(got.kind, ANSWER_ERROR);
    assert_int_equal(got.error.fault, FAULT_DENIED);
    assert_string_equal(got.error.rule, "users.alice.images");
    assert_string_equal(got.error.text, "no such luck");
}

static void the_doubt_about_a_confirm_survives_the_socket(void **state)
{
    (void)state;
    static const enum fault faults[] = {FAULT_UNCONFIRMED, FAULT_DEPENDENCY};
    for (size_t i = 0; i < COUNT(faults); i++) {
        struct gate_answer given = {.kind = ANSWER_ERROR};
        AUTO(gate_answer) struct gate_answer got = {0};
        fail_by_rule(&given.error, faults[i], "", "the broker is away");
        assert_int_equal(pass_answer(&given, &got), 0);
        assert_int_equal(got.error.fault, faults[i]);
    }
}

static void what_no_gate_says_is_an_internal_fault(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "hello",
        "{}",
        "{\"confirmed\":false}",
        "{\"confirmed\":true,\"really\":true}",
        "{\"result\":[]}",
        "{\"item\":{},\"cursor\":\"$\"}",
        "{\"end\":1}",
        "{\"error\":\"no\"}",
        "{\"error\":{\"code\":\"invalid\"}}",
        "{\"error\":{\"code\":\"invalid\",\"message\":\"\"}}",
        "{\"error\":{\"code\":\"\",\"message\":\"no such luck\"}}",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct gate_answer got = {.kind = ANSWER_END};
        struct error err = {0};
        assert_int_equal(gate_answer_decode(bad[i], strlen(bad[i]), &got, &err), -1);
        assert_int_equal(err.fault, FAULT_INTERNAL);
        assert_int_equal(got.kind, ANSWER_END);
        assert_null(got.value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_arrives_as_the_peers_whatever_it_says),
        cmocka_unit_test(a_request_without_a_user_gets_one),
        cmocka_unit_test(several_requests_arrive_in_order_as_the_peers),
        cmocka_unit_test(large_requests_leave_room_for_fewer),
        cmocka_unit_test(what_became_of_each_request_arrives),
        cmocka_unit_test(asks_about_a_request_arrive_as_they_were_sent),
        cmocka_unit_test(long_waits_are_cut_by_both_ends),
        cmocka_unit_test(what_nobody_may_ask_is_refused_and_the_field_named),
        cmocka_unit_test(an_ill_formed_ask_is_not_even_sent),
        cmocka_unit_test(a_cursor_is_two_numbers),
        cmocka_unit_test(answers_arrive_as_they_were_given),
        cmocka_unit_test(an_error_arrives_with_its_fault_its_rule_and_its_text),
        cmocka_unit_test(the_doubt_about_a_confirm_survives_the_socket),
        cmocka_unit_test(what_no_gate_says_is_an_internal_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
