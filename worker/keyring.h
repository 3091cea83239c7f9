/* labels.c's own: what is in a keyring. Reading and freeing one is in worker/labels.h. */
#ifndef DCM_WORKER_KEYRING_H
#define DCM_WORKER_KEYRING_H

#include <stddef.h>

#include "worker/labels.h"

#define KEY_ID_MAX 16
#define KEY_BYTES_MIN 32 /* a key shorter than the hash weakens the MAC (RFC 2104, section 3) */
#define KEY_BYTES_MAX 128
#define KEYRING_MAX 16 /* keys; more would be a sign that none is ever retired */

struct key {
    char id[KEY_ID_MAX + 1];
    size_t length;
    unsigned char bytes[KEY_BYTES_MAX];
};

const struct key *keyring_newest(const struct keyring *keyring);
/* The key that a MAC "<key id>:<hex>" names, or NULL. */
const struct key *keyring_find(const struct keyring *keyring, const char *mac);

#endif
