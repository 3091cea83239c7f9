#include "schemas/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "common/auto.h"

void json_digest(const json_t *document, char ret_digest[DIGEST_SIZE])
{
    AUTO(string) char *text = json_dumps(document, JSON_SORT_KEYS | JSON_COMPACT);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (!text || !EVP_Digest(text, strlen(text), digest, &length, EVP_sha256(), NULL))
        abort();
    for (unsigned i = 0; i < length; i++)
        snprintf(ret_digest + (size_t)2 * i, 3, "%02x", digest[i]);
}
