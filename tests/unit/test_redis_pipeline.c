/* Many commands in one round trip, and what is only told. */
#include "tests/unit/redis_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/auto.h"

static int pipeline(json_t **ret_replies)
{
    const char *const get[] = {"GET", "a"}, *const count[] = {"INCR", "b"};
    const struct redis_command commands[] = {{2, get}, {2, count}};
    return redis_link_pipeline(fixture.link, commands, 2, ret_replies, &fixture.err);
}

static void commands_of_a_pipeline_are_answered_in_order(void **state)
{
    static const char *const script[] = {"$1\r\nx\r\n:7\r\n", NULL};
    json_auto_t *replies = NULL;

    (void)state;
    serve(script);
    assert_int_equal(pipeline(&replies), 0);
    AUTO(string) char *text = json_dumps(replies, JSON_COMPACT);
    assert_string_equal(text, "[\"x\",7]");
}

static void an_error_in_a_pipeline_leaves_the_link_in_step(void **state)
{
    static const char *const script[] = {"-ERR no\r\n:7\r\n", ":8\r\n", NULL};
    json_auto_t *reply = NULL;

    (void)state;
    serve(script);
    assert_int_equal(pipeline(NULL), -1);
    assert_int_equal(fixture.err.fault, FAULT_INTERNAL);
    assert_int_equal(redis_link_text(fixture.link, &reply, &fixture.err, "INCR", "b", NULL), 0);
    assert_int_equal(json_integer_value(reply), 8);
}

/* The first, and the one that nobody waits for. */
static void tell_twice(void)
{
    const char *const argv[] = {"event", "0"};
    const struct redis_command call = {2, argv};

    assert_int_equal(redis_link_tell(fixture.link, &call, NULL), 0);
    assert_int_equal(redis_link_tell(fixture.link, &call, NULL), 0);
}

static void what_is_only_told_is_answered_before_the_next_command(void **state)
{
    static const char *const script[] = {":1\r\n", "-ERR no\r\n", ":2\r\n", NULL};

    (void)state;
    serve(script);
    tell_twice();
    usleep(
        50000); /* for the answer to arrive: an idle connection that is readable is no broken one */
    assert_asked("2");
}

static void assert_told_and_asked_anew(const char *const *script)
{
    serve(script);
    tell_twice();
    usleep(50000); /* for the end of the connection to arrive */
    assert_asked("2");
}

static void a_connection_that_ends_with_an_answer_owed_is_replaced(void **state)
{
    static const char *const script[] = {":1\r\n", "", HANG_UP, ":2\r\n", NULL};

    (void)state;
    assert_told_and_asked_anew(script);
}

static void an_answer_that_is_owed_for_too_long_is_given_up(void **state)
{
    static const char *const script[] = {":1\r\n", SAY_NOTHING, ":2\r\n", NULL};

    (void)state;
    assert_told_and_asked_anew(script);
}

static void a_function_that_is_missing_when_it_is_told_is_loaded(void **state)
{
    static const char *const script[] = {"-ERR Function not found\r\n", "$1\r\nt\r\n", ":1\r\n",
                                         ":2\r\n", NULL};
    const char *const argv[] = {"event", "0"};
    const struct redis_command call = {2, argv};

    (void)state;
    serve(script);
    assert_int_equal(redis_link_tell(fixture.link, &call, NULL), 0);
    assert_asked("2");
}

static void functions_missing_in_a_pipeline_are_loaded_and_all_sent_again(void **state)
{
    static const char *const script[] = {"-ERR Function not found\r\n-ERR Function not found\r\n",
                                         "$1\r\nt\r\n", ":1\r\n:2\r\n", NULL};
    const char *const call[] = {"f", "0"};
    const struct redis_command calls[] = {{2, call}, {2, call}};

    (void)state;
    serve(script);
    assert_int_equal(redis_link_pipeline_functions(fixture.link, calls, 2, NULL, &fixture.err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPTED(commands_of_a_pipeline_are_answered_in_order),
        SCRIPTED(an_error_in_a_pipeline_leaves_the_link_in_step),
        SCRIPTED(what_is_only_told_is_answered_before_the_next_command),
        SCRIPTED(a_connection_that_ends_with_an_answer_owed_is_replaced),
        SCRIPTED(an_answer_that_is_owed_for_too_long_is_given_up),
        SCRIPTED(a_function_that_is_missing_when_it_is_told_is_loaded),
        SCRIPTED(functions_missing_in_a_pipeline_are_loaded_and_all_sent_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
