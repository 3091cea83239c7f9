#include "submitter/gate_socket.h"

#include <errno.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/auto.h"

#define BACKLOG 128

static int address_of(const char *path, struct sockaddr_un *ret_address, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >=
        (int)sizeof(address.sun_path))
        return fail(err, FAULT_INVALID, "socket: longer than %zu characters",
                    sizeof(address.sun_path) - 1);
    *ret_address = address;
    return 0;
}

/* Whoever can write to the directory can pass a socket of his own off as the gate. */
static int secure_directory(const char *path, struct error *err)
{
    AUTO(string) char *copy = strdup(path);
    if (!copy)
        return fail(err, FAULT_INTERNAL, "out of memory");

    const char *directory = dirname(copy);
    struct stat status;
    if (mkdir(directory, 0755) == -1 && errno != EEXIST)
        return fail(err, FAULT_INTERNAL, "%s: %s", directory, strerror(errno));
    if (stat(directory, &status) == -1)
        return fail(err, FAULT_INTERNAL, "%s: %s", directory, strerror(errno));
    if ((status.st_uid != 0 && status.st_uid != geteuid()) || (status.st_mode & 022))
        return fail(err, FAULT_INVALID,
                    "%s: must be root's, and writable by nobody else, to hold the gate's socket",
                    directory);
    return 0;
}

/* A gate that was killed leaves a socket behind, at which nobody answers. */
static bool is_answered(const struct sockaddr_un *address)
{
    AUTO(fd) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    /* EAGAIN: somebody listens, and has more to do than can wait in line. */
    return connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN;
}

static int listen_at(const struct sockaddr_un *address, int *ret_fd, struct error *err)
{
    AUTO(fd) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    unlink(address->sun_path);
    if (fd == -1 || bind(fd, (const struct sockaddr *)address, sizeof(*address)) == -1 ||
        chmod(address->sun_path, 0666) == -1 || listen(fd, BACKLOG) == -1)
        return fail(err, FAULT_INTERNAL, "%s: %s", address->sun_path, strerror(errno));
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Made under another name, and renamed once it listens: users meet the old socket or one that
 * works. */
int gate_socket_listen(const char *path, int *ret_fd, struct error *err)
{
    struct sockaddr_un address, draft;
    char draft_path[sizeof(address.sun_path) + sizeof(".new")];
    AUTO(fd) int fd = -1;

    snprintf(draft_path, sizeof(draft_path), "%s.new", path);
    if (address_of(path, &address, err) == -1 || address_of(draft_path, &draft, err) == -1 ||
        secure_directory(path, err) == -1)
        return -1;
    if (is_answered(&address))
        return fail(err, FAULT_CONFLICT, "%s: another gate is running", path);
    if (listen_at(&draft, &fd, err) == -1)
        return -1;
    if (rename(draft_path, path) == -1)
        return fail(err, FAULT_INTERNAL, "%s: %s", path, strerror(errno));
    *ret_fd = TAKE_FD(fd);
    return 0;
}

void gate_socket_remove(const char *path)
{
    unlink(path);
}
