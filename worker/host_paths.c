#include "worker/host_paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/auto.h"
#include "schemas/run_options.h"
#include "worker/beneath.h"

static int refuse_step(const char *path, const char *at, int number, struct error *err)
{
    int length = (int)(at - path);

    if (number == ENOENT || number == ENOTDIR)
        return fail(err, FAULT_NOT_FOUND, "there is no %s on this server; tell the administrator",
                    path);
    if (number == ELOOP)
        return fail(err, FAULT_CONFLICT,
                    "%s leads through the symbolic link %.*s; the administrator has to grant what "
                    "that stands for",
                    path, length, path);
    return fail(err, FAULT_CONFLICT, "%.*s: %s", length, path, strerror(number));
}

/* Its last component, as it is: opened as a path only, for to open a device may already do
 * something. */
static int walk(const char *path, struct stat *ret_status, struct error *err)
{
    struct stat status = {0};
    const char *at = path;
    AUTO(fd) int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    while (*at == '/') {
        struct error unsafe = {0};
        char passed[OPTION_PATH_MAX + 1], component[OPTION_PATH_MAX + 1];
        snprintf(passed, sizeof(passed), "%.*s", at == path ? 1 : (int)(at - path), path);
        if (beneath_check_root(fd, passed, &unsafe))
            return fail(err, FAULT_CONFLICT, "%s cannot be given to a container: %s", path,
                        unsafe.text);
        size_t length = strcspn(++at, "/");
        snprintf(component, sizeof(component), "%.*s", (int)length, at);
        at += length;
        int next = beneath_open(fd, component, O_PATH);
        if (next < 0)
            return refuse_step(path, at, errno, err);
        close(fd);
        fd = next;
        if (fstat(fd, &status) ||
            S_ISLNK(status.st_mode)) /* a path to a link is one (openat2(2)) */
            return refuse_step(path, at, ELOOP, err);
    }
    *ret_status = status;
    return 0;
}

int host_directory_check(const char *path, struct error *err)
{
    struct stat status = {0};

    if (walk(path, &status, err))
        return -1;
    return S_ISDIR(status.st_mode) ? 0 : fail(err, FAULT_CONFLICT, "%s is not a directory", path);
}

int host_device_check(const char *path, struct error *err)
{
    struct stat status = {0};

    if (walk(path, &status, err))
        return -1;
    return S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)
               ? 0
               : fail(err, FAULT_CONFLICT, "%s is not a device", path);
}
