/* An address that nothing but this machine reaches, and a port: "127.0.0.1:9470", "[::1]:9470". */
#ifndef DCM_WORKER_LOOPBACK_H
#define DCM_WORKER_LOOPBACK_H

#include <sys/socket.h>

#include "common/error.h"

/* FAULT_INVALID, also for an address that others reach. */
int loopback_parse(const char *text, struct sockaddr_storage *ret_address, socklen_t *ret_length,
                   struct error *err);
/* A socket that listens there; the caller's to close. FAULT_DEPENDENCY names what was asked. */
int loopback_listen(const char *text, int *ret_socket, struct error *err);

#endif
