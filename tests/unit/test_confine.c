/* Each test confines a child of its own, and asks there. */
#include "common/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/count.h"
#include "common/privileges.h"

#include <cmocka.h>

#define EVERYTHING                                                                                 \
    (MAY_REACH | MAY_CONNECT | MAY_ACCEPT | MAY_WRITE | MAY_OWN | MAY_BIND | MAY_FORK)

#ifdef __SANITIZE_ADDRESS__ /* which has to (common/confine.c) */
#define CANNOT_FORK true
#else
#define CANNOT_FORK is_missing(fork())
#endif

static char folder[] = "/tmp/dcm-confine.XXXXXX";
static char inside[64], outside[64];

static void confined(unsigned may, bool (*holds)(void))
{
    const char *const writable[] = {inside, "/nonexistent", NULL};
    struct error err = {0};
    int status = -1;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        _exit(privileges_keep(0, &err) == 0 && confine(may, writable, &err) == 0 && holds() ? 0
                                                                                            : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static bool is_missing(long result)
{
    return result == -1 && errno == ENOSYS;
}

static bool has_ended_well(pid_t child)
{
    int status = -1;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static bool is_harmless(void)
{
    char *const argv[] = {"true", NULL};
    return is_missing(execve("/bin/true", argv, NULL)) &&
           is_missing(execveat(AT_FDCWD, "/bin/true", argv, NULL, 0)) && is_missing(unshare(0)) &&
           is_missing(kill(getppid(), 0)) && is_missing(chroot("/")) && is_missing(listen(0, 1)) &&
           is_missing(syscall(SYS_bpf, 0, NULL, 0)) &&
           is_missing(syscall(SYS_io_uring_setup, 1, NULL)) &&
           is_missing(syscall(SYS_clone3, NULL, 0)) && is_missing(setuid(0)) &&
           is_missing(mkfifo(inside, 0600)) && is_missing(symlink("/", inside));
}

static bool reads_only(void)
{
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    return fd >= 0 && close(fd) == 0 && is_missing(open("/dev/null", O_WRONLY)) &&
           is_missing(open("/dev/null", O_RDWR)) &&
           is_missing(open(inside, O_RDONLY | O_CREAT, 0600)) &&
           is_missing(open(inside, O_TMPFILE | O_RDWR, 0600)) && is_missing(mkdir(inside, 0700)) &&
           is_missing(unlink(inside)) && is_missing(syscall(SYS_openat2, 0, "", NULL, 0)) &&
           CANNOT_FORK && is_missing(fchmod(0, 0600)) && is_missing(fchown(0, 0, 0)) &&
           is_missing(accept(0, NULL, NULL)) && is_missing(bind(0, NULL, 0));
}

static bool has_no_socket(void)
{
    return is_missing(socket(AF_INET, SOCK_STREAM, 0)) &&
           is_missing(socket(AF_UNIX, SOCK_STREAM, 0)) && reads_only();
}

static bool reaches_no_engine(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 && socket(AF_INET6, SOCK_DGRAM, 0) >= 0 &&
           is_missing(socket(AF_UNIX, SOCK_STREAM, 0)) &&
           is_missing(socket(AF_NETLINK, SOCK_RAW, 0)) &&
           is_missing(socket(AF_PACKET, SOCK_RAW, 0)) && reads_only();
}

static bool connects(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) >= 0 && is_missing(socket(AF_INET, SOCK_STREAM, 0));
}

/* Landlock tells apart what the calls alone do not; EACCES is its word. */
static bool writes_where_it_may(void)
{
    char path[80];
    snprintf(path, sizeof path, "%s/file", inside);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool made = fd >= 0 && write(fd, "x", 1) == 1 && ftruncate(fd, 0) == 0 && unlink(path) == 0;
    snprintf(path, sizeof path, "%s/file", outside);
    bool kept = open(path, O_WRONLY) == -1 && errno == EACCES && unlink(path) == -1 &&
                errno == EACCES && open(path, O_RDONLY | O_CLOEXEC) >= 0;
    snprintf(path, sizeof path, "%s/new", outside);
    return made && kept && mkdir(path, 0700) == -1 && errno == EACCES;
}

static bool makes_nothing_setuid(void)
{
    return fchmod(STDIN_FILENO, 04755) == -1 && errno == ENOSYS && fchmod(-1, 02755) == -1 &&
           errno == ENOSYS && fchmod(-1, 0755) == -1 && errno == EBADF;
}

static bool forks_itself_alone(void)
{
    const unsigned long apart[] = {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID};
    pid_t child = fork();
    if (child == 0)
        _exit(is_harmless() ? 0 : 1);
    for (size_t i = 0; i < COUNT(apart); i++)
        if (!is_missing(syscall(SYS_clone, apart[i] | SIGCHLD, NULL, NULL, NULL, NULL)))
            return false;
    return has_ended_well(child);
}

static void nothing_starts_programs_or_gains_rights(void **state)
{
    (void)state;
    confined(0, is_harmless);
    confined(EVERYTHING, is_harmless);
}

static void without_a_grant_files_are_read_and_no_sockets_made(void **state)
{
    (void)state;
    confined(0, has_no_socket);
}

static void who_may_reach_the_broker_reaches_no_engine(void **state)
{
    (void)state;
    confined(MAY_REACH, reaches_no_engine);
}

static void who_may_connect_on_this_machine_goes_no_further(void **state)
{
    (void)state;
    confined(MAY_CONNECT, connects);
}

static void files_are_written_in_the_named_directories_alone(void **state)
{
    (void)state;
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 1)
        confined(MAY_WRITE, writes_where_it_may);
}

static void owners_of_files_make_none_setuid(void **state)
{
    (void)state;
    confined(MAY_OWN, makes_nothing_setuid);
}

static void a_fork_is_confined_too_and_in_the_same_namespaces(void **state)
{
    (void)state;
    confined(MAY_FORK, forks_itself_alone);
}

static uint64_t status_field(const char *name)
{
    char line[256];
    unsigned long long value = ~0ULL;
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtoull(line + strlen(name), NULL, 16);
    if (file)
        fclose(file);
    return value;
}

static void what_is_not_kept_of_root_does_not_come_back(void **state)
{
    (void)state;
    const uint64_t kept = CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_KILL);
    struct error err = {0};
    pid_t child = fork();
    if (child == 0) {
        bool was_root = status_field("CapEff:") & CAPABILITY(CAP_CHOWN);
        bool narrowed = privileges_keep(kept, &err) == 0 && status_field("CapInh:") == 0 &&
                        status_field("NoNewPrivs:") == 1;
        for (int i = 0; was_root && i < 2; i++) /* asking for more later gives nothing */
            narrowed = narrowed && status_field("CapEff:") == kept &&
                       status_field("CapPrm:") == kept && status_field("CapBnd:") == kept &&
                       privileges_keep(~0ULL, &err) == 0;
        _exit(narrowed ? 0 : 1);
    }
    assert_true(has_ended_well(child));
}

