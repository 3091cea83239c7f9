/*
 * Who is at the other end of a socket: what the kernel says, and nothing that is sent.
 */
#ifndef DCM_SUBMITTER_GATE_PEER_H
#define DCM_SUBMITTER_GATE_PEER_H

#include <sys/types.h>

#include "common/error.h"
#include "schemas/names.h"

#define PEER_UID_LEAST 1000 /* below are the system's accounts, and nobody's containers */

struct peer {
    uid_t uid;
    char user[USER_NAME_MAX + 1];
};

/* FAULT_DENIED: not an account that may have containers. */
int peer_identify(int fd, struct peer *ret_peer, struct error *err);

#endif
