/*
 * The socket that every local user may connect to, and the check that it is ours to make.
 */
#ifndef DCM_SUBMITTER_GATE_SOCKET_H
#define DCM_SUBMITTER_GATE_SOCKET_H

#include "common/error.h"

/*
 * Listen at path. Its directory is made if it is missing, and must be one in which nobody else can
 * put a socket of his own in our place. FAULT_CONFLICT: another gate answers there already.
 */
int gate_socket_listen(const char *path, int *ret_fd, struct error *err);
void gate_socket_remove(const char *path);

#endif
