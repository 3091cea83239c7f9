#include "worker/walls.h"

#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/confine.h"
#include "common/privileges.h"

/* Users' storage: to make directories and say whose they are, to go into those that users closed,
 * and to open them again. */
#define STORAGE (CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_FOWNER) | CAPABILITY(CAP_DAC_READ_SEARCH))
/* To try whether a port below 1024 is taken (worker/requests/taken.h). */
#define PROBES CAPABILITY(CAP_NET_BIND_SERVICE)
/* To turn the link into another account, and to signal it then; to narrow what children have. */
#define CHILDREN                                                                                   \
    (CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETGID) | CAPABILITY(CAP_KILL) |                      \
     CAPABILITY(CAP_SETPCAP))

static const struct walls {
    uint64_t capabilities;
    unsigned may;      /* common/confine.h; 0: not confined, for its children would be as well */
    bool is_account;   /* and no longer root */
    bool writes_state; /* journal and locks; and the audit log */
    bool makes_storage;
} walls[] = {
    [PROCESS_SUPERVISOR] = {.capabilities = STORAGE | PROBES | CHILDREN},
    /* No sockets of AF_UNIX: the engine is out of reach, whoever may speak to it. */
    [PROCESS_LINK] = {.may = MAY_REACH, .is_account = true},
    /* Root, to whom journal, keyring and the engine's socket belong, and without its powers. */
    [PROCESS_KEEPER] = {.may = MAY_REACH | MAY_CONNECT | MAY_WRITE | MAY_BIND,
                        .writes_state = true},
    [PROCESS_RUNNER] = {.capabilities = STORAGE | PROBES,
                        .may = MAY_REACH | MAY_CONNECT | MAY_WRITE | MAY_OWN | MAY_BIND | MAY_FORK,
                        .writes_state = true,
                        .makes_storage = true},
    /* The socket on which it accepts is the supervisor's. */
    [PROCESS_METRICS] = {.may = MAY_ACCEPT, .is_account = true},
};

int walls_raise(const struct worker_config *config, enum worker_process process, struct error *err)
{
    const struct walls *own = &walls[process];
    const char *writable[4] = {0};
    char audit[PATH_MAX];
    size_t count = 0;
    int status = own->is_account ? privileges_become(config->account, err)
                                 : privileges_keep(own->capabilities, err);
    if (own->writes_state) {
        snprintf(audit, sizeof audit, "%s", config->audit);
        writable[count++] = config->state;
        writable[count++] = dirname(audit);
    }
    if (own->makes_storage)
        writable[count++] = config->storage;
    return status < 0 || !own->may ? status : confine(own->may, writable, err);
}
