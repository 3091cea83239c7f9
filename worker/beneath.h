/*
 * Steps along paths of the host, of which none leads through a symbolic link and each can be held
 * to belong to root alone.
 */
#ifndef DCM_WORKER_BENEATH_H
#define DCM_WORKER_BENEATH_H

#include "common/error.h"

/* openat2(2) of name in this directory, with O_NOFOLLOW and O_CLOEXEC, RESOLVE_BENEATH and
 * RESOLVE_NO_SYMLINKS. -1 with errno. */
int beneath_open(int directory, const char *name, int flags);

/* Is this root's, and nobody else's to write? Whatever stands in such a directory stays there.
 * FAULT_INTERNAL, with path, which is for messages only. */
int beneath_check_root(int fd, const char *path, struct error *err);

#endif
