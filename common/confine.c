#include "common/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/auto.h"
#include "common/count.h"

/* ---- system calls ---- */

#define CALL(name) SCMP_SYS(name)

static const struct {
    unsigned may; /* 0: every process */
    int call;
} calls[] = {
    /* memory */
    {0, CALL(brk)},
    {0, CALL(mmap)},
    {0, CALL(munmap)},
    {0, CALL(mremap)},
    {0, CALL(mprotect)},
    {0, CALL(madvise)},
    {0, CALL(getrandom)},
    /* descriptors that it has */
    {0, CALL(read)},
    {0, CALL(readv)},
    {0, CALL(pread64)},
    {0, CALL(preadv)},
    {0, CALL(write)},
    {0, CALL(writev)},
    {0, CALL(pwrite64)},
    {0, CALL(pwritev)},
    {0, CALL(lseek)},
    {0, CALL(close)},
    {0, CALL(close_range)},
    {0, CALL(dup)},
    {0, CALL(dup2)},
    {0, CALL(dup3)},
    {0, CALL(fcntl)},
    {0, CALL(ioctl)},
    {0, CALL(fstat)},
    {0, CALL(fstatfs)},
    {0, CALL(fadvise64)},
    {0, CALL(poll)},
    {0, CALL(ppoll)},
    {0, CALL(select)},
    {0, CALL(pselect6)},
    {0, CALL(epoll_create1)},
    {0, CALL(epoll_ctl)},
    {0, CALL(epoll_wait)},
    {0, CALL(epoll_pwait)},
    {0, CALL(epoll_pwait2)},
    {0, CALL(eventfd2)},
    {0, CALL(pipe2)},
    {0, CALL(sendto)},
    {0, CALL(sendmsg)},
    {0, CALL(sendmmsg)},
    {0, CALL(recvfrom)},
    {0, CALL(recvmsg)},
    {0, CALL(recvmmsg)},
    {0, CALL(getsockopt)},
    {0, CALL(setsockopt)},
    {0, CALL(getsockname)},
    {0, CALL(getpeername)},
    {0, CALL(shutdown)},
    /* files to look at; open itself is below */
    {0, CALL(stat)},
    {0, CALL(lstat)},
    {0, CALL(newfstatat)},
    {0, CALL(statx)},
    {0, CALL(statfs)},
    {0, CALL(access)},
    {0, CALL(faccessat)},
    {0, CALL(faccessat2)},
    {0, CALL(readlink)},
    {0, CALL(readlinkat)},
    {0, CALL(getdents64)},
    {0, CALL(getcwd)},
    /* time */
    {0, CALL(clock_gettime)},
    {0, CALL(clock_getres)},
    {0, CALL(clock_nanosleep)},
    {0, CALL(nanosleep)},
    {0, CALL(gettimeofday)},
    {0, CALL(time)},
    {0, CALL(times)},
    /* itself */
    {0, CALL(exit)},
    {0, CALL(exit_group)},
    {0, CALL(restart_syscall)},
    {0, CALL(rt_sigaction)},
    {0, CALL(rt_sigprocmask)},
    {0, CALL(rt_sigpending)},
    {0, CALL(rt_sigreturn)},
    {0, CALL(rt_sigsuspend)},
    {0, CALL(rt_sigtimedwait)},
    {0, CALL(sigaltstack)},
    {0, CALL(tgkill)}, /* abort(3) and raise(3) */
    {0, CALL(alarm)},
    {0, CALL(setitimer)},
    {0, CALL(futex)},
    {0, CALL(set_robust_list)},
    {0, CALL(set_tid_address)},
    {0, CALL(rseq)},
    {0, CALL(prctl)},
    {0, CALL(getpid)},
    {0, CALL(getppid)},
    {0, CALL(gettid)},
    {0, CALL(getuid)},
    {0, CALL(geteuid)},
    {0, CALL(getgid)},
    {0, CALL(getegid)},
    {0, CALL(getrlimit)},
    {0, CALL(prlimit64)},
    {0, CALL(getrusage)},
    {0, CALL(sched_yield)},
    {0, CALL(sched_getaffinity)},
    {0, CALL(sysinfo)},
    {0, CALL(uname)},
    {0, CALL(umask)},
    /* sockets; their making is below */
    {MAY_REACH, CALL(connect)},
    {MAY_BIND, CALL(bind)},
    {MAY_ACCEPT, CALL(accept)},
    {MAY_ACCEPT, CALL(accept4)},
    {MAY_WRITE, CALL(open)},
    {MAY_WRITE, CALL(openat)},
    {MAY_WRITE, CALL(openat2)},
    {MAY_WRITE, CALL(mkdir)},
    {MAY_WRITE, CALL(mkdirat)},
    {MAY_WRITE, CALL(unlink)},
    {MAY_WRITE, CALL(unlinkat)},
    {MAY_WRITE, CALL(rename)},
    {MAY_WRITE, CALL(renameat2)},
    {MAY_WRITE, CALL(ftruncate)},
    {MAY_WRITE, CALL(fallocate)},
    {MAY_WRITE, CALL(fsync)},
    {MAY_WRITE, CALL(fdatasync)},
    {MAY_WRITE, CALL(flock)},
    {MAY_WRITE, CALL(utimensat)},
    {MAY_OWN, CALL(fchown)},
    {MAY_FORK, CALL(wait4)},
#ifdef __SANITIZE_ADDRESS__ /* LeakSanitizer looks at the process from one beside it */
    {0, CALL(ptrace)},
#endif
#ifdef DCM_FAULTS /* common/fault_point.c keeps count in a file */
    {0, CALL(open)},
    {0, CALL(openat)},
    {0, CALL(ftruncate)},
    {0, CALL(flock)},
#endif
};

