#include "common/prefork.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

#define PAUSE_LEAST_MS 100
#ifdef DCM_FAULTS
#define PAUSE_MOST_MS 200 /* whoever kills children by the hundred does not want to wait */
#else
#define PAUSE_MOST_MS 5000
#endif
#define YOUNG_MS 5000 /* a child that fails before this age makes its slot's pause grow */
#define TURN_MS 1000

volatile sig_atomic_t prefork_stopping;
static volatile sig_atomic_t hangups;

struct slot {
    pid_t pid;          /* 0: empty */
    int64_t forked_at;  /* milliseconds, monotonic */
    int64_t not_before; /* when it may be forked again */
    int64_t pause;
};

struct prefork {
    const struct prefork_options *options;
    const struct prefork_hooks *hooks;
    void *context;
    struct slot *slots;
    int signals;
    sigset_t inherited; /* the mask to give back to children */
    pid_t self;
    int64_t kill_at; /* 0: not stopping */
    bool ready;
    int64_t watchdog_ms, watchdog_at;
};

static void on_signal(int number)
{
    if (number == SIGHUP)
        hangups = 1;
    else
        prefork_stopping = 1;
}

bool prefork_hangup(void)
{
    if (!hangups)
        return false;
    hangups = 0;
    return true;
}

static const char *slot_name(const struct prefork *prefork, size_t slot)
{
    return prefork->options->names ? prefork->options->names[slot] : prefork->options->name;
}

/* A child notices SIGTERM and SIGHUP between two steps: no SA_RESTART, so that waits end early. */
static void child_signals(const struct prefork *prefork)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    /* Ctrl-C in a terminal reaches the whole group; the supervisor passes it on as SIGTERM. */
    signal(SIGINT, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_SETMASK, &prefork->inherited, NULL);
}

static void __attribute__((noreturn)) be_child(struct prefork *prefork, size_t slot)
{
    child_signals(prefork);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != prefork->self)
        _exit(EXIT_FAILURE); /* the supervisor died before the line above */
    close(prefork->signals);
    free(prefork->slots);
    const char *name = slot_name(prefork, slot);
    prctl(PR_SET_NAME, name);
    log_part(name);
    exit(prefork->hooks->child(slot, prefork->context));
}

static void pause_slot(struct slot *slot, bool failed)
{
    int64_t now = clock_ms();
    if (!failed || now - slot->forked_at >= YOUNG_MS)
        slot->pause = 0;
    slot->not_before = now + slot->pause;
    /* Even one that leaves in peace is not forked over and over without a breath. */
    if (slot->not_before < slot->forked_at + PAUSE_LEAST_MS)
        slot->not_before = slot->forked_at + PAUSE_LEAST_MS;
    if (failed)
        slot->pause = slot->pause ? slot->pause * 2 : PAUSE_LEAST_MS;
    if (slot->pause > PAUSE_MOST_MS)
        slot->pause = PAUSE_MOST_MS;
}

static void fork_slot(struct prefork *prefork, size_t index)
{
    struct slot *slot = &prefork->slots[index];
    struct error err = {0};
    slot->forked_at = clock_ms();
    if (prefork->hooks->before_fork &&
        prefork->hooks->before_fork(index, prefork->context, &err) < 0) {
        log_error("%s: %s", slot_name(prefork, index), err.text);
        pause_slot(slot, true);
        return;
    }
    pid_t pid = fork();
    if (pid == 0)
        be_child(prefork, index);
    if (pid < 0) {
        log_error("%s: fork: %s", slot_name(prefork, index), strerror(errno));
        pause_slot(slot, true);
        return;
    }
    slot->pid = pid;
    if (prefork->hooks->after_fork)
        prefork->hooks->after_fork(index, pid, prefork->context);
}

static void reap(struct prefork *prefork)
{
    int status = 0;
    pid_t pid = 0;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < prefork->options->slots; i++) {
            struct slot *slot = &prefork->slots[i];
            if (slot->pid != pid)
                continue;
            slot->pid = 0;
            bool failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
            if (failed && WIFSIGNALED(status))
                log_error("%s (pid %d) was killed by signal %d", slot_name(prefork, i), (int)pid,
                          WTERMSIG(status));
            else if (failed)
                log_error("%s (pid %d) ended with status %d", slot_name(prefork, i), (int)pid,
                          WEXITSTATUS(status));
            pause_slot(slot, failed);
            if (prefork->hooks->ended)
                prefork->hooks->ended(i, status, prefork->context);
        }
    }
}

static size_t count_running(const struct prefork *prefork)
{
    size_t running = 0;
    for (size_t i = 0; i < prefork->options->slots; i++)
        running += prefork->slots[i].pid != 0;
    return running;
}

