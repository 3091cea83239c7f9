#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "schemas/units.h"
#include "worker/journal.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CONTAINER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

struct place {
    char directory[40];
    char path[64];
};

static int set_up(void **state)
{
    static struct place place;

    snprintf(place.directory, sizeof(place.directory), "/tmp/dcm-journal-XXXXXX");
    assert_non_null(mkdtemp(place.directory));
    snprintf(place.path, sizeof(place.path), "%s/journal.db", place.directory);
    *state = &place;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    const struct place *place = *state;
    char path[80];

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", place->path, suffixes[i]);
        unlink(path);
    }
    return rmdir(place->directory);
}

static struct journal *open_journal(void *const *state)
{
    const struct place *place = *state;
    struct journal *journal = NULL;
    struct error err = {0};

    if (journal_open(place->path, &journal, &err))
        fail_msg("%s", err.text);
    return journal;
}

/* A ping of alice's; the number makes its id. */
static struct request request_of(unsigned number)
{
    struct request request = {.op = OP_PING, .user = "alice", .submitted = 1700000000000};

    snprintf(request.id, sizeof(request.id), "0193a1b2-0000-7000-8000-%012u", number);
    request.args = json_object();
    return request;
}

static void begin(struct journal *journal, const struct request *request)
{
    struct error err = {0};

    if (journal_begin(journal, request, HASH, "dcm-gate", "{\"the\":\"body\"}", &err))
        fail_msg("%s", err.text);
}

static void end(struct journal *journal, const struct request *request, const char *state)
{
    json_t *result = json_pack("{s:s}", "state", state);
    struct error err = {0};

    if (journal_end(journal, request, HASH, result, &err))
        fail_msg("%s", err.text);
    json_decref(result);
}

static struct journal_entry find(struct journal *journal, const char *id)
{
    struct journal_entry entry = {0};
    struct error err = {0};

    if (journal_find(journal, id, &entry, &err))
        fail_msg("%s", err.text);
    return entry;
}

/* expected: the last digits of the ids, in their order. */
static void assert_unfinished(struct journal *journal, const char *expected)
{
    json_t *ids = NULL;

    assert_int_equal(journal_unfinished(journal, &ids, NULL), 0);
    assert_int_equal(json_array_size(ids), strlen(expected));
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const json_t *id = json_array_get(ids, i);
        assert_int_equal(json_string_value(id)[json_string_length(id) - 1], expected[i]);
    }
    json_decref(ids);
}

static void a_request_that_nobody_began_is_unknown(void **state)
{
    struct journal *journal = open_journal(state);
    struct journal_entry entry = find(journal, "0193a1b2-0000-7000-8000-000000000001");

    assert_int_equal(entry.state, JOURNAL_UNKNOWN);
    assert_null(entry.body);
    journal_entry_clear(&entry);
    assert_unfinished(journal, "");
    journal_close(journal);
}

static void what_was_begun_is_found_as_it_came(void **state)
{
    struct journal *journal = open_journal(state);
    struct request request = request_of(1);

    begin(journal, &request);
    assert_int_equal(journal_container(journal, request.id, CONTAINER, NULL), 0);
    journal_close(journal);

    journal = open_journal(state); /* as after a crash */
    struct journal_entry entry = find(journal, request.id);
    assert_int_equal(entry.state, JOURNAL_BEGUN);
    assert_string_equal(entry.hash, HASH);
    assert_string_equal(entry.publisher, "dcm-gate");
    assert_string_equal(entry.body, "{\"the\":\"body\"}");
    assert_string_equal(entry.container, CONTAINER);
    assert_int_equal(entry.attempts, 1);
    assert_false(entry.recorded);
    assert_null(entry.result);
    journal_entry_clear(&entry);
    request_clear(&request);
    journal_close(journal);
}

static void beginning_again_counts_and_keeps_the_rest(void **state)
{
    struct journal *journal = open_journal(state);
    struct request request = request_of(1);

    begin(journal, &request);
    assert_int_equal(journal_container(journal, request.id, CONTAINER, NULL), 0);
    assert_int_equal(journal_begin(journal, &request, HASH, "other", "another body", NULL), 0);
    struct journal_entry entry = find(journal, request.id);
    assert_int_equal(entry.attempts, 2);
    assert_string_equal(entry.container, CONTAINER);
    assert_string_equal(entry.publisher, "dcm-gate");
    assert_string_equal(entry.body, "{\"the\":\"body\"}");
    journal_entry_clear(&entry);
    request_clear(&request);
    journal_close(journal);
}

static void the_first_result_stays(void **state)
{
    struct journal *journal = open_journal(state);
    struct request request = request_of(1);

    begin(journal, &request);
    end(journal, &request, "done");
    end(journal, &request, "failed");
    struct journal_entry entry = find(journal, request.id);
    assert_int_equal(entry.state, JOURNAL_ENDED);
    assert_string_equal(json_string_value(json_object_get(entry.result, "state")), "done");
    assert_false(entry.recorded);
    journal_entry_clear(&entry);
    request_clear(&request);
    journal_close(journal);
}

