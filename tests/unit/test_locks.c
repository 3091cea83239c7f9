#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/count.h"
#include "common/prefork.h"
#include "worker/locks.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define PATIENCE_MS 10000
#define A_WHILE_MS 200 /* to see that somebody still waits */

static char directory[] = "/tmp/dcm-locks.XXXXXX";

static void take(enum lock_scope scope, const char *name, bool shared, struct lock *lock)
{
    struct error err = {0};
    assert_int_equal(lock_take(directory, scope, name, shared, lock, &err), 0);
}

/* A process that takes the lock and ends: 0 when it got it, 1 when it was told to end meanwhile. */
static pid_t try_in_child(enum lock_scope scope, const char *name, bool shared)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct lock lock = {.file = -1};
        struct error err = {0};
        int status = lock_take(directory, scope, name, shared, &lock, &err);
        _exit(status == 0 ? 0 : 1 + (err.fault != FAULT_DEPENDENCY));
    }
    return pid;
}

/* The exit status within this time, or -1 while it goes on. */
static int status_of(pid_t pid, int patience_ms)
{
    int status = 0;
    for (int waited = 0; waited <= patience_ms; waited += 10) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
        usleep(10000);
    }
    return -1;
}

static void assert_free(enum lock_scope scope, const char *name, bool shared)
{
    assert_int_equal(status_of(try_in_child(scope, name, shared), PATIENCE_MS), 0);
}

static void a_second_process_waits_until_the_first_lets_go(void **state)
{
    struct lock lock = {.file = -1};
    (void)state;
    take(LOCK_CONTAINER, "web", false, &lock);
    pid_t other = try_in_child(LOCK_CONTAINER, "web", false);
    assert_int_equal(status_of(other, A_WHILE_MS), -1);
    lock_release(&lock);
    assert_int_equal(lock.file, -1);
    assert_int_equal(status_of(other, PATIENCE_MS), 0);
}

static void who_will_not_wait_is_told_that_it_is_taken(void **state)
{
    struct lock mine = {.file = -1}, tried = {.file = -1};
    (void)state;
    take(LOCK_CONTAINER, "web", false, &mine);
    assert_int_equal(lock_try(directory, LOCK_CONTAINER, "web", &tried, NULL), 0);
    assert_int_equal(tried.file, -1);
    lock_release(&mine);
    assert_int_equal(lock_try(directory, LOCK_CONTAINER, "web", &tried, NULL), 0);
    assert_true(tried.file >= 0);
    pid_t other = try_in_child(LOCK_CONTAINER, "web", false);
    assert_int_equal(status_of(other, A_WHILE_MS), -1);
    lock_release(&tried);
    assert_int_equal(status_of(other, PATIENCE_MS), 0);
}

static void other_names_and_scopes_are_free(void **state)
{
    struct lock lock = {.file = -1};
    (void)state;
    take(LOCK_CONTAINER, "web", false, &lock);
    assert_free(LOCK_CONTAINER, "mail", false);
    assert_free(LOCK_REQUEST, "web", false);
    lock_release(&lock);
}

static void a_shared_lock_lets_others_share_and_keeps_the_whole_one_out(void **state)
{
    struct lock lock = {.file = -1};
    (void)state;
    take(LOCK_NETWORK, "alice", true, &lock);
    assert_free(LOCK_NETWORK, "alice", true);
    pid_t whole = try_in_child(LOCK_NETWORK, "alice", false);
    assert_int_equal(status_of(whole, A_WHILE_MS), -1);
    lock_release(&lock);
    assert_int_equal(status_of(whole, PATIENCE_MS), 0);
}

static void a_process_that_is_killed_lets_go(void **state)
{
    int ready[2];
    char byte = 0;
    (void)state;
    assert_int_equal(pipe(ready), 0);
    pid_t holder = fork();
    assert_true(holder >= 0);
    if (holder == 0) {
        struct lock lock = {.file = -1};
        struct error err;
        if (lock_take(directory, LOCK_REQUEST, "id", false, &lock, &err) == 0 &&
            write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    pid_t other = try_in_child(LOCK_REQUEST, "id", false);
    assert_int_equal(status_of(other, A_WHILE_MS), -1);
    kill(holder, SIGKILL);
    assert_int_equal(status_of(holder, PATIENCE_MS), 128);
    assert_int_equal(status_of(other, PATIENCE_MS), 0);
    close(ready[0]);
    close(ready[1]);
}

/* As a runner's follower of a log is: it outlives the request. */
static void a_child_forked_meanwhile_does_not_keep_what_was_released(void **state)
{
    struct lock lock = {.file = -1};
    (void)state;
    take(LOCK_REQUEST, "followed", false, &lock);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        pause();
        _exit(1);
    }
    lock_release(&lock);
    assert_free(LOCK_REQUEST, "followed", false);
    kill(child, SIGKILL);
    assert_int_equal(status_of(child, PATIENCE_MS), 128);
}

static void note_stop(int number)
{
    (void)number;
    prefork_stopping = 1;
}

static void note_nothing(int number)
{
    (void)number;
}

static void only_the_end_interrupts_the_wait(void **state)
{
    struct lock lock = {.file = -1};
    struct sigaction stop = {.sa_handler = note_stop}, go_on = {.sa_handler = note_nothing};
    (void)state;
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGHUP, &go_on, NULL);
    take(LOCK_CONTAINER, "web", false, &lock);
    pid_t other = try_in_child(LOCK_CONTAINER, "web", false);
    assert_int_equal(status_of(other, A_WHILE_MS), -1);
    kill(other, SIGHUP);
    assert_int_equal(status_of(other, A_WHILE_MS), -1);
    kill(other, SIGTERM);
    assert_int_equal(status_of(other, PATIENCE_MS), 1);
    lock_release(&lock);
}

static void a_missing_directory_is_a_fault_of_ours(void **state)
{
    struct lock lock = {.file = -1};
    struct error err = {0};
    (void)state;
    assert_int_equal(lock_take("/nonexistent", LOCK_REQUEST, "id", false, &lock, &err), -1);
    assert_int_equal(err.fault, FAULT_INTERNAL);
    assert_int_equal(lock.file, -1);
}

/* Last: this process never gives the server's lock back. */
static void a_second_worker_learns_that_the_first_is_there(void **state)
{
    bool busy = true;
    struct error err = {0};
    (void)state;
    assert_int_equal(lock_server(directory, false, &busy, &err), 0);
    assert_false(busy);
    assert_int_equal(lock_server(directory, false, &busy, &err), 0);
    assert_true(busy);
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
    static const char *const files[] = {"locks", "worker.lock"};
    (void)state;
    for (size_t i = 0; i < COUNT(files); i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%s", directory, files[i]);
        unlink(path);
    }
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_process_waits_until_the_first_lets_go),
        cmocka_unit_test(who_will_not_wait_is_told_that_it_is_taken),
        cmocka_unit_test(other_names_and_scopes_are_free),
        cmocka_unit_test(a_shared_lock_lets_others_share_and_keeps_the_whole_one_out),
        cmocka_unit_test(a_process_that_is_killed_lets_go),
        cmocka_unit_test(a_child_forked_meanwhile_does_not_keep_what_was_released),
        cmocka_unit_test(only_the_end_interrupts_the_wait),
        cmocka_unit_test(a_missing_directory_is_a_fault_of_ours),
        cmocka_unit_test(a_second_worker_learns_that_the_first_is_there),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
