/*
 * Exclusion between the processes of one server, by open file description locks (fcntl(2),
 * F_OFD_SETLKW) on single bytes of one file: the byte is a hash of what is locked. A collision only
 * makes somebody wait; a process that dies lets go. A child that is forked while a lock is held
 * has it too, until either releases it or both have closed it.
 */
#ifndef DCM_WORKER_LOCKS_H
#define DCM_WORKER_LOCKS_H

#include <stdbool.h>

#include "common/error.h"

struct lock {
    int file; /* -1: not held */
};

enum lock_scope {
    LOCK_REQUEST,   /* one process a request */
    LOCK_CONTAINER, /* one change at a time a container */
    LOCK_IMAGES,    /* one change at a time of a user's images */
    LOCK_NETWORK,   /* shared while containers join, whole while the network is taken down */
};

/* Waits. FAULT_DEPENDENCY when we are told to end meanwhile. directory holds the file "locks". */
int lock_take(const char *directory, enum lock_scope scope, const char *name, bool shared,
              struct lock *ret_lock, struct error *err);
/* Does not wait: ret_lock->file is -1 while somebody else has it. */
int lock_try(const char *directory, enum lock_scope scope, const char *name, struct lock *ret_lock,
             struct error *err);
void lock_release(struct lock *lock);
static inline void auto_lock(struct lock *lock)
{
    lock_release(lock);
}

/* Hold the one lock of this server's worker, for good and for every child; waits while another
 * worker holds it, or sets *ret_busy when it may not wait. */
int lock_server(const char *directory, bool wait, bool *ret_busy, struct error *err);

#endif