static int make_folders(void **state)
{
    (void)state;
    char path[80];
    if (!mkdtemp(folder))
        return -1;
    snprintf(inside, sizeof inside, "%s/inside", folder);
    snprintf(outside, sizeof outside, "%s/outside", folder);
    snprintf(path, sizeof path, "%s/file", outside);
    if (mkdir(inside, 0700) || mkdir(outside, 0700))
        return -1;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return fd < 0 ? -1 : close(fd);
}

static int remove_folders(void **state)
{
    (void)state;
    char path[80];
    snprintf(path, sizeof path, "%s/file", outside);
    return unlink(path) || rmdir(outside) || rmdir(inside) || rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_starts_programs_or_gains_rights),
        cmocka_unit_test(without_a_grant_files_are_read_and_no_sockets_made),
        cmocka_unit_test(who_may_reach_the_broker_reaches_no_engine),
        cmocka_unit_test(who_may_connect_on_this_machine_goes_no_further),
        cmocka_unit_test(files_are_written_in_the_named_directories_alone),
        cmocka_unit_test(owners_of_files_make_none_setuid),
        cmocka_unit_test(a_fork_is_confined_too_and_in_the_same_namespaces),
        cmocka_unit_test(what_is_not_kept_of_root_does_not_come_back),
    };

    return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
