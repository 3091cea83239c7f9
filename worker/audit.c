#include "worker/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/auto.h"

static int fail_file(const char *path, const char *reason, struct error *err)
{
    return fail(err, FAULT_INVALID, "audit: %s: %s", path, reason);
}

/* Whoever can write in the folder can put another file in its place. */
static int open_folder(const char *path, struct error *err)
{
    char copy[PATH_MAX];
    struct stat status;
    snprintf(copy, sizeof copy, "%s", path);
    const char *folder = dirname(copy);
    AUTO(fd) int file = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) < 0)
        return fail_file(folder, strerror(errno), err);
    if (status.st_uid != geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)))
        return fail_file(folder, "others can write there: it has to be root's, mode 0755 or less",
                         err);
    return TAKE_FD(file);
}

static int check_file(const char *path, int file, struct error *err)
{
    struct stat status;
    if (fstat(file, &status) < 0)
        return fail_file(path, strerror(errno), err);
    if (!S_ISREG(status.st_mode) || status.st_nlink > 1)
        return fail_file(path, "not a regular file with one name", err);
    if (status.st_uid != geteuid() || (status.st_mode & (S_IRWXG | S_IRWXO)))
        return fail_file(path, "not root's alone: chown root and chmod 600 it", err);
    return 0;
}

static int open_file(const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    AUTO(fd) int folder = open_folder(path, err);
    if (folder < 0)
        return -1;
    /* Neither a terminal nor a pipe without a reader makes us wait. */
    AUTO(fd)
    int file =
        openat(folder, slash + 1,
               O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    if (file < 0)
        return fail_file(path, errno == ELOOP ? "a symbolic link" : strerror(errno), err);
    if (check_file(path, file, err) < 0)
        return -1;
    return TAKE_FD(file);
}

int audit_check(const char *path, struct error *err)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    mkdir(dirname(copy), 0700); /* if it is not there; what else is wrong will be said */
    AUTO(fd) int file = open_file(path, err);
    return file < 0 ? -1 : 0;
}

static bool write_all(int file, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(file, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

/* A server that lost its power may have left half a line. */
static bool is_mid_line(int file, off_t size)
{
    char last = '\n';
    return size > 0 && pread(file, &last, 1, size - 1) == 1 && last != '\n';
}

/* With the lock. */
static int add_lines(int file, const char *lines, size_t length)
{
    off_t size = lseek(file, 0, SEEK_END);
    if (size < 0)
        return errno;
    if ((!is_mid_line(file, size) || write_all(file, "\n", 1)) && write_all(file, lines, length))
        return 0;
    int reason = errno ? errno : EIO;
    return ftruncate(file, size) < 0 ? errno : reason;
}

static int add_locked(int file, const char *lines, size_t length)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int status = 0;
    do
        status = fcntl(file, F_OFD_SETLKW, &whole); /* until the file is closed */
    while (status < 0 && errno == EINTR);
    return status < 0 ? errno : add_lines(file, lines, length);
}

/* Escapes whatever could end a line or move a terminal's cursor (RFC 8259, section 7). */
static int write_lines(json_t *const entries[], size_t count, char **ret_lines, size_t *ret_length)
{
    FILE *text = open_memstream(ret_lines, ret_length);
    int status = text ? 0 : -1;
    for (size_t i = 0; i < count && status == 0; i++) {
        AUTO(string) char *line = json_dumps(entries[i], JSON_COMPACT | JSON_ENSURE_ASCII);
        status = line && fprintf(text, "%s\n", line) > 0 ? 0 : -1;
    }
    return text && fclose(text) == 0 ? status : -1;
}

int audit_append(const char *path, json_t *const entries[], size_t count, struct error *err)
{
    AUTO(string) char *lines = NULL;
    size_t length = 0;
    if (write_lines(entries, count, &lines, &length) < 0)
        return fail(err, FAULT_DEPENDENCY, "audit: out of memory");
    AUTO(fd) int file = open_file(path, err);
    if (file < 0)
        return -1;
    int reason = add_locked(file, lines, length);
    return reason ? fail(err, FAULT_DEPENDENCY, "audit: %s: %s", path, strerror(reason)) : 0;
}
