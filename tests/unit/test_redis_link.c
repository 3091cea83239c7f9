/* One command and its reply, whatever becomes of it; and streams. */
#include "tests/unit/redis_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/auto.h"

static void assert_fails(enum fault fault, const char *message)
{
    json_t *reply = NULL;

    assert_int_equal(ask(&reply), -1);
    assert_int_equal(fixture.err.fault, fault);
    assert_non_null(strstr(fixture.err.text, message));
    assert_null(reply);
}

static void every_kind_of_reply_becomes_json(void **state)
{
    static const char *const script[] = {
        "+OK\r\n",    ":42\r\n",
        "$-1\r\n",    "$3\r\na\"b\r\n",
        "$0\r\n\r\n", "*2\r\n*2\r\n:1\r\n*0\r\n$-1\r\n",
        NULL,
    };

    (void)state;
    serve(script);
    assert_asked("\"OK\"");
    assert_asked("42");
    assert_asked("null");
    assert_asked("\"a\\\"b\"");
    assert_asked("\"\"");
    assert_asked("[[1,[]],null]");
}

static void what_is_no_text_is_refused_and_the_link_goes_on(void **state)
{
    static const char *const script[] = {"$2\r\n\xff\xfe\r\n", "*2\r\n:1\r\n$1\r\n\xff\r\n", NULL};

    (void)state;
    serve(script);
    assert_fails(FAULT_INTERNAL, "not UTF-8");
    assert_asked("[1,null]");
}

static void a_store_in_trouble_is_a_dependency_and_says_what_to_do(void **state)
{
    static const char *const script[] = {
        "-LOADING Redis is loading the dataset in memory\r\n",
        "-READONLY You can't write against a read only replica.\r\n",
        "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
        "-MASTERDOWN Link with MASTER is down\r\n",
        "-NOAUTH Authentication required.\r\n",
        "-NOPERM this user has no permissions\r\n",
        NULL,
    };

    (void)state;
    serve(script);
    assert_fails(FAULT_DEPENDENCY, "wait");
    assert_fails(FAULT_DEPENDENCY, "name the primary");
    assert_fails(FAULT_DEPENDENCY, "maxmemory");
    assert_fails(FAULT_DEPENDENCY, "primary is down");
    assert_fails(FAULT_DEPENDENCY, "put them into the URL");
    assert_fails(FAULT_DEPENDENCY, "ACL SETUSER");
}

static void any_other_refusal_is_our_own_fault(void **state)
{
    static const char *const script[] = {"-ERR unknown command\r\n", NULL};

    (void)state;
    serve(script);
    assert_fails(FAULT_INTERNAL, "unknown command");
}

static void a_connection_closed_while_idle_is_replaced(void **state)
{
    static const char *const script[] = {":1\r\n", HANG_UP, ":2\r\n", NULL};

    (void)state;
    serve(script);
    assert_asked("1");
    usleep(50000); /* for the end of the connection to arrive */
    assert_asked("2");
}

static void silence_is_a_dependency_and_the_next_call_connects_anew(void **state)
{
    static const char *const script[] = {SAY_NOTHING, ":2\r\n", NULL};

    (void)state;
    serve(script);
    assert_fails(FAULT_DEPENDENCY, "no answer in time");
    assert_asked("2");
}

static void what_is_no_redis_is_an_internal_fault(void **state)
{
    static const char *const script[] = {"HTTP/1.1 400 Bad Request\r\n", NULL};

    (void)state;
    serve(script);
    assert_fails(FAULT_INTERNAL, "Protocol error");
}

static int call_function(json_t **ret_reply)
{
    const char *argv[] = {"dcm_1_state", "1", "key", "argument"};
    return redis_link_function(fixture.link, 4, argv, ret_reply, &fixture.err);
}

static void a_missing_function_is_loaded_once(void **state)
{
    static const char *const script[] = {"-ERR Function not found\r\n", "$1\r\nt\r\n", ":7\r\n",
                                         NULL};
    json_auto_t *reply = NULL;

    (void)state;
    serve(script);
    assert_int_equal(call_function(&reply), 0);
    assert_int_equal(json_integer_value(reply), 7);
}

