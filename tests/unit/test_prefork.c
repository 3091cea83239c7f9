/* A real supervisor, forked by each test; its children report on a pipe and do as they are told. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/prefork.h"
#include "common/privileges.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define PATIENCE_MS 10000
#define GRACE_S 1

enum news { BEGAN, SAW_HANGUP, LEAVES };

struct report {
    enum news what;
    size_t slot;
    pid_t pid;
};

static struct family {
    int (*life)(size_t slot); /* of each child; its exit status */
    size_t slots;
    bool barren;      /* before_fork fails */
    pid_t supervisor; /* 0: it has ended */
    int reports;      /* our end of the pipe … */
    int told;         /* … and the supervisor's */
} family;

static void tell(enum news what, size_t slot)
{
    struct report report = {.what = what, .slot = slot, .pid = getpid()};
    if (write(family.told, &report, sizeof report) != (ssize_t)sizeof report)
        _exit(99);
}

static int live(size_t slot, void *context)
{
    (void)context;
    tell(BEGAN, slot);
    return family.life(slot);
}

static int refuse(size_t slot, void *context, struct error *err)
{
    (void)context;
    if (!family.barren)
        return 0;
    tell(BEGAN, slot);
    return (fail)(err, FAULT_INTERNAL, "not now"); /* not the macro */
}

static void begin(struct family wanted)
{
    int pair[2];
    family = wanted;
    assert_int_equal(pipe(pair), 0);
    family.reports = pair[0];
    family.supervisor = fork();
    assert_true(family.supervisor >= 0);
    if (family.supervisor == 0) {
        struct prefork_options options = {
            .slots = family.slots, .name = "child", .grace_s = GRACE_S, .wake_fd = -1};
        struct prefork_hooks hooks = {.child = live, .before_fork = refuse};
        family.told = pair[1];
        close(pair[0]);
        close(STDERR_FILENO); /* crashes on purpose need no log */
        _exit(prefork_run(&options, &hooks, NULL));
    }
    close(pair[1]);
}

/* The next report within this time; false if none came. */
static bool hear(int patience_ms, struct report *ret_report)
{
    struct pollfd fd = {.fd = family.reports, .events = POLLIN};
    return poll(&fd, 1, patience_ms) > 0 &&
           read(family.reports, ret_report, sizeof *ret_report) == (ssize_t)sizeof *ret_report;
}

static struct report expect(int what)
{
    struct report report = {0};
    assert_true(hear(PATIENCE_MS, &report));
    assert_int_equal(report.what, what);
    return report;
}

/* How many children begin within this time? */
static int count_beginnings(int ms)
{
    int64_t end = clock_ms() + ms;
    struct report report;
    int count = 0;
    for (int64_t left = ms; left > 0; left = end - clock_ms())
        count += hear((int)left, &report) && report.what == BEGAN;
    return count;
}

