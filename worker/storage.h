/*
 * Users' storage on the host: <storage>/<user>/{root,home}, which become /root and /home/<user>.
 * Nothing here follows a path that a user can write: every step below the storage root is opened
 * with openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS) (openat2(2)) and checked for its owner.
 */
#ifndef DCM_WORKER_STORAGE_H
#define DCM_WORKER_STORAGE_H

#include <limits.h>
#include <sys/types.h>

#include "common/error.h"
#include "worker/id_map.h"
#include "worker/policy.h"

struct storage_owner {
    const char *user;
    uid_t uid;                         /* as containers know it */
    const struct id_map *ids;          /* borrowed */
    const struct storage_bound *bound; /* borrowed */
};

struct storage_paths {
    char root[PATH_MAX];
    char home[PATH_MAX];
    char keys[PATH_MAX];
};
/*
 * Make what is missing: <storage>/<user> root-owned 0700, root/ owned by the root of containers
 * 0700, home/ owned by uid (and the group of that number) as containers know them 0700;
 * <keys>/<user> must exist, root-owned, with authorized_keys in it that all may read, or
 * FAULT_DENIED says that the user has no key on this server; likewise for a uid that the map has no
 * place for, and for storage that the file system would let hold more than its bound. A directory
 * of the administrator's that is missing or belongs to somebody else is FAULT_INTERNAL. Needs root;
 * several processes may prepare the same user at once.
 */
int storage_prepare(const char *storage, const char *keys, const struct storage_owner *owner,
                    struct storage_paths *ret_paths, struct error *err);

/*
 * Does the file system keep this user's storage, which is there, within its bound? FAULT_DENIED
 * where it does not. Setting a project quota needs more rights than a worker has: dcm-admin does
 * it, and what is asked here is the outcome.
 */
int storage_check(const char *storage, const char *user, const struct storage_bound *bound,
                  struct error *err);

#endif
