#include "worker/locks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/auto.h"
#include "common/prefork.h"

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
static off_t place_of(enum lock_scope scope, const char *name)
{
    uint64_t hash = 0xcbf29ce484222325U ^ (uint64_t)scope;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3U;
    return (off_t)(hash >> 2); /* positive, and below the largest offset */
}

static int open_in(const char *directory, const char *name, struct error *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return fail(err, errno == ENOSPC ? FAULT_DEPENDENCY : FAULT_INTERNAL, "%s: %s", path,
                    strerror(errno));
    return file;
}

static struct flock byte_of(enum lock_scope scope, const char *name, short type)
{
    return (struct flock){
        .l_type = type, .l_whence = SEEK_SET, .l_start = place_of(scope, name), .l_len = 1};
}

int lock_take(const char *directory, enum lock_scope scope, const char *name, bool shared,
              struct lock *ret_lock, struct error *err)
{
    AUTO(fd) int file = open_in(directory, "locks", err);
    if (file < 0)
        return -1;
    struct flock range = byte_of(scope, name, shared ? F_RDLCK : F_WRLCK);
    int status;
    do
        status = fcntl(file, F_OFD_SETLKW, &range);
    while (status < 0 && errno == EINTR && !prefork_stopping);
    if (status < 0)
        return fail(err, errno == EINTR ? FAULT_DEPENDENCY : FAULT_INTERNAL, "lock of %s: %s", name,
                    strerror(errno));
    ret_lock->file = TAKE_FD(file);
    return 0;
}

int lock_try(const char *directory, enum lock_scope scope, const char *name, struct lock *ret_lock,
             struct error *err)
{
    AUTO(fd) int file = open_in(directory, "locks", err);
    if (file < 0)
        return -1;
    struct flock range = byte_of(scope, name, F_WRLCK);
    if (fcntl(file, F_OFD_SETLK, &range) == 0) {
        ret_lock->file = TAKE_FD(file);
        return 0;
    }
    if (errno != EAGAIN && errno != EACCES)
        return fail(err, FAULT_INTERNAL, "lock of %s: %s", name, strerror(errno));
    ret_lock->file = -1;
    return 0;
}

/* Closing alone would leave it to a child that was forked meanwhile and has the file open too. */
void lock_release(struct lock *lock)
{
    struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    if (lock->file < 0)
        return;
    fcntl(lock->file, F_OFD_SETLK, &whole);
    close(lock->file);
    lock->file = -1;
}

int lock_server(const char *directory, bool wait, bool *ret_busy, struct error *err)
{
    int file = open_in(directory, "worker.lock", err);
    if (file < 0)
        return -1;
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(file, wait ? F_OFD_SETLKW : F_OFD_SETLK, &whole) == 0) {
        *ret_busy = false; /* kept open on purpose: for as long as any process of this worker */
        return 0;
    }
    int cause = errno;
    close(file);
    if (wait || (cause != EAGAIN && cause != EACCES))
        return fail(err, FAULT_INTERNAL, "worker's lock: %s", strerror(cause));
    *ret_busy = true;
    return 0;
}
