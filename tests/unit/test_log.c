#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Standard error is a pipe from setup to teardown; what was logged is read from its other end. */
static struct {
    int real_stderr;
    int reading;
    char text[2 * PIPE_BUF];
} capture;

static int begin(void **state)
{
    int ends[2];

    (void)state;
    capture.real_stderr = dup(STDERR_FILENO);
    if (pipe2(ends, O_NONBLOCK) < 0)
        return -1;
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    capture.reading = ends[0];
    unsetenv("JOURNAL_STREAM");
    log_open("dcm-test", LOG_LEVEL_INFO);
    log_part(NULL);
    log_request(NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    dup2(capture.real_stderr, STDERR_FILENO);
    close(capture.real_stderr);
    close(capture.reading);
    return 0;
}

static const char *logged(void)
{
    ssize_t length = read(capture.reading, capture.text, sizeof(capture.text) - 1);
    capture.text[length < 0 ? 0 : length] = '\0';
    return capture.text;
}

/* Behind the time, whose form is checked on the way. */
static const char *logged_fields(void)
{
    const char *line = logged();
    int length = 0;

    sscanf(line, "time=%*4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ %n", &length);
    assert_int_equal(length, strlen("time=2026-11-23T21:00:00.123Z "));
    return line + length;
}

static void a_line_says_who_and_what(void **state)
{
    (void)state;
    log_part("runner-2");
    log_request("0193a1b2-0000-7000-8000-000000000000");
    log_warning("%d left", 3);
    assert_string_equal(logged_fields(),
                        "level=warning program=dcm-test part=runner-2 "
                        "request=0193a1b2-0000-7000-8000-000000000000 msg=\"3 left\"\n");
}

static void fields_that_do_not_apply_are_left_out(void **state)
{
    (void)state;
    log_request("x");
    log_request(NULL);
    log_info("hello");
    assert_string_equal(logged_fields(), "level=info program=dcm-test msg=\"hello\"\n");
}

static void what_is_below_the_threshold_is_not_written(void **state)
{
    (void)state;
    log_debug("noise");
    assert_string_equal(logged(), "");
    log_open("dcm-test", LOG_LEVEL_DEBUG);
    log_debug("wanted");
    assert_non_null(strstr(logged(), "msg=\"wanted\""));
}

static void a_text_cannot_forge_a_line_or_a_field(void **state)
{
    (void)state;
    log_info("%s", "a\" level=error\nb\\\x1b[0m\xff\xc2\x9b\x7f caf\xc3\xa9");
    assert_string_equal(logged_fields(),
                        "level=info program=dcm-test msg=\"a\\\" level=error\\x0ab\\\\\\x1b[0m"
                        "\\xff\\xc2\\x9b\\x7f caf\xc3\xa9\"\n");
}

static void a_request_id_cannot_forge_a_field(void **state)
{
    (void)state;
    log_request("x msg=\"y");
    log_info("z");
    assert_string_equal(logged_fields(),
                        "level=info program=dcm-test request=\"x msg=\\\"y\" msg=\"z\"\n");
}

static void the_longest_line_is_one_whole_write(void **state)
{
    char text[3000];

    (void)state;
    memset(text, '\n', sizeof(text)); /* four bytes each, escaped */
    text[sizeof(text) - 1] = '\0';
    log_info("%s", text);

    const char *line = logged();
    size_t length = strlen(line);
    assert_in_range(length, PIPE_BUF - 4, PIPE_BUF);
    assert_string_equal(line + length - 6, "\\x0a\"\n");
    assert_string_equal(logged(), "");
}

static void gathered_lines_are_written_together_and_in_their_order(void **state)
{
    (void)state;
    log_gather();
    log_info("one");
    log_info("two");
    assert_string_equal(logged(), "");
    log_release();
    const char *lines = logged(), *one = strstr(lines, "one");
    assert_non_null(one);
    assert_non_null(strstr(one, "two\"\n"));
    log_info("three");
    assert_non_null(strstr(logged(), "three"));
}

static void more_lines_than_a_write_holds_are_written_whole(void **state)
{
    char text[PIPE_BUF / 3];

    (void)state;
    memset(text, 'x', sizeof(text));
    log_gather();
    for (int i = 0; i < 4; i++)
        log_info("%.*s", (int)sizeof(text), text);
    const char *lines = logged();
    assert_int_equal(lines[strlen(lines) - 1], '\n');
    log_release();
    assert_non_null(strstr(logged(), "time="));
}

static void errno_survives_logging(void **state)
{
    (void)state;
    errno = ENOSPC;
    log_error("x");
    assert_int_equal(errno, ENOSPC);
}

static void the_journal_gets_levels_that_it_understands(void **state)
{
    struct stat status;
    char stream[64];

    (void)state;
    fstat(STDERR_FILENO, &status);
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_open("dcm-test", LOG_LEVEL_INFO);
    log_error("x");
    assert_memory_equal(logged(), "<3>time=", 8);

    setenv("JOURNAL_STREAM", "1:1", 1); /* inherited, and stderr leads elsewhere */
    log_open("dcm-test", LOG_LEVEL_INFO);
    log_error("x");
    assert_memory_equal(logged(), "time=", 5);
}

static void levels_have_names(void **state)
{
    enum log_level level = LOG_LEVEL_ERROR;

    (void)state;
    assert_true(log_level_parse("debug", &level));
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_false(log_level_parse("loud", &level));
    assert_int_equal(level, LOG_LEVEL_DEBUG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_says_who_and_what, begin, end),
        cmocka_unit_test_setup_teardown(fields_that_do_not_apply_are_left_out, begin, end),
        cmocka_unit_test_setup_teardown(what_is_below_the_threshold_is_not_written, begin, end),
        cmocka_unit_test_setup_teardown(a_text_cannot_forge_a_line_or_a_field, begin, end),
        cmocka_unit_test_setup_teardown(a_request_id_cannot_forge_a_field, begin, end),
        cmocka_unit_test_setup_teardown(the_longest_line_is_one_whole_write, begin, end),
        cmocka_unit_test_setup_teardown(gathered_lines_are_written_together_and_in_their_order,
                                        begin, end),
        cmocka_unit_test_setup_teardown(more_lines_than_a_write_holds_are_written_whole, begin,
                                        end),
        cmocka_unit_test_setup_teardown(errno_survives_logging, begin, end),
        cmocka_unit_test_setup_teardown(the_journal_gets_levels_that_it_understands, begin, end),
        cmocka_unit_test(levels_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
