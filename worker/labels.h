/*
 * Labels on what DCM makes, and the MAC that proves it: HMAC-SHA-256 over the engine's identity and
 * every dcm.* label but dcm.mac. The newest key of the keyring signs; every key verifies.
 *
 *   dcm.v=1 dcm.kind=container|image|network dcm.user dcm.name dcm.request dcm.mac=<key id>:<hex>
 *
 * Labels alone prove little: images carry theirs into containers. Ownership needs the MAC, the
 * actual engine name, and the id in journal or index.
 */
#ifndef DCM_WORKER_LABELS_H
#define DCM_WORKER_LABELS_H

#include <jansson.h>
#include <stdbool.h>

#include "common/error.h"
#include "schemas/names.h"

struct keyring;

/* A file of "<key id>:<64 or more hex digits>" lines, newest first, mode 0600, owned by root. */
int keyring_read(const char *path, struct keyring **ret_keyring, struct error *err);
void keyring_free(struct keyring *keyring);

struct labels {
    const char *kind;
    const char *user;
    const char *name;
    const char *request;
};
/* All dcm.* labels, signed. New reference. */
json_t *labels_sign(const struct keyring *keyring, const char *engine_identity,
                    const struct labels *labels);
/* Does this object of labels, as the engine reports it, verify, and say these things? Members of
 * *expected that are NULL may have any value. Other, non-dcm labels are ignored. */
bool labels_verify(const struct keyring *keyring, const char *engine_identity, const json_t *labels,
                   const struct labels *expected);

#endif