static const struct {
    unsigned may;
    int family;
} families[] = {{MAY_REACH, AF_INET}, {MAY_REACH, AF_INET6}, {MAY_CONNECT, AF_UNIX}};

/* A filter compares values: openat2, whose flags are behind a pointer, is not for readers. */
static int allow_reading(scmp_filter_ctx filter)
{
    const scmp_datum_t writing = O_ACCMODE | O_CREAT | O_TRUNC;
    int status = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(open), 1,
                                  SCMP_A1(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
    return status ? status
                  : seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(openat), 1,
                                     SCMP_A2(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
}

static int allow_sockets(scmp_filter_ctx filter, unsigned may)
{
    int status = 0;
    for (size_t i = 0; i < COUNT(families) && status == 0; i++)
        if (families[i].may & may)
            status = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(socket), 1,
                                      SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i].family, 0));
    return status;
}

/* fork(3) is clone(2) and no clone3, whose flags are behind a pointer. */
static int allow_forking(scmp_filter_ctx filter)
{
    const scmp_datum_t apart = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                               CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, apart, 0));
}

/* Never setuid or setgid. */
static int allow_modes(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(fchmod), 1,
                            SCMP_A1(SCMP_CMP_MASKED_EQ, S_ISUID | S_ISGID, 0));
}

static int load_filter(scmp_filter_ctx filter, unsigned may)
{
    int status = 0;
#ifdef __SANITIZE_ADDRESS__
    may |= MAY_FORK;
#endif
    for (size_t i = 0; i < COUNT(calls) && status == 0; i++)
        if (!calls[i].may || (calls[i].may & may))
            status = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i].call, 0);
    if (status == 0)
        status = allow_reading(filter);
    if (status == 0)
        status = allow_sockets(filter, may);
    if (status == 0 && (may & MAY_FORK))
        status = allow_forking(filter);
    if (status == 0 && (may & MAY_OWN))
        status = allow_modes(filter);
    return status ? status : seccomp_load(filter);
}

static int confine_calls(unsigned may, struct error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    int status = filter ? load_filter(filter, may) : -ENOMEM;
    if (filter)
        seccomp_release(filter);
    return status == 0 ? 0 : fail(err, FAULT_INTERNAL, "seccomp: %s", strerror(-status));
}

/* ---- files ---- */

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (UINT64_C(1) << 14) /* of the kernel's version 3 of it */
#endif

#define WRITING                                                                                    \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                               \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG)
/* Nobody of ours. */
#define NEVER                                                                                      \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK |   \
     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM)

static int allow_beneath(int ruleset, uint64_t access, const char *directory, struct error *err)
{
    AUTO(fd) int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    struct landlock_path_beneath_attr beneath = {.allowed_access = access, .parent_fd = fd};
    if (fd < 0 ||
        syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0)
        return fail(err, FAULT_INTERNAL, "landlock: %s: %s", directory, strerror(errno));
    return 0;
}

static int confine_files(const char *const *writable, struct error *err)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1)
        return 0; /* a kernel without, or one that was told to do without */
    uint64_t writing = WRITING | (version >= 3 ? LANDLOCK_ACCESS_FS_TRUNCATE : 0);
    struct landlock_ruleset_attr attributes = {.handled_access_fs = writing | NEVER};
    AUTO(fd)
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (ruleset < 0)
        return fail(err, FAULT_INTERNAL, "landlock: %s", strerror(errno));
    for (; *writable; writable++)
        if (allow_beneath(ruleset, writing, *writable, err) < 0)
            return -1;
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
        return fail(err, FAULT_INTERNAL, "landlock: %s", strerror(errno));
    return 0;
}

#ifdef DCM_FAULTS /* see above */
#define FILES_ARE_CONFINED false
#else
#define FILES_ARE_CONFINED true
#endif

int confine(unsigned may, const char *const *writable, struct error *err)
{
    if (FILES_ARE_CONFINED && confine_files(writable, err) < 0)
        return -1;
    return confine_calls(may, err);
}
