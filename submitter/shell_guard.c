#include "submitter/shell_guard.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "common/count.h"

#define TERM_MAX 64

/* ---- environment ---- */

/* A name of the terminfo database, never a path to a file of the user's own making. */
static bool is_terminal_name(const char *text)
{
    size_t length =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+_-");
    return length > 0 && length <= TERM_MAX && text[length] == '\0' &&
           isalnum((unsigned char)text[0]);
}

static bool is_absolute(const char *text)
{
    return text[0] == '/';
}

static bool is_anything(const char *text)
{
    (void)text;
    return true;
}

static const struct kept {
    const char *name;
    bool (*well_formed)(const char *text);
} kept[] = {
    {"TERM", is_terminal_name},
    {"DCM_GATE", is_absolute}, /* a user who may set it could connect there without us as well */
    {"SSH_ORIGINAL_COMMAND", is_anything},
};
#define KEPT_COUNT COUNT(kept)

int guard_environment(struct error *err)
{
    int status = 0;
    char *values[KEPT_COUNT] = {0};

    for (size_t i = 0; i < KEPT_COUNT; i++) {
        const char *value = getenv(kept[i].name);
        if (value && kept[i].well_formed(value) && !(values[i] = strdup(value)))
            status = -1;
    }
    if (clearenv() != 0)
        status = -1;
    for (size_t i = 0; i < KEPT_COUNT; i++) {
        if (values[i] && setenv(kept[i].name, values[i], 1) == -1)
            status = -1;
        free(values[i]);
    }
    return status == 0 ? 0 : fail(err, FAULT_INTERNAL, "out of memory");
}

/* ---- system calls ---- */

/* The last four would go round the others: what they open, no filter sees. */
static const int denied[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(clone),
    SCMP_SYS(clone3),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(socketpair),
    SCMP_SYS(creat),
    SCMP_SYS(truncate),
    SCMP_SYS(openat2),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(bpf),
    SCMP_SYS(io_uring_setup),
};

/* Bits of open's flags: a filter compares values, and cannot follow openat2's pointer. */
static const struct writing {
    unsigned mask, value;
} writing[] = {
    {O_ACCMODE, O_WRONLY},
    {O_ACCMODE, O_RDWR},
    {O_CREAT, O_CREAT},
    {O_TRUNC, O_TRUNC},
};

static const uint32_t refusal = SCMP_ACT_ERRNO(EPERM);

static int deny_writing(scmp_filter_ctx filter)
{
    int status = 0;

    for (size_t i = 0; i < COUNT(writing) && status == 0; i++) {
        const struct writing *row = &writing[i];
        status = seccomp_rule_add(filter, refusal, SCMP_SYS(open), 1,
                                  SCMP_A1(SCMP_CMP_MASKED_EQ, row->mask, row->value));
        if (status == 0)
            status = seccomp_rule_add(filter, refusal, SCMP_SYS(openat), 1,
                                      SCMP_A2(SCMP_CMP_MASKED_EQ, row->mask, row->value));
    }
    return status;
}

/* Commands connect one by one, so that an idle prompt holds no connection: what stays allowed is
 * the one kind of socket that courier_gate.c makes. */
static int deny_sockets(scmp_filter_ctx filter)
{
    int status =
        seccomp_rule_add(filter, refusal, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_NE, AF_UNIX, 0));
    return status ? status
                  : seccomp_rule_add(filter, refusal, SCMP_SYS(socket), 1,
                                     SCMP_A1(SCMP_CMP_NE, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
}

static int load_filter(scmp_filter_ctx filter)
{
    int status = 0;

    for (size_t i = 0; i < COUNT(denied) && status == 0; i++)
        status = seccomp_rule_add(filter, refusal, denied[i], 0);
    if (status == 0)
        status = deny_writing(filter);
    if (status == 0)
        status = deny_sockets(filter);
    return status ? status : seccomp_load(filter);
}

int guard_confine(struct error *err)
{
    const struct rlimit none = {0, 0};

    if (setrlimit(RLIMIT_CORE, &none) == -1 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
        return fail(err, FAULT_INTERNAL, "cannot switch off core dumps: %s", strerror(errno));

    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int status = filter ? load_filter(filter) : -ENOMEM;
    if (filter)
        seccomp_release(filter);
    return status == 0 ? 0 : fail(err, FAULT_INTERNAL, "seccomp: %s", strerror(-status));
}
