/*
 * Where the ids that containers know lie on the host. In an engine with user namespaces (dockerd
 * --userns-remap) they begin, there, at an account's first subordinate id (subuid(5), subgid(5));
 * in any other they are the same.
 */
#ifndef DCM_WORKER_ID_MAP_H
#define DCM_WORKER_ID_MAP_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

struct id_map {
    uid_t first_uid; /* root's, of containers */
    gid_t first_gid;
    uint32_t
        count; /* ids from 0 up to this one have a place on the host; 0 in a map not read yet */
};

#define SUBUID_FILE "/etc/subuid"
#define SUBGID_FILE "/etc/subgid"

/*
 * info: the answer to GET /info. Its SecurityOptions say whether the engine has user namespaces,
 * and the last part of its DockerRootDir, "<uid>.<gid>", where they begin. Which account's they are
 * it does not say: how far they go is in those lines of the two files that begin there.
 * FAULT_INTERNAL where that cannot be found out: an owner that is only guessed may be another's.
 */
int id_map_read(const json_t *info, const char *subuid, const char *subgid, struct id_map *ret_map,
                struct error *err);

#endif
