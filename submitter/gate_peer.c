#include "submitter/gate_peer.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/auto.h"

#define ENTRY_SIZE 4096 /* more than any account's line that we would accept */

static int name_of(uid_t uid, char ret_user[USER_NAME_MAX + 1], struct error *err)
{
    AUTO(string) char *room = malloc(ENTRY_SIZE);
    struct passwd entry;
    struct passwd *found = NULL;

    if (!room)
        return fail(err, FAULT_INTERNAL, "out of memory");
    int status = getpwuid_r(uid, &entry, room, ENTRY_SIZE, &found);
    if (status != 0)
        return fail(err, FAULT_DEPENDENCY, "the account of uid %u cannot be looked up: %s",
                    (unsigned)uid, strerror(status));
    if (!found)
        return fail(err, FAULT_DENIED, "uid %u has no account", (unsigned)uid);
    if (!name_is_user(entry.pw_name))
        return fail(err, FAULT_DENIED, "\"%.64s\" is not a name that DCM's users can have",
                    entry.pw_name);
    snprintf(ret_user, USER_NAME_MAX + 1, "%s", entry.pw_name);
    return 0;
}

int peer_identify(int fd, struct peer *ret_peer, struct error *err)
{
    struct ucred credentials;
    socklen_t size = sizeof(credentials);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == -1)
        return fail(err, FAULT_INTERNAL, "SO_PEERCRED: %s", strerror(errno));
    if (credentials.uid < PEER_UID_LEAST)
        return fail(err, FAULT_DENIED, "the gate serves users, whose uids begin at %d",
                    PEER_UID_LEAST);

    struct peer peer = {.uid = credentials.uid};
    if (name_of(peer.uid, peer.user, err) == -1)
        return -1;
    *ret_peer = peer;
    return 0;
}
