/* The link against a store that says what the test wants: a child process on a socket, which for
 * each connection answers each command with the next line of its script. */
#include "common/auto.h"
#include "common/redis_link.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define HANG_UP "hang up"
#define SAY_NOTHING "say nothing"

static struct {
    char directory[32];
    char socket[64];
    char url[80];
    pid_t server;
    struct redis_link *link;
    struct error err;
} fixture;

static int listen_on(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

/* Commands of these tests come in one read each. To some nothing is said, "". */
static void answer_all(int listener, const char *const *script)
{
    char command[4096];
    int client = accept(listener, NULL, NULL);

    for (; *script; script++) {
        bool silent = strcmp(*script, SAY_NOTHING) == 0;
        ssize_t length = (ssize_t)strlen(*script);

        if (silent) /* until the other side gives up */
            while (read(client, command, sizeof(command)) > 0)
                continue;
        if (silent || strcmp(*script, HANG_UP) == 0) {
            close(client);
            client = accept(listener, NULL, NULL);
            continue;
        }
        if (read(client, command, sizeof(command)) <= 0 ||
            write(client, *script, (size_t)length) != length)
            _exit(1);
    }
    pause();
    _exit(0);
}

static void serve(const char *const *script)
{
    int listener = listen_on(fixture.socket);
    struct redis_link_options options = {
        .url = fixture.url, .timeout_ms = 300, .functions = "#!lua name=t"};

    fixture.server = fork();
    if (fixture.server == 0)
        answer_all(listener, script);
    close(listener);
    assert_int_equal(redis_link_new(&options, &fixture.link, &fixture.err), 0);
}

static int begin(void **state)
{
    (void)state;
    memset(&fixture, 0, sizeof(fixture));
    strcpy(fixture.directory, "/tmp/redis-link-XXXXXX");
    if (!mkdtemp(fixture.directory))
        return -1;
    snprintf(fixture.socket, sizeof(fixture.socket), "%s/socket", fixture.directory);
    snprintf(fixture.url, sizeof(fixture.url), "unix://%s", fixture.socket);
    return 0;
}

static int end(void **state)
{
    (void)state;
    redis_link_free(fixture.link);
    kill(fixture.server, SIGKILL);
    waitpid(fixture.server, NULL, 0);
    unlink(fixture.socket);
    return rmdir(fixture.directory);
}

static int ask(json_t **ret_reply)
{
    fixture.err = (struct error){.fault = FAULT_NONE};
    return redis_link_text(fixture.link, ret_reply, &fixture.err, "GET", "key", NULL);
}

static void assert_asked(const char *expected)
{
    json_auto_t *reply = NULL;

    assert_int_equal(ask(&reply), 0);
    AUTO(string) char *text = json_dumps(reply, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_string_equal(text, expected);
}

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

#define SCRIPTED(test) cmocka_unit_test_setup_teardown(test, begin, end)

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
