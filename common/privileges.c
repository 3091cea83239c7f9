#include "common/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

int privileges_become(const char *account, struct error *err)
{
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return fail(err, FAULT_INTERNAL, "no_new_privs: %s", strerror(errno));
    errno = 0;
    const struct passwd *entry = getpwnam(account);
    if (!entry)
        return fail(err, FAULT_INTERNAL, "there is no account '%s': create it, or set `account`",
                    account);
    if (geteuid() != 0) {
        if (geteuid() == entry->pw_uid)
            return 0; /* started as that account already */
        return fail(err, FAULT_INTERNAL, "only root can become '%s'", account);
    }
    if (setgroups(0, NULL) < 0 || setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) < 0 ||
        setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) < 0)
        return fail(err, FAULT_INTERNAL, "become '%s': %s", account, strerror(errno));
    /* setresuid clears it, and the supervisor's death must still end us. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_DUMPABLE, 0);
    return 0;
}
