/*
 * The policy's own: which granted directory is safe to mount beside which other. Pure.
 *
 * Inside their containers users are root, and so is whoever may write to a directory of the host:
 * in place of one that lies in it he could put a link to any other, which the engine would follow
 * when it mounts that.
 */
#ifndef DCM_WORKER_POLICY_MOUNTS_H
#define DCM_WORKER_POLICY_MOUNTS_H

#include <jansson.h>

#include "common/error.h"

/* No directory that a request's args ask for lies in one that the policy lets anybody write to, now
 * or at any time. FAULT_DENIED names the grant of that one. */
int mounts_check(const json_t *policy, const json_t *args, struct error *err);

#endif
