#include "common/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/count.h"
#undef fail /* cmocka's macro of the same name */

static void a_failure_says_fault_and_text(void **state)
{
    struct error err = {.rule = "left over"};

    (void)state;
    assert_int_equal(fail(&err, FAULT_CONFLICT, "%s exists", "web"), -1);
    assert_int_equal(err.fault, FAULT_CONFLICT);
    assert_string_equal(err.text, "web exists");
    assert_string_equal(err.rule, "");
}

static void a_failure_may_go_unheard(void **state)
{
    (void)state;
    assert_int_equal(fail(NULL, FAULT_ENGINE, "x"), -1);
    assert_int_equal(fail_by_rule(NULL, FAULT_DENIED, "defaults", "x"), -1);
    assert_int_equal(fail_while(NULL, "x"), -1);
}

static void a_prefix_keeps_fault_and_rule(void **state)
{
    struct error err;

    (void)state;
    fail_by_rule(&err, FAULT_QUOTA, "users.alice.memory", "too much memory");
    assert_int_equal(fail_while(&err, "creating %s", "web"), -1);
    assert_int_equal(err.fault, FAULT_QUOTA);
    assert_string_equal(err.rule, "users.alice.memory");
    assert_string_equal(err.text, "creating web: too much memory");
}

static void a_text_may_quote_the_error_it_replaces(void **state)
{
    struct error err;

    (void)state;
    fail(&err, FAULT_ENGINE, "no space");
    fail(&err, FAULT_INTERNAL, "after that: %s", err.text);
    assert_string_equal(err.text, "after that: no space");
}

static void a_long_text_is_cut_between_characters(void **state)
{
    struct error err;
    char text[300];

    (void)state;
    memset(text, 'x', sizeof(text));
    /* The last byte that fits is the first of a two-byte character. */
    memcpy(text + sizeof(err.text) - 2, "\xc3\xa9", 2);
    text[sizeof(text) - 1] = '\0';
    fail(&err, FAULT_ENGINE, "%s", text);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_int_equal(err.text[sizeof(err.text) - 2], '?');
}

static void a_long_prefix_leaves_a_terminated_text(void **state)
{
    struct error err;
    char text[300];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    fail(&err, FAULT_ENGINE, "cause");
    fail_while(&err, "%s", text);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void what_no_terminal_should_see_becomes_question_marks(void **state)
{
    struct error err;

    (void)state;
    fail(&err, FAULT_ENGINE, "%s",
         "\x1b[2J\xff\xc0\x80 \xc2\x9b caf\xc3\xa9 \xf0\x9f\x90\xb3\nend");
    assert_string_equal(err.text, "?[2J??? ?? caf\xc3\xa9 \xf0\x9f\x90\xb3 end");
}

static const struct {
    enum fault fault;
    const char *code, *state;
    int exit_status;
    enum fate fate;
} documented[] = {
    {FAULT_INVALID, "invalid", "failed", 2, FATE_SETTLE},
    {FAULT_DENIED, "policy_denied", "refused", 3, FATE_SETTLE},
    {FAULT_QUOTA, "quota_exceeded", "refused", 3, FATE_SETTLE},
    {FAULT_NOT_FOUND, "not_found", "failed", 4, FATE_SETTLE},
    {FAULT_CONFLICT, "conflict", "failed", 1, FATE_SETTLE},
    {FAULT_ENGINE, "engine_error", "failed", 1, FATE_SETTLE},
    {FAULT_EXPIRED, "expired", "expired", 1, FATE_SETTLE},
    {FAULT_CANCELLED, "cancelled", "cancelled", 1, FATE_SETTLE},
    {FAULT_DEPENDENCY, "unavailable", "failed", 6, FATE_RETRY},
    {FAULT_INTERNAL, "internal", "failed", 1, FATE_PARK},
};

static void every_code_means_what_the_documents_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(documented); i++) {
        enum fault fault = documented[i].fault;
        assert_string_equal(fault_code(fault), documented[i].code);
        assert_string_equal(fault_state(fault), documented[i].state);
        assert_int_equal(fault_exit_status(fault), documented[i].exit_status);
        assert_int_equal(fault_fate(fault), documented[i].fate);
        assert_int_equal(fault_from_code(documented[i].code), fault);
    }
}

static void in_doubt_has_exit_statuses_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(fault_exit_status(FAULT_UNCONFIRMED), 7);
    assert_string_equal(fault_state(FAULT_UNCONFIRMED), "unknown");
    assert_int_equal(fault_exit_status(FAULT_UNFINISHED), 5);
    assert_int_equal(fault_exit_status(FAULT_NONE), 0);
}

static void a_shared_code_is_told_apart_by_how_the_request_ended(void **state)
{
    (void)state;
    assert_int_equal(fault_of_end("unavailable", "refused"), FAULT_NO_ROOM);
    assert_int_equal(fault_exit_status(FAULT_NO_ROOM), 3);
    assert_int_equal(fault_fate(FAULT_NO_ROOM), FATE_SETTLE);
    assert_int_equal(fault_of_end("unavailable", "failed"), FAULT_DEPENDENCY);
    assert_int_equal(fault_of_end("internal", "unknown"), FAULT_UNKNOWN);
    assert_int_equal(fault_of_end("conflict", "of the future"), FAULT_CONFLICT);
    assert_int_equal(fault_of_end(NULL, NULL), FAULT_INTERNAL);
}

static void an_unknown_code_is_an_internal_fault(void **state)
{
    (void)state;
    assert_int_equal(fault_from_code("from_the_future"), FAULT_INTERNAL);
    assert_int_equal(fault_from_code(""), FAULT_INTERNAL);
    assert_int_equal(fault_from_code(NULL), FAULT_INTERNAL);
}

static void every_fault_has_a_row(void **state)
{
    (void)state;
    for (int fault = FAULT_NONE; fault < FAULT_COUNT; fault++) {
        assert_non_null(fault_code((enum fault)fault));
        assert_non_null(fault_state((enum fault)fault));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_says_fault_and_text),
        cmocka_unit_test(a_failure_may_go_unheard),
        cmocka_unit_test(a_prefix_keeps_fault_and_rule),
        cmocka_unit_test(a_text_may_quote_the_error_it_replaces),
        cmocka_unit_test(a_long_text_is_cut_between_characters),
        cmocka_unit_test(a_long_prefix_leaves_a_terminated_text),
        cmocka_unit_test(what_no_terminal_should_see_becomes_question_marks),
        cmocka_unit_test(every_code_means_what_the_documents_say),
        cmocka_unit_test(in_doubt_has_exit_statuses_of_its_own),
        cmocka_unit_test(a_shared_code_is_told_apart_by_how_the_request_ended),
        cmocka_unit_test(an_unknown_code_is_an_internal_fault),
        cmocka_unit_test(every_fault_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
