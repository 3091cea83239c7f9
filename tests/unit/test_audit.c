#include "worker/audit.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/members.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define WRITERS 8
#define LINES_EACH 200

struct fixture {
    char folder[64];
    char path[96];
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    strcpy(fixture->folder, "/tmp/dcm-audit.XXXXXX");
    if (!mkdtemp(fixture->folder))
        return -1;
    snprintf(fixture->path, sizeof fixture->path, "%s/audit.log", fixture->folder);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    unlink(fixture->path);
    rmdir(fixture->folder);
    free(fixture);
    return 0;
}

static int append(const struct fixture *fixture, const char *text, struct error *err)
{
    json_auto_t *entry = json_pack("{s:s}", "text", text);
    return audit_append(fixture->path, &entry, 1, err);
}

static char *contents(const struct fixture *fixture)
{
    static char bytes[65536];
    FILE *file = fopen(fixture->path, "r");
    assert_non_null(file);
    bytes[fread(bytes, 1, sizeof bytes - 1, file)] = '\0';
    fclose(file);
    return bytes;
}

static void a_line_is_added_to_what_is_there(void **state)
{
    struct error err = {0};
    struct stat status;
    assert_int_equal(append(*state, "one", &err), 0);
    assert_int_equal(append(*state, "two", &err), 0);
    assert_string_equal(contents(*state), "{\"text\":\"one\"}\n{\"text\":\"two\"}\n");
    assert_int_equal(stat(((struct fixture *)*state)->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void lines_that_are_added_together_stand_in_their_order(void **state)
{
    const struct fixture *fixture = *state;
    json_t *entries[] = {json_pack("{s:i}", "n", 1), json_pack("{s:i}", "n", 2)};
    struct error err = {0};
    assert_int_equal(audit_append(fixture->path, entries, 2, &err), 0);
    assert_string_equal(contents(fixture), "{\"n\":1}\n{\"n\":2}\n");
    json_decref(entries[0]);
    json_decref(entries[1]);
}

static void no_text_ends_a_line_or_reaches_a_terminal(void **state)
{
    struct error err = {0};
    assert_int_equal(
        append(*state, "a\n{\"v\":1}\r\x1b[2J\x7f\xc2\x9b\xe2\x80\xa8\xe2\x80\xae", &err), 0);
    const char *line = contents(*state);
    size_t length = strlen(line);
    assert_ptr_equal(strchr(line, '\n'), line + length - 1);
    for (size_t i = 0; i + 1 < length; i++)
        assert_true((line[i] >= ' ' && line[i] < 0x7f) || line[i] == 0x7f);
}

static void a_renamed_file_is_followed_by_another(void **state)
{
    const struct fixture *fixture = *state;
    struct error err = {0};
    char old[128];
    snprintf(old, sizeof old, "%s.1", fixture->path);
    assert_int_equal(append(fixture, "one", &err), 0);
    assert_int_equal(rename(fixture->path, old), 0);
    assert_int_equal(append(fixture, "two", &err), 0);
    unlink(old);
    assert_string_equal(contents(fixture), "{\"text\":\"two\"}\n");
}

static void half_a_line_that_a_crash_left_is_ended_first(void **state)
{
    const struct fixture *fixture = *state;
    struct error err = {0};
    assert_int_equal(append(fixture, "one", &err), 0);
    assert_int_equal(truncate(fixture->path, 5), 0);
    assert_int_equal(append(fixture, "two", &err), 0);
    assert_string_equal(contents(fixture), "{\"tex\n{\"text\":\"two\"}\n");
}

/* A limit on the file's size stands for a disk that is full. */
static void a_line_without_room_leaves_nothing_of_itself(void **state)
{
    struct rlimit usual, small;
    struct error err = {0};
    assert_int_equal(append(*state, "one", &err), 0);
    getrlimit(RLIMIT_FSIZE, &usual);
    small = usual;
    small.rlim_cur = strlen(contents(*state)) + 4;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    int status = append(*state, "two", &err);
    setrlimit(RLIMIT_FSIZE, &usual);
    assert_int_equal(status, -1);
    assert_non_null(strstr(err.text, "File too large"));
    assert_string_equal(contents(*state), "{\"text\":\"one\"}\n");
    assert_int_equal(append(*state, "three", &err), 0);
    assert_string_equal(contents(*state), "{\"text\":\"one\"}\n{\"text\":\"three\"}\n");
}

static void refused(const struct fixture *fixture, const char *words)
{
    struct error err = {0};
    assert_int_equal(audit_check(fixture->path, &err), -1);
    assert_int_equal(err.fault, FAULT_INVALID);
    if (!strstr(err.text, words))
        fail_msg("'%s' does not say '%s'", err.text, words);
    assert_int_equal(append(fixture, "one", &err), -1);
}

static void a_file_that_others_could_have_a_hand_in_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct error err = {0};
    char other[128];
    snprintf(other, sizeof other, "%s.other", fixture->path);
    assert_int_equal(symlink("/etc/passwd", fixture->path), 0);
    refused(fixture, "symbolic link");
    unlink(fixture->path);
    assert_int_equal(mkfifo(fixture->path, 0600), 0);
    refused(fixture, "regular file");
    unlink(fixture->path);
    assert_int_equal(audit_check(fixture->path, &err), 0);
    assert_int_equal(link(fixture->path, other), 0);
    refused(fixture, "one name");
    unlink(other);
    assert_int_equal(chmod(fixture->path, 0644), 0);
    refused(fixture, "chmod 600");
    assert_int_equal(chmod(fixture->path, 0600), 0);
    assert_int_equal(chmod(fixture->folder, 0777), 0);
    refused(fixture, "others can write there");
    assert_int_equal(chmod(fixture->folder, 0700), 0);
    assert_int_equal(audit_check(fixture->path, &err), 0);
}

static void a_folder_that_is_missing_is_named(void **state)
{
    struct error err = {0};
    (void)state;
    assert_int_equal(audit_check("/nowhere/at/all/audit.log", &err), -1);
    assert_string_equal(err.text, "audit: /nowhere/at/all: No such file or directory");
}

static void __attribute__((noreturn)) write_lines(const struct fixture *fixture, int writer)
{
    struct error err = {0};
    for (int i = 0; i < LINES_EACH; i++) {
        json_auto_t *entry = json_pack("{s:i, s:i}", "writer", writer, "line", i);
        if (audit_append(fixture->path, &entry, 1, &err) < 0)
            _exit(EXIT_FAILURE);
    }
    _exit(EXIT_SUCCESS);
}

static void lines_of_several_processes_never_mix(void **state)
{
    const struct fixture *fixture = *state;
    int next[WRITERS] = {0}, lines = 0, status = 0;
    char line[128];
    for (int writer = 0; writer < WRITERS; writer++)
        if (fork() == 0)
            write_lines(fixture, writer);
    for (int writer = 0; writer < WRITERS; writer++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    FILE *file = fopen(fixture->path, "r");
    assert_non_null(file);
    for (; fgets(line, sizeof line, file); lines++) {
        json_auto_t *entry = json_loads(line, 0, NULL);
        assert_non_null(entry);
        json_int_t writer = number_at(entry, "writer");
        assert_int_equal(number_at(entry, "line"), next[writer]++);
    }
    fclose(file);
    assert_int_equal(lines, WRITERS * LINES_EACH);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_line_is_added_to_what_is_there),
        TEST(lines_that_are_added_together_stand_in_their_order),
        TEST(no_text_ends_a_line_or_reaches_a_terminal),
        TEST(a_renamed_file_is_followed_by_another),
        TEST(half_a_line_that_a_crash_left_is_ended_first),
        TEST(a_line_without_room_leaves_nothing_of_itself),
        TEST(a_file_that_others_could_have_a_hand_in_is_refused),
        TEST(a_folder_that_is_missing_is_named),
        TEST(lines_of_several_processes_never_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
