/*
 * Giving up what a process does not need, for good. What it may then still ask of the kernel is
 * common/confine.h's.
 */
#ifndef DCM_COMMON_PRIVILEGES_H
#define DCM_COMMON_PRIVILEGES_H

#include <linux/capability.h>
#include <stdint.h>

#include "common/error.h"

/* A set of capabilities is the sum of these (capabilities(7)). */
#define CAPABILITY(number) (UINT64_C(1) << (number))

/* Of the capabilities that the process has these stay, in every set and in the bounding set: none
 * of the others comes back, here or in what is forked from here. No new privileges, no core
 * dumps. Where CAP_SETPCAP is missing the bounding set stays as it was found, and no_new_privs
 * alone keeps what is given up away. FAULT_INTERNAL. */
int privileges_keep(uint64_t capabilities, struct error *err);

/* Supplementary groups, gid and uid become this account's; no capabilities, no core dumps, no new
 * privileges, and the parent's death stays a SIGTERM. FAULT_INTERNAL where there is no such
 * account, or where neither root nor the account itself asks. */
int privileges_become(const char *account, struct error *err);

#endif
