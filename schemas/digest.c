#include "schemas/digest.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "common/auto.h"

/* Looked up once: by each call it would take longer than a short text's digest. */
static const EVP_MD *sha256(void)
{
    static EVP_MD *found;

    if (!found)
        found = EVP_MD_fetch(NULL, "SHA256", NULL);
    return found;
}

void text_digest(const char *text, char ret_digest[DIGEST_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    if (!EVP_Digest(text, strlen(text), digest, &length, sha256(), NULL))
        abort();
    for (size_t i = 0; i < length; i++) {
        ret_digest[2 * i] = digits[digest[i] >> 4];
        ret_digest[2 * i + 1] = digits[digest[i] & 0xf];
    }
    ret_digest[DIGEST_SIZE - 1] = '\0';
}

void digest_prepare(void)
{
    char unread[DIGEST_SIZE];
    text_digest("", unread);
}

void json_digest(const json_t *document, char ret_digest[DIGEST_SIZE])
{
    AUTO(string) char *text = json_dumps(document, JSON_SORT_KEYS | JSON_COMPACT);

    if (!text)
        abort();
    text_digest(text, ret_digest);
}