static void tell_children(const struct prefork *prefork, int number)
{
    for (size_t i = 0; i < prefork->options->slots; i++)
        if (prefork->slots[i].pid)
            kill(prefork->slots[i].pid, number);
}

static void begin_stop(struct prefork *prefork)
{
    if (prefork->kill_at)
        return;
    sd_notify(0, "STOPPING=1");
    log_info("stopping: what is under way is finished first");
    prefork->kill_at = clock_ms() + (int64_t)prefork->options->grace_s * 1000;
    tell_children(prefork, SIGTERM);
}

static void read_signals(struct prefork *prefork)
{
    struct signalfd_siginfo info;
    while (read(prefork->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
            begin_stop(prefork);
        } else if (info.ssi_signo == SIGHUP) {
            if (prefork->hooks->hangup)
                prefork->hooks->hangup(prefork->context);
            tell_children(prefork, SIGHUP);
        }
    }
}

/* Fill empty slots, lowest first, up to what is wanted. Returns how long the next turn may wait. */
static int fill_slots(struct prefork *prefork)
{
    size_t slots = prefork->options->slots;
    size_t wanted = prefork->hooks->wanted ? prefork->hooks->wanted(prefork->context) : slots;
    int wait = TURN_MS;
    size_t running = count_running(prefork);
    for (size_t i = 0; i < slots && running < wanted; i++) {
        struct slot *slot = &prefork->slots[i];
        if (slot->pid)
            continue;
        if (slot->not_before <= clock_ms())
            fork_slot(prefork, i);
        int64_t left = slot->not_before - clock_ms();
        if (!slot->pid && left < wait)
            wait = left > 0 ? (int)left : 0;
        running++; /* pending slots count, so that a failing one does not spread */
    }
    if (!prefork->ready && count_running(prefork) >= wanted) {
        prefork->ready = true;
        sd_notify(0, "READY=1");
    }
    return wait;
}

static void feed_watchdog(struct prefork *prefork)
{
    if (!prefork->watchdog_ms || clock_ms() < prefork->watchdog_at)
        return;
    sd_notify(0, "WATCHDOG=1");
    prefork->watchdog_at = clock_ms() + prefork->watchdog_ms;
}

static void wait_turn(struct prefork *prefork, int wait)
{
    if (prefork->watchdog_ms && wait > prefork->watchdog_ms / 2)
        wait = (int)(prefork->watchdog_ms / 2);
    struct pollfd fds[2] = {{.fd = prefork->signals, .events = POLLIN},
                            {.fd = prefork->options->wake_fd, .events = POLLIN}};
    poll(fds, 2, wait);
    if (fds[1].revents & POLLIN) {
        uint64_t count;
        if (read(prefork->options->wake_fd, &count, sizeof count) < 0)
            log_debug("wake: %s", strerror(errno));
    }
    read_signals(prefork);
    reap(prefork);
}

static int supervise(struct prefork *prefork)
{
    while (!prefork->kill_at) {
        int wait = fill_slots(prefork);
        feed_watchdog(prefork);
        wait_turn(prefork, wait);
    }
    while (count_running(prefork) > 0 && clock_ms() < prefork->kill_at) {
        feed_watchdog(prefork);
        wait_turn(prefork, 200);
    }
    size_t left = count_running(prefork);
    if (left > 0) {
        log_warning("%zu children did not end within %d s and are killed", left,
                    prefork->options->grace_s);
        tell_children(prefork, SIGKILL);
        while (count_running(prefork) > 0)
            wait_turn(prefork, 200);
    }
    return EXIT_SUCCESS;
}

int prefork_run(const struct prefork_options *options, const struct prefork_hooks *hooks,
                void *context)
{
    struct prefork prefork = {
        .options = options, .hooks = hooks, .context = context, .self = getpid()};
    prefork.slots = calloc(options->slots, sizeof *prefork.slots);
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGHUP);
    sigaddset(&wanted, SIGCHLD);
    sigprocmask(SIG_BLOCK, &wanted, &prefork.inherited);
    signal(SIGPIPE, SIG_IGN);
    prefork.signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (!prefork.slots || prefork.signals < 0) {
        log_error("cannot supervise: %s", strerror(errno));
        free(prefork.slots);
        return EXIT_FAILURE;
    }
    uint64_t watchdog_us = 0;
    if (sd_watchdog_enabled(0, &watchdog_us) > 0)
        prefork.watchdog_ms = (int64_t)(watchdog_us / 2000);
    int status = supervise(&prefork);
    close(prefork.signals);
    free(prefork.slots);
    return status;
}
