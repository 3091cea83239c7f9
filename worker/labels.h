/*
 * Labels on what DCM makes, and the MAC that proves it: HMAC-SHA-256 over the engine's identity and
 * every dcm.* label but dcm.mac. The newest key of the keyring signs; every key verifies.
 *
 *   dcm.v=1 dcm.kind=container|image|network dcm.user dcm.name dcm.request dcm.options
 *   dcm.mac=<key id>:<hex>
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

/* A file of "<key id>:<64 to 256 hex digits>" lines, newest first; key ids are [a-z0-9]{1,16};
 * lines that begin with # are comments. Owned by root (or by whoever reads it) and nobody else's to
 * read. FAULT_INTERNAL names file and line. */
int keyring_read(const char *path, struct keyring **ret_keyring, struct error *err);
/* The ids, newest first and a blank between them; to be freed. NULL when memory is out. */
char *keyring_ids(const struct keyring *keyring);
void keyring_free(struct keyring *keyring); /* accepts NULL */
static inline void auto_keyring(struct keyring **slot)
{
    keyring_free(*slot);
}

struct labels { /* NULL: no such label */
    const char *kind;
    const char *user;
    const char *name;
    const char *request;
    const char *options; /* of a container: what it was granted, granted.h */
};
/* All dcm.* labels, signed. New reference; NULL only when memory is out or a text is not UTF-8. */
json_t *labels_sign(const struct keyring *keyring, const char *engine_identity,
                    const struct labels *labels);
/* Does this object of labels, as the engine reports it, verify, and say these things? Members of
 * *expected that are NULL may have any value. Other, non-dcm labels are ignored; so is a dcm.*
 * label with an empty value, for that is all that can be done to one that an image brings along. */
bool labels_verify(const struct keyring *keyring, const char *engine_identity, const json_t *labels,
                   const struct labels *expected);

#endif