static void a_function_that_stays_missing_is_an_internal_fault(void **state)
{
    static const char *const script[] = {"-ERR Function not found\r\n", "$1\r\nt\r\n",
                                         "-ERR Function not found\r\n", NULL};

    (void)state;
    serve(script);
    assert_int_equal(call_function(NULL), -1);
    assert_int_equal(fixture.err.fault, FAULT_INTERNAL);
}

static void a_stream_is_read_as_its_entries(void **state)
{
    static const char *const script[] = {
        "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$5\r\nevent\r\n$2\r\n{}\r\n",
        "*-1\r\n",
        "*-1\r\n",
        NULL,
    };
    json_auto_t *entries = NULL;
    json_auto_t *none = NULL;
    json_auto_t *none_yet = NULL;

    (void)state;
    serve(script);
    assert_int_equal(redis_link_read_stream(fixture.link, "s", "0-0", 1000, &entries, &fixture.err),
                     0);
    AUTO(string) char *text = json_dumps(entries, JSON_COMPACT);
    assert_string_equal(text, "[[\"1-0\",[\"event\",\"{}\"]]]");

    assert_int_equal(redis_link_read_stream(fixture.link, "s", "1-0", 0, &none, &fixture.err), 0);
    assert_true(json_is_array(none));
    assert_int_equal(json_array_size(none), 0);
    assert_int_equal(
        redis_link_read_stream(fixture.link, "s", "1-0", 1000, &none_yet, &fixture.err), 0);
    assert_int_equal(json_array_size(none_yet), 0);
}

static int read_and_get(json_t **ret_entries, json_t **ret_answer)
{
    const char *const get[] = {"GET", "a"};
    const struct redis_command then = {2, get};
    return redis_link_read_stream_then(fixture.link, "s", "0-0", 1000, &then, ret_entries,
                                       ret_answer, &fixture.err);
}

static void what_goes_along_with_a_stream_is_answered_after_it(void **state)
{
    static const char *const script[] = {"*-1\r\n$1\r\nx\r\n", ":2\r\n", NULL};
    json_auto_t *entries = NULL, *answer = NULL;

    (void)state;
    serve(script);
    assert_int_equal(read_and_get(&entries, &answer), 0);
    assert_int_equal(json_array_size(entries), 0);
    assert_string_equal(json_string_value(answer), "x");
    assert_asked("2");
}

static void a_stream_is_read_whatever_is_wrong_with_what_goes_along(void **state)
{
    static const char *const script[] = {"*-1\r\n-WRONGTYPE no\r\n", ":2\r\n", NULL};
    json_auto_t *entries = NULL, *answer = NULL;

    (void)state;
    serve(script);
    assert_int_equal(read_and_get(&entries, &answer), 0);
    assert_non_null(entries);
    assert_null(answer);
    assert_asked("2");
}

static void a_stream_that_is_none_leaves_the_link_in_step(void **state)
{
    static const char *const script[] = {"-WRONGTYPE no\r\n$1\r\nx\r\n", ":2\r\n", NULL};
    json_auto_t *entries = NULL, *answer = NULL;

    (void)state;
    serve(script);
    assert_int_equal(read_and_get(&entries, &answer), -1);
    assert_int_equal(fixture.err.fault, FAULT_INTERNAL);
    assert_null(entries);
    assert_null(answer);
    assert_asked("2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPTED(every_kind_of_reply_becomes_json),
        SCRIPTED(what_is_no_text_is_refused_and_the_link_goes_on),
        SCRIPTED(a_store_in_trouble_is_a_dependency_and_says_what_to_do),
        SCRIPTED(any_other_refusal_is_our_own_fault),
        SCRIPTED(a_connection_closed_while_idle_is_replaced),
        SCRIPTED(silence_is_a_dependency_and_the_next_call_connects_anew),
        SCRIPTED(what_is_no_redis_is_an_internal_fault),
        SCRIPTED(a_missing_function_is_loaded_once),
        SCRIPTED(a_function_that_stays_missing_is_an_internal_fault),
        SCRIPTED(a_stream_is_read_as_its_entries),
        SCRIPTED(what_goes_along_with_a_stream_is_answered_after_it),
        SCRIPTED(a_stream_is_read_whatever_is_wrong_with_what_goes_along),
        SCRIPTED(a_stream_that_is_none_leaves_the_link_in_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
