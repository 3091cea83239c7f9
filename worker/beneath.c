#include "worker/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OTHERS_WRITE (S_IWGRP | S_IWOTH)

/* glibc has no wrapper (openat2(2)). EAGAIN: something was renamed meanwhile, look again. */
int beneath_open(int directory, const char *name, int flags)
{
    const struct open_how how = {
        .flags = (unsigned long long)(flags | O_NOFOLLOW | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    long fd;

    do
        fd = syscall(SYS_openat2, directory, name, &how, sizeof(how));
    while (fd < 0 && (errno == EAGAIN || errno == EINTR));
    return (int)fd;
}

int beneath_check_root(int fd, const char *path, struct error *err)
{
    struct stat status;

    if (fstat(fd, &status))
        return fail(err, FAULT_INTERNAL, "%s: %s", path, strerror(errno));
    if (status.st_uid != 0)
        return fail(err, FAULT_INTERNAL, "%s: belongs to uid %lu, not to root", path,
                    (unsigned long)status.st_uid);
    if (status.st_mode & OTHERS_WRITE)
        return fail(err, FAULT_INTERNAL, "%s: others than root can write to it", path);
    return 0;
}
