/*
 * What a process may still ask of the kernel once its work begins, for good: system calls that are
 * listed, and no others (seccomp(2)); and files of the directories that are named, where the kernel
 * has Landlock (landlock(7)), are the only ones that it can make, write or remove. Nothing starts a
 * program. What is refused is answered with ENOSYS, as by a kernel that lacks it: libraries then
 * take the older way to the same end, or do without.
 */
#ifndef DCM_COMMON_CONFINE_H
#define DCM_COMMON_CONFINE_H

#include "common/error.h"

/* Beside what every process needs: its memory, its descriptors, files to read, signals to itself.
 */
enum confine_may {
    MAY_REACH = 1,   /* make sockets of IPv4 and IPv6 */
    MAY_CONNECT = 2, /* and of AF_UNIX: engine, store, name service of this machine */
    MAY_ACCEPT = 4,  /* connections on a socket that it has */
    MAY_WRITE = 8,   /* files */
    MAY_OWN = 16,    /* say whose they are, and who may what */
    MAY_BIND = 32,   /* an address to a socket, to see whether it is free; not to listen there */
    MAY_FORK = 64,   /* processes like itself */
};

/* may: a sum of the above. writable: directories, ended by NULL; those that are missing are
 * passed over. The process has no_new_privs already (common/privileges.h). FAULT_INTERNAL. */
int confine(unsigned may, const char *const *writable, struct error *err);

#endif