static int end(int number)
{
    int status = 0;
    kill(family.supervisor, number);
    assert_int_equal(waitpid(family.supervisor, &status, 0), family.supervisor);
    family.supervisor = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int tear_down(void **state)
{
    (void)state;
    if (family.supervisor > 0)
        end(SIGTERM);
    close(family.reports);
    return 0;
}

static int wait_to_be_told(size_t slot)
{
    while (!prefork_stopping) {
        if (prefork_hangup())
            tell(SAW_HANGUP, slot);
        poll(NULL, 0, 50);
    }
    tell(LEAVES, slot);
    return EXIT_SUCCESS;
}

static int hear_nothing(size_t slot)
{
    (void)slot;
    signal(SIGTERM, SIG_IGN);
    for (;;)
        pause();
    return EXIT_FAILURE;
}

static int leave_at_once(size_t slot)
{
    (void)slot;
    return EXIT_SUCCESS;
}

static int crash_at_once(size_t slot)
{
    (void)slot;
    return EXIT_FAILURE;
}

static void every_slot_gets_a_child(void **state)
{
    bool seen[3] = {false};
    (void)state;
    begin((struct family){.life = wait_to_be_told, .slots = 3});
    for (int i = 0; i < 3; i++)
        seen[expect(BEGAN).slot] = true;
    assert_true(seen[0] && seen[1] && seen[2]);
    assert_int_equal(end(SIGTERM), EXIT_SUCCESS);
}

static void a_child_that_is_killed_is_replaced_at_once(void **state)
{
    (void)state;
    begin((struct family){.life = wait_to_be_told, .slots = 1});
    pid_t first = expect(BEGAN).pid;
    poll(NULL, 0, 150); /* older than the shortest pause */
    int64_t killed = clock_ms();
    kill(first, SIGKILL);
    pid_t second = expect(BEGAN).pid;
    assert_int_not_equal(first, second);
    assert_true(clock_ms() - killed < 1000);
    assert_int_equal(end(SIGTERM), EXIT_SUCCESS);
}

static void sigterm_lets_every_child_finish(void **state)
{
    struct report report;
    (void)state;
    begin((struct family){.life = wait_to_be_told, .slots = 2});
    expect(BEGAN);
    expect(BEGAN);
    assert_int_equal(end(SIGTERM), EXIT_SUCCESS);
    expect(LEAVES);
    expect(LEAVES);
    assert_false(hear(0, &report)); /* and nobody was forked anew */
}

static void sigint_ends_like_sigterm(void **state)
{
    (void)state;
    begin((struct family){.life = wait_to_be_told, .slots = 1});
    expect(BEGAN);
    assert_int_equal(end(SIGINT), EXIT_SUCCESS);
    expect(LEAVES);
}

static void a_child_that_does_not_hear_is_killed_after_the_grace(void **state)
{
    (void)state;
    begin((struct family){.life = hear_nothing, .slots = 1});
    pid_t deaf = expect(BEGAN).pid;
    poll(NULL, 0, 100); /* until it has stopped listening */
    int64_t began = clock_ms();
    assert_int_equal(end(SIGTERM), EXIT_SUCCESS);
    assert_in_range(clock_ms() - began, GRACE_S * 1000 - 50, PATIENCE_MS);
    assert_int_equal(kill(deaf, 0), -1);
}

static void sighup_reaches_every_child(void **state)
{
    (void)state;
    begin((struct family){.life = wait_to_be_told, .slots = 2});
    expect(BEGAN);
    expect(BEGAN);
    kill(family.supervisor, SIGHUP);
    size_t one = expect(SAW_HANGUP).slot;
    size_t other = expect(SAW_HANGUP).slot;
    assert_int_equal(one + other, 1);
    assert_int_equal(end(SIGTERM), EXIT_SUCCESS);
}

/* 0, 100, 200, 400, 800 ms: within a second and a half it is tried five times, not fifteen. */
static void a_child_that_keeps_dying_young_is_forked_after_growing_pauses(void **state)
{
    (void)state;
    begin((struct family){.life = crash_at_once, .slots = 1});
    assert_in_range(count_beginnings(1500), 3, 7);
    assert_int_equal(end(SIGTERM), EXIT_SUCCESS);
}

static void leaving_with_0_is_no_crash_and_no_storm_of_forks(void **state)
{
    (void)state;
    begin((struct family){.life = leave_at_once, .slots = 1});
    assert_in_range(count_beginnings(1500), 8, 16);
    assert_int_equal(end(SIGTERM), EXIT_SUCCESS);
}

static void a_slot_that_cannot_be_prepared_waits_as_if_its_child_had_died(void **state)
{
    (void)state;
    begin((struct family){.life = wait_to_be_told, .slots = 1, .barren = true});
    assert_in_range(count_beginnings(1500), 3, 7);
    assert_int_equal(end(SIGTERM), EXIT_SUCCESS);
}

static void children_do_not_outlive_their_supervisor(void **state)
{
    (void)state;
    begin((struct family){.life = wait_to_be_told, .slots = 1});
    expect(BEGAN);
    assert_int_equal(end(SIGKILL), -1);
    expect(LEAVES);
}

static void an_account_that_does_not_exist_is_named(void **state)
{
    struct error err = {0};
    (void)state;
    pid_t pid = fork(); /* what privileges_become does before it fails is for good */
    assert_true(pid >= 0);
    if (pid == 0) {
        int status = privileges_become("dcm-nobody-at-all", &err);
        _exit(status == -1 && err.fault == FAULT_INTERNAL && strstr(err.text, "dcm-nobody-at-all")
                  ? 0
                  : 1);
    }
    int status = 1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#define supervised(test) cmocka_unit_test_teardown(test, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        supervised(every_slot_gets_a_child),
        supervised(a_child_that_is_killed_is_replaced_at_once),
        supervised(sigterm_lets_every_child_finish),
        supervised(sigint_ends_like_sigterm),
        supervised(a_child_that_does_not_hear_is_killed_after_the_grace),
        supervised(sighup_reaches_every_child),
        supervised(a_child_that_keeps_dying_young_is_forked_after_growing_pauses),
        supervised(leaving_with_0_is_no_crash_and_no_storm_of_forks),
        supervised(a_slot_that_cannot_be_prepared_waits_as_if_its_child_had_died),
        supervised(children_do_not_outlive_their_supervisor),
        cmocka_unit_test(an_account_that_does_not_exist_is_named),
    };
    log_open("test_prefork", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
