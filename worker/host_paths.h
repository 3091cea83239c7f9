/*
 * What of the host policy may grant to containers, looked at before the engine is told: that one
 * follows, as root, whatever stands at a path when it comes there. So each directory on the way has
 * to be root's alone, and nothing on it a symbolic link: then what was seen is what it will find.
 */
#ifndef DCM_WORKER_HOST_PATHS_H
#define DCM_WORKER_HOST_PATHS_H

#include "common/error.h"

/* path is absolute and plain (schemas/run_options.h). FAULT_NOT_FOUND: nothing is there.
 * FAULT_CONFLICT: it is something else, or others could put something else there. */
int host_directory_check(const char *path, struct error *err);
int host_device_check(const char *path, struct error *err); /* a character or block device */

#endif