static void a_request_may_end_that_was_not_begun(void **state)
{
    struct journal *journal = open_journal(state);
    struct request request = request_of(1);
    struct request read = {0};

    end(journal, &request, "refused");
    struct journal_entry entry = find(journal, request.id);
    assert_int_equal(entry.state, JOURNAL_ENDED);
    assert_string_equal(entry.hash, HASH);
    assert_int_equal(request_decode(entry.body, strlen(entry.body), &read, NULL), 0);
    assert_string_equal(read.id, request.id);
    assert_string_equal(read.user, "alice");
    journal_entry_clear(&entry);
    request_clear(&read);
    request_clear(&request);
    journal_close(journal);
}

static void the_unfinished_come_oldest_first(void **state)
{
    struct journal *journal = open_journal(state);

    for (unsigned number = 5; number > 0; number--) {
        struct request request = request_of(number);
        begin(journal, &request);
        if (number == 4 || number == 2)
            end(journal, &request, "done");
        if (number == 2)
            assert_int_equal(journal_recorded(journal, request.id, NULL), 0);
        request_clear(&request);
    }
    assert_unfinished(journal, "5431"); /* 4 has ended, and the store does not know it */
    journal_close(journal);
}

static void what_is_not_there_cannot_be_changed(void **state)
{
    struct journal *journal = open_journal(state);
    struct request request = request_of(1);
    struct error err = {0};

    assert_int_equal(journal_container(journal, request.id, CONTAINER, &err), -1);
    assert_int_equal(err.fault, FAULT_INTERNAL);
    begin(journal, &request);
    assert_int_equal(journal_recorded(journal, request.id, &err), -1); /* it has not ended */
    request_clear(&request);
    journal_close(journal);
}

static void a_tombstone_stays(void **state)
{
    struct journal *journal = open_journal(state);
    bool is = true;

    assert_int_equal(journal_is_tombstone(journal, CONTAINER, &is, NULL), 0);
    assert_false(is);
    assert_int_equal(journal_tombstone(journal, CONTAINER, NULL), 0);
    assert_int_equal(journal_tombstone(journal, CONTAINER, NULL), 0);
    assert_int_equal(journal_is_tombstone(journal, CONTAINER, &is, NULL), 0);
    assert_true(is);
    journal_close(journal);
}

static void only_what_is_over_is_forgotten(void **state)
{
    struct journal *journal = open_journal(state);
    struct request requests[] = {request_of(1), request_of(2), request_of(3)};
    bool is = true;

    for (size_t i = 0; i < 3; i++)
        begin(journal, &requests[i]);
    end(journal, &requests[1], "done");
    end(journal, &requests[2], "done");
    assert_int_equal(journal_recorded(journal, requests[2].id, NULL), 0);
    assert_int_equal(journal_tombstone(journal, CONTAINER, NULL), 0);

    assert_int_equal(journal_prune(journal, timestamp_now() - 60000, NULL), 0);
    struct journal_entry entry = find(journal, requests[2].id);
    assert_int_equal(entry.state, JOURNAL_ENDED); /* too young */
    journal_entry_clear(&entry);
    assert_int_equal(journal_prune(journal, timestamp_now() + 60000, NULL), 0);
    entry = find(journal, requests[2].id);
    assert_int_equal(entry.state, JOURNAL_UNKNOWN);
    assert_unfinished(journal, "12");
    assert_int_equal(journal_is_tombstone(journal, CONTAINER, &is, NULL), 0);
    assert_false(is);
    for (size_t i = 0; i < 3; i++)
        request_clear(&requests[i]);
    journal_close(journal);
}

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
    assert_int_equal(journal_recorded(journal, request.id, NULL), 0);
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
        status = journal_begin(journal, &request, HASH, "dcm-gate", "{}", NULL) ||
                 journal_end(journal, &request, HASH, result, NULL) ||
                 journal_recorded(journal, request.id, NULL);
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
    int status = journal_open(path, &journal, NULL);

    (void)worker;
    journal_close(journal);
    return status ? 1 : 0;
}

static void several_processes_may_make_it_at_once(void **state)
{
    const struct place *place = *state;

    for (int round = 0; round < 40; round++) {
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

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
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

#define JOURNAL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(a_request_that_nobody_began_is_unknown),
        JOURNAL_TEST(what_was_begun_is_found_as_it_came),
        JOURNAL_TEST(beginning_again_counts_and_keeps_the_rest),
        JOURNAL_TEST(the_first_result_stays),
        JOURNAL_TEST(a_request_may_end_that_was_not_begun),
        JOURNAL_TEST(the_unfinished_come_oldest_first),
        JOURNAL_TEST(what_is_not_there_cannot_be_changed),
        JOURNAL_TEST(a_tombstone_stays),
        JOURNAL_TEST(only_what_is_over_is_forgotten),
        JOURNAL_TEST(a_runner_killed_after_begin_leaves_its_request_to_be_taken_up),
        JOURNAL_TEST(several_processes_may_make_it_at_once),
        JOURNAL_TEST(several_processes_may_use_it_at_once),
        JOURNAL_TEST(nobody_else_can_read_it),
        JOURNAL_TEST(a_damaged_file_is_ours_to_mend),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
