/* The journal's file: killed processes, several at once, damage, and who may read it. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/count.h"
#include "tests/unit/journal_fixture.h"

#include <cmocka.h> /* last: it defines a macro fail() */

/* Kills the child as soon as it has said that it has begun. */
static void a_runner_killed_after_begin_leaves_its_request_to_be_taken_up(void **state)
{
    struct request request = request_of(1);
    int ready[2];
    char byte;
    int status;

    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct journal *journal = open_journal(state);
        begin(journal, &request);
        journal_container(journal, request.id, CONTAINER, NULL);
        if (write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    close(ready[0]);
    close(ready[1]);

    struct journal *journal = open_journal(state);
    assert_unfinished(journal, "1");
    begin(journal, &request);
    struct journal_entry entry = find(journal, request.id);
    assert_int_equal(entry.attempts, 2);
    assert_string_equal(entry.container, CONTAINER);
    journal_entry_clear(&entry);
    end(journal, &request, "done");
    assert_int_equal(journal_recorded(journal, request.id, 7, NULL), 0);
    assert_unfinished(journal, "");
    request_clear(&request);
    journal_close(journal);
}

/* One of several processes works 20 requests through. */
static int work_through(const char *path, unsigned worker)
{
    struct journal *journal = NULL;
    json_t *result = json_pack("{s:s}", "state", "done");
    int status = journal_open(path, &journal, NULL);

    for (unsigned i = 0; status == 0 && i < 20; i++) {
        struct request request = request_of(worker * 100 + i);
        status = journal_begin(journal, &request, HASH, "dcm-gate", "{}", NULL, NULL) ||
                 journal_end(journal, &request, HASH, result, NULL) ||
                 journal_recorded(journal, request.id, 7, NULL);
        request_clear(&request);
    }
    json_decref(result);
    journal_close(journal);
    return status ? 1 : 0;
}

/* Start so many processes at one moment, and count those that fail. */
static int failures_at_once(unsigned count, const char *path,
                            int (*work)(const char *path, unsigned worker))
{
    int gate[2];
    int failures = 0;
    int status;

    assert_int_equal(pipe(gate), 0);
    for (unsigned i = 0; i < count; i++) {
        if (fork() == 0) {
            char byte;
            close(gate[1]);
            if (read(gate[0], &byte, 1) != 0) /* until the parent closes it */
                _exit(1);
            _exit(work(path, i));
        }
    }
    close(gate[0]);
    close(gate[1]);
    for (unsigned i = 0; i < count; i++)
        failures += wait(&status) < 0 || status != 0;
    return failures;
}

static int only_open(const char *path, unsigned worker)
{
    struct journal *journal = NULL;
    struct error err = {0};
    int status = journal_open(path, &journal, &err);

    if (status)
        fprintf(stderr, "process %u: %s\n", worker, err.text);
    journal_close(journal);
    return status ? 1 : 0;
}

static void several_processes_may_make_it_at_once(void **state)
{
    const struct place *place = *state;

    for (int round = 0; round < 15; round++) {
        assert_int_equal(failures_at_once(12, place->path, only_open), 0);
        unlink(place->path); /* the last one out has removed the WAL */
    }
}

static void several_processes_may_use_it_at_once(void **state)
{
    const struct place *place = *state;
    struct request last = request_of(519);

    assert_int_equal(failures_at_once(6, place->path, work_through), 0);
    struct journal *journal = open_journal(state);
    assert_unfinished(journal, "");
    struct journal_entry entry = find(journal, last.id);
    assert_int_equal(entry.state, JOURNAL_ENDED);
    assert_true(entry.recorded);
    journal_entry_clear(&entry);
    request_clear(&last);
    journal_close(journal);
}

static void nobody_else_can_read_it(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    const struct place *place = *state;
    struct journal *journal = open_journal(state);
    char path[80];

    for (size_t i = 0; i < COUNT(suffixes); i++) {
        struct stat status;
        snprintf(path, sizeof(path), "%s%s", place->path, suffixes[i]);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & ALLPERMS, 0600);
    }
    journal_close(journal);
}

static void a_damaged_file_is_ours_to_mend(void **state)
{
    const struct place *place = *state;
    struct journal *journal = NULL;
    struct error err = {0};
    FILE *file = fopen(place->path, "w");

    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fputs("this is no database, ", file);
    fclose(file);
    assert_int_equal(journal_open(place->path, &journal, &err), -1);
    assert_int_equal(err.fault, FAULT_INTERNAL);
    assert_null(journal);
    assert_int_equal(journal_open("/nonexistent/journal.db", &journal, &err), -1);
    assert_int_equal(err.fault, FAULT_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(a_runner_killed_after_begin_leaves_its_request_to_be_taken_up),
        JOURNAL_TEST(several_processes_may_make_it_at_once),
        JOURNAL_TEST(several_processes_may_use_it_at_once),
        JOURNAL_TEST(nobody_else_can_read_it),
        JOURNAL_TEST(a_damaged_file_is_ours_to_mend),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
