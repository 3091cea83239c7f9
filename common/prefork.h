/*
 * The supervisor's part that gate and worker share: fork, reap, restart with backoff, signals, and
 * systemd's notifications. A supervisor parses nothing from outside and opens no connection.
 *
 * Children are slots in a table. A slot whose child ended is forked again, at once at first and
 * after a growing pause (to 5 s) when it keeps dying young; one that left with status 0 counts as
 * no failure, but no slot is forked more than ten times a second. SIGTERM and SIGINT to the
 * supervisor become SIGTERM to every child, SIGHUP is passed on; after `grace_s` whoever is left is
 * killed.
 */
#ifndef DCM_COMMON_PREFORK_H
#define DCM_COMMON_PREFORK_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/error.h"

struct prefork_hooks {
    /* In the child; what it returns is the exit status. SIGTERM and SIGHUP set what is asked below
     * and end waits early, SIGINT and SIGPIPE are ignored, and the supervisor's death is a SIGTERM.
     * Descriptors that before_fork made for it are the child's to sort out. */
    int (*child)(size_t slot, void *context);
    /* In the parent. before_fork may prepare a slot (a socketpair); where it fails, the slot waits
     * as if its child had died young. NULL: nothing to do. */
    int (*before_fork)(size_t slot, void *context, struct error *err);
    void (*after_fork)(size_t slot, pid_t pid, void *context);
    void (*ended)(size_t slot, int wait_status, void *context); /* after waitpid */
    void (*hangup)(void *context);                              /* SIGHUP, before it is passed on */
    /* Called every turn and whenever wake_fd is readable: how many slots should run. NULL: all. */
    size_t (*wanted)(void *context);
};

struct prefork_options {
    size_t slots;
    const char *const *names; /* of each slot, for the log and the process title; or NULL */
    const char *name;         /* of every slot, where names is NULL */
    int grace_s;              /* for children to finish after SIGTERM */
    int wake_fd;              /* becomes readable when `wanted` should be asked; -1: none */
};

/* Run until told to end. Returns the program's exit status. Sends READY=1 once every slot has been
 * forked, WATCHDOG=1 at half of WatchdogSec, STOPPING=1 at the end (sd_notify(3)). */
int prefork_run(const struct prefork_options *options, const struct prefork_hooks *hooks,
                void *context);

/* In a child: has SIGTERM come? A child checks it between requests and leaves. */
extern volatile sig_atomic_t prefork_stopping;
/* In a child: has SIGHUP come since the last time this was asked? */
bool prefork_hangup(void);

#endif
