/* A document's fingerprint: the same for whatever order and spacing it was written in. */
#ifndef DCM_SCHEMAS_DIGEST_H
#define DCM_SCHEMAS_DIGEST_H

#include <jansson.h>

#define DIGEST_SIZE 65
/* SHA-256 in hex over the document with sorted keys. Ends the program where memory is wanting: a
 * wrong digest would pass one document for another. */
void json_digest(const json_t *document, char ret_digest[DIGEST_SIZE]);
/* The same over a document's text, which has them sorted and no spaces. */
void text_digest(const char *text, char ret_digest[DIGEST_SIZE]);
/* Before a fork: what OpenSSL loads for digests, 140 KB, is then the children's in common. */
void digest_prepare(void);

#endif
