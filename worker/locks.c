#include "worker/locks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/auto.h"

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
        return fail(err, FAULT_INTERNAL, "%s: %s", path, strerror(errno));
    return file;
}

int lock_take(const char *directory, enum lock_scope scope, const char *name, bool shared,
              struct lock *ret_lock, struct error *err)
{
    AUTO(fd) int file = open_in(directory, "locks", err);
    if (file < 0)
        return -1;
    struct flock range = {.l_type = shared ? F_RDLCK : F_WRLCK,
                          .l_whence = SEEK_SET,
                          .l_start = place_of(scope, name),
                          .l_len = 1};
    if (fcntl(file, F_OFD_SETLKW, &range) < 0)
        return fail(err, errno == EINTR ? FAULT_DEPENDENCY : FAULT_INTERNAL, "lock of %s: %s", name,
                    strerror(errno));
    ret_lock->file = TAKE_FD(file);
    return 0;
}

void lock_release(struct lock *lock)
{
    if (lock->file >= 0)
        close(lock->file);
    lock->file = -1;
}

int lock_server(const char *directory, bool wait, bool *ret_busy, struct error *err)
{
    AUTO(fd) int file = open_in(directory, "worker.lock", err);
    if (file < 0)
        return -1;
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(file, wait ? F_OFD_SETLKW : F_OFD_SETLK, &whole) < 0) {
        if (wait || (errno != EAGAIN && errno != EACCES))
            return fail(err, FAULT_INTERNAL, "worker's lock: %s", strerror(errno));
        *ret_busy = true;
        return 0;
    }
    *ret_busy = false;
    /* Kept open on purpose: the lock lasts as long as any process of this worker. */
    file = -1;
    return 0;
}
