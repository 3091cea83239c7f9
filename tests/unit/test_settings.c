#include "common/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/count.h"

struct sample {
    char *name;
    char *directory;
    char *store;
    long bits;
    char **brokers;
    char **addresses;
};

static const struct setting table[] = {
    {.name = "name", .kind = SETTING_TEXT, .offset = offsetof(struct sample, name)},
    {.name = "directory",
     .kind = SETTING_PATH,
     .offset = offsetof(struct sample, directory),
     .fallback = "/var/lib/dcm"},
    {.name = "store",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct sample, store),
     .fallback = "",
     .secret = true},
    {.name = "bits",
     .kind = SETTING_NUMBER,
     .offset = offsetof(struct sample, bits),
     .fallback = "26",
     .least = 16,
     .most = 30},
    {.name = "broker",
     .kind = SETTING_LIST,
     .offset = offsetof(struct sample, brokers),
     .fallback = ""},
    {.name = "addresses",
     .kind = SETTING_LIST,
     .offset = offsetof(struct sample, addresses),
     .fallback = "127.0.0.1, ::1"},
};
#define ROWS COUNT(table)

/* A file, and what reading it came to. */
static struct {
    char path[32];
    struct sample sample;
    struct error err;
} fixture;

static int begin(void **state)
{
    (void)state;
    memset(&fixture, 0, sizeof(fixture));
    strcpy(fixture.path, "/tmp/settings-XXXXXX");
    int fd = mkstemp(fixture.path);
    return fd < 0 ? -1 : close(fd);
}

static int end(void **state)
{
    (void)state;
    settings_free(table, ROWS, &fixture.sample);
    return unlink(fixture.path);
}

static int read_bytes(const char *bytes, size_t length)
{
    FILE *file = fopen(fixture.path, "w");

    assert_non_null(file);
    fwrite(bytes, 1, length, file);
    fclose(file);
    return settings_read(fixture.path, table, ROWS, &fixture.sample, &fixture.err);
}

static int read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

static void assert_refused(const char *text, const char *message)
{
    static const struct sample zeroed;

    assert_int_equal(read_text(text), -1);
    assert_int_equal(fixture.err.fault, FAULT_INVALID);
    assert_memory_equal(fixture.err.text, fixture.path, strlen(fixture.path));
    assert_string_equal(fixture.err.text + strlen(fixture.path), message);
    assert_memory_equal(&fixture.sample, &zeroed, sizeof(zeroed));
}

static void every_kind_is_read(void **state)
{
    (void)state;
    assert_int_equal(read_text("# a comment\n"
                               "\n"
                               "name =  two words \r\n"
                               "directory=/srv/a = b # c\n"
                               "\tbits = 24\n"
                               "broker = amqp://a, amqp://b\tamqp://c ,\n"
                               "store = redis://x"),
                     0);
    assert_string_equal(fixture.sample.name, "two words");
    assert_string_equal(fixture.sample.directory, "/srv/a = b # c");
    assert_int_equal(fixture.sample.bits, 24);
    assert_string_equal(fixture.sample.brokers[0], "amqp://a");
    assert_string_equal(fixture.sample.brokers[1], "amqp://b");
    assert_string_equal(fixture.sample.brokers[2], "amqp://c");
    assert_null(fixture.sample.brokers[3]);
    assert_string_equal(fixture.sample.store, "redis://x");
}

static void what_is_left_out_falls_back(void **state)
{
    (void)state;
    assert_int_equal(read_text("name = x\n"), 0);
    assert_string_equal(fixture.sample.directory, "/var/lib/dcm");
    assert_int_equal(fixture.sample.bits, 26);
    assert_null(fixture.sample.store);
    assert_non_null(fixture.sample.brokers);
    assert_null(fixture.sample.brokers[0]);
    assert_string_equal(fixture.sample.addresses[1], "::1");
}

static void mistakes_are_refused_with_their_line(void **state)
{
    static const struct {
        const char *text, *message;
    } mistakes[] = {
        {"name = x\nnmae = y\n", ":2: there is no setting \"nmae\""},
        {"name = x\nname = x\n", ":2: name is set twice"},
        {"name\n", ":1: expected \"name = value\""},
        {"name =\n", ":1: name has no value"},
        {"\nbroker = , ,\n", ":2: broker has no value"},
        {"bits = 31\n", ":1: bits must be a number from 16 to 30"},
        {"bits = 24x\n", ":1: bits must be a number from 16 to 30"},
        {"bits = 99999999999999999999\n", ":1: bits must be a number from 16 to 30"},
        {"directory = srv\n", ":1: directory must be an absolute path"},
        {"bits = 24\n", ": name is missing"},
        {"name = x\ndirectory = /srv\nbroker = a b\nbits = 1\n",
         ":4: bits must be a number from 16 to 30"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(mistakes); i++)
        assert_refused(mistakes[i].text, mistakes[i].message);
}

static void a_nul_byte_does_not_hide_the_rest_of_a_line(void **state)
{
    (void)state;
    assert_int_equal(read_bytes("name = x\0y\n", 11), -1);
    assert_non_null(strstr(fixture.err.text, ":1: the line holds a NUL byte"));
}

static void a_secret_in_a_file_for_everybody_is_refused(void **state)
{
    (void)state;
    chmod(fixture.path, 0644);
    assert_refused("name = x\nstore = redis://u:p@h\n",
                   ":2: store is a secret, but everybody may read the file: chmod o=");
    chmod(fixture.path, 0640);
    assert_int_equal(read_text("name = x\nstore = redis://u:p@h\n"), 0);
}

static void without_a_secret_everybody_may_read(void **state)
{
    (void)state;
    chmod(fixture.path, 0644);
    assert_int_equal(read_text("name = x\n"), 0);
}

static void a_file_that_is_not_there_is_refused(void **state)
{
    (void)state;
    assert_int_equal(settings_read("/nonexistent/file", table, ROWS, &fixture.sample, &fixture.err),
                     -1);
    assert_int_equal(fixture.err.fault, FAULT_INVALID);
    assert_string_equal(fixture.err.text, "/nonexistent/file: No such file or directory");
    assert_int_equal(settings_read("/tmp", table, ROWS, &fixture.sample, &fixture.err), -1);
    assert_string_equal(fixture.err.text, "/tmp: Is a directory");
}

static void without_a_file_only_fallbacks_count(void **state)
{
    (void)state;
    assert_int_equal(settings_read(NULL, table + 1, ROWS - 1, &fixture.sample, &fixture.err), 0);
    assert_int_equal(fixture.sample.bits, 26);
    settings_free(table, ROWS, &fixture.sample);
    assert_int_equal(settings_read(NULL, table, ROWS, &fixture.sample, &fixture.err), -1);
    assert_string_equal(fixture.err.text, "name is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_kind_is_read, begin, end),
        cmocka_unit_test_setup_teardown(what_is_left_out_falls_back, begin, end),
        cmocka_unit_test_setup_teardown(mistakes_are_refused_with_their_line, begin, end),
        cmocka_unit_test_setup_teardown(a_nul_byte_does_not_hide_the_rest_of_a_line, begin, end),
        cmocka_unit_test_setup_teardown(a_secret_in_a_file_for_everybody_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(without_a_secret_everybody_may_read, begin, end),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_there_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(without_a_file_only_fallbacks_count, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
