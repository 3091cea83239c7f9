/*
 * Giving up what a process does not need, for good.
 */
#ifndef DCM_COMMON_PRIVILEGES_H
#define DCM_COMMON_PRIVILEGES_H

#include "common/error.h"

/* Supplementary groups, gid and uid become this account's; no core dumps, no new privileges, and
 * the parent's death stays a SIGTERM. FAULT_INTERNAL where there is no such account, or where
 * neither root nor the account itself asks. */
int privileges_become(const char *account, struct error *err);

#endif
