/*
 * The addresses of this server that users' ports may go to. worker.conf names them; dcm-admin,
 * which adds and retires addresses while the worker runs, writes a file of its own, `addresses =
 * …`, that counts instead as soon as it exists.
 */
#ifndef DCM_WORKER_ADDRESSES_H
#define DCM_WORKER_ADDRESSES_H

#include <stdbool.h>

#include "common/error.h"
#include "schemas/ports.h"
#include "worker/config.h"

/* The addresses that count now: the file's if there is one, else the configuration's. Never empty,
 * NULL-terminated, the caller's to free. FAULT_INVALID names file and address. */
int addresses_read(const struct worker_config *config, char ***ret_addresses, struct error *err);
void addresses_free(char **addresses); /* accepts NULL */

/* At least one, IPv4 addresses all. */
int addresses_check(char *const *addresses, struct error *err);

/* Has the host this one just now? As the engine will find it, which binds to it: aliases may come
 * up later than we do, and go. */
bool address_is_up(const char *address);
/* The first address of these ports that the host has not just now; NULL: it has all. Borrowed. */
const char *addresses_missing(const struct ports *ports);

/* Separated by spaces, for the heartbeat. The caller's to free; NULL without memory. */
char *addresses_text(char *const *addresses);

#endif
