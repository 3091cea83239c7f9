#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "common/auto.h"
#include "submitter/lines.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define MOST 8

static int pipe_with(const char *text, int *ret_writer)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
    if (ret_writer)
        *ret_writer = ends[1];
    else
        close(ends[1]);
    return ends[0];
}

static void assert_line(struct lines *lines, const char *expected)
{
    const char *line = NULL;
    size_t length = 0;
    assert_int_equal(lines_next(lines, &line, &length, NULL), 1);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(line, expected, length);
}

static void assert_end(struct lines *lines)
{
    const char *line = NULL;
    size_t length = 0;
    assert_int_equal(lines_next(lines, &line, &length, NULL), 0);
    assert_int_equal(lines_next(lines, &line, &length, NULL), 0);
}

static void lines_come_one_by_one_also_the_last_without_a_newline(void **state)
{
    (void)state;
    AUTO(fd) int fd = pipe_with("one\n\n12345678\nlast", NULL);
    AUTO(lines) struct lines lines = {0};
    assert_int_equal(lines_begin(fd, MOST, &lines, NULL), 0);
    assert_line(&lines, "one");
    assert_line(&lines, "");
    assert_line(&lines, "12345678");
    assert_line(&lines, "last");
    assert_end(&lines);
}

static void nothing_is_no_line(void **state)
{
    (void)state;
    AUTO(fd) int fd = pipe_with("", NULL);
    AUTO(lines) struct lines lines = {0};
    assert_int_equal(lines_begin(fd, MOST, &lines, NULL), 0);
    assert_end(&lines);
}

static void a_line_that_is_too_long_is_seen_to_be_so_and_skipped(void **state)
{
    (void)state;
    const char *line = NULL;
    size_t length = 0;
    AUTO(fd) int fd = pipe_with("123456789\n1234567890123456789012345\nnext\n123456789", NULL);
    AUTO(lines) struct lines lines = {0};
    assert_int_equal(lines_begin(fd, MOST, &lines, NULL), 0);
    assert_line(&lines, "123456789");
    assert_int_equal(lines_next(&lines, &line, &length, NULL), 1);
    assert_true(length > MOST);
    assert_line(&lines, "next");
    assert_line(&lines, "123456789");
    assert_end(&lines);
}

static void it_is_known_when_the_next_line_is_still_to_come(void **state)
{
    (void)state;
    int writer = -1;
    AUTO(fd) int fd = pipe_with("one\ntwo\n", &writer);
    AUTO(lines) struct lines lines = {0};
    assert_int_equal(lines_begin(fd, MOST, &lines, NULL), 0);
    assert_line(&lines, "one");
    assert_false(lines_would_wait(&lines));
    assert_line(&lines, "two");
    assert_true(lines_would_wait(&lines));
    close(writer);
    assert_false(lines_would_wait(&lines));
    assert_end(&lines);
}

static void what_cannot_be_read_fails(void **state)
{
    (void)state;
    const char *line = NULL;
    size_t length = 0;
    struct error err = {0};
    AUTO(lines) struct lines lines = {0};
    assert_int_equal(lines_begin(-1, MOST, &lines, NULL), 0);
    assert_int_equal(lines_next(&lines, &line, &length, &err), -1);
    assert_int_equal(err.fault, FAULT_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_one_by_one_also_the_last_without_a_newline),
        cmocka_unit_test(nothing_is_no_line),
        cmocka_unit_test(a_line_that_is_too_long_is_seen_to_be_so_and_skipped),
        cmocka_unit_test(it_is_known_when_the_next_line_is_still_to_come),
        cmocka_unit_test(what_cannot_be_read_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
