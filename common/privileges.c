#include "common/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* No core dumps, which hold what was in memory; no privileges by what is started. */
static int gain_nothing(struct error *err)
{
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return fail(err, FAULT_INTERNAL, "no_new_privs: %s", strerror(errno));
    return 0;
}

/* The kernel may know more capabilities than we do, and says at which number they end. */
static int narrow_bounds(uint64_t kept, struct error *err)
{
    for (int number = 0; number < 64; number++) {
        int present = prctl(PR_CAPBSET_READ, number, 0, 0, 0);
        if (present < 0)
            break;
        if (!present || (kept & CAPABILITY(number)))
            continue;
        if (prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0 && errno != EPERM)
            return fail(err, FAULT_INTERNAL, "capability %d: %s", number, strerror(errno));
    }
    return 0;
}

/* There is no wrapper in libc: capset(2). */
static int narrow_sets(uint64_t kept, struct error *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capget, &header, sets) < 0)
        return fail(err, FAULT_INTERNAL, "capget: %s", strerror(errno));
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        sets[i].permitted &= (uint32_t)(kept >> (32 * i));
        sets[i].effective = sets[i].permitted;
        sets[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &header, sets) < 0)
        return fail(err, FAULT_INTERNAL, "capset: %s", strerror(errno));
    return 0;
}

int privileges_keep(uint64_t capabilities, struct error *err)
{
    if (gain_nothing(err) < 0 || narrow_bounds(capabilities, err) < 0)
        return -1;
    return narrow_sets(capabilities, err);
}

int privileges_become(const char *account, struct error *err)
{
    if (gain_nothing(err) < 0)
        return -1;
    errno = 0;
    const struct passwd *entry = getpwnam(account);
    if (!entry)
        return fail(err, FAULT_INTERNAL, "there is no account '%s': create it, or set `account`",
                    account);
    if (geteuid() != 0) {
        if (geteuid() == entry->pw_uid)
            return privileges_keep(0, err); /* started as that account already */
        return fail(err, FAULT_INTERNAL, "only root can become '%s'", account);
    }
    /* While there is still the right to narrow them. */
    if (narrow_bounds(0, err) < 0)
        return -1;
    if (setgroups(0, NULL) < 0 || setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) < 0 ||
        setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) < 0)
        return fail(err, FAULT_INTERNAL, "become '%s': %s", account, strerror(errno));
    /* setresuid clears it, and the supervisor's death must still end us. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_DUMPABLE, 0);
    return narrow_sets(0, err);
}
