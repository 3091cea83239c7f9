#include "worker/labels.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "worker/keyring.h"

#define PREFIX "dcm."
#define LABEL_MAC "dcm.mac"
#define MAC_BYTES 32 /* of HMAC-SHA-256 */
#define MAC_TEXT_SIZE (KEY_ID_MAX + 1 + 2 * MAC_BYTES + 1)

/* The labels that have a member of struct labels to say what they should be. */
static const struct {
    const char *name;
    size_t offset;
} told[] = {
    {"dcm.kind", offsetof(struct labels, kind)},
    {"dcm.user", offsetof(struct labels, user)},
    {"dcm.name", offsetof(struct labels, name)},
    {"dcm.request", offsetof(struct labels, request)},
    {"dcm.options", offsetof(struct labels, options)},
};
#define TOLD_COUNT COUNT(told)

static const char *told_value(const struct labels *labels, size_t row)
{
    const char *value;

    memcpy(&value, (const char *)labels + told[row].offset, sizeof(value));
    return value;
}

/* One text as a netstring, "5:alice,": no two lists of texts come to the same bytes. */
static void write_text(FILE *out, const char *text)
{
    fprintf(out, "%zu:%s,", strlen(text), text);
}

static bool counts(const char *name, const char *value)
{
    return strncmp(name, PREFIX, strlen(PREFIX)) == 0 && strcmp(name, LABEL_MAC) != 0 && value &&
           *value != '\0';
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* What the MAC is over: the engine's identity and the labels that count, in the order of their
 * names. The first text says what these bytes are, should the key ever sign something else. */
static char *canonical(const char *engine_identity, json_t *labels, size_t *ret_length)
{
    AUTO(string) char *text = NULL;
    size_t count = 0;
    const char *name;
    json_t *value;
    const char **names = calloc(json_object_size(labels) + 1, sizeof(*names));
    FILE *out = names ? open_memstream(&text, ret_length) : NULL;
    bool failed = !out;

    if (out) {
        json_object_foreach(labels, name, value) if (counts(name, json_string_value(value)))
            names[count++] = name;
        qsort(names, count, sizeof(*names), by_name);
        write_text(out, "dcm labels 1");
        write_text(out, engine_identity);
        for (size_t i = 0; i < count; i++) {
            write_text(out, names[i]);
            write_text(out, text_at(labels, names[i]));
        }
        failed = ferror(out) != 0;
        failed |= fclose(out) != 0;
    }
    free(names);
    return failed ? NULL : TAKE(text);
}

/* dcm.mac as it should be under this key: "<key id>:<hex>". */
static bool write_mac(const struct key *key, const char *engine_identity, json_t *labels,
                      char ret_text[MAC_TEXT_SIZE])
{
    unsigned char mac[MAC_BYTES];
    unsigned length = sizeof(mac);
    size_t signed_length;
    AUTO(string) char *signed_text = canonical(engine_identity, labels, &signed_length);

    if (!signed_text || !HMAC(EVP_sha256(), key->bytes, (int)key->length,
                              (const unsigned char *)signed_text, signed_length, mac, &length))
        return false;
    int used = snprintf(ret_text, MAC_TEXT_SIZE, "%s:", key->id);
    for (size_t i = 0; i < MAC_BYTES; i++)
        used += snprintf(ret_text + used, MAC_TEXT_SIZE - (size_t)used, "%02x", mac[i]);
    return true;
}

json_t *labels_sign(const struct keyring *keyring, const char *engine_identity,
                    const struct labels *labels)
{
    json_auto_t *signed_labels = json_pack("{s:s}", "dcm.v", "1");
    char mac[MAC_TEXT_SIZE];

    if (!signed_labels)
        return NULL;
    for (size_t i = 0; i < TOLD_COUNT; i++) {
        const char *value = told_value(labels, i);
        if (value && json_object_set_new(signed_labels, told[i].name, json_string(value)))
            return NULL;
    }
    if (!write_mac(keyring_newest(keyring), engine_identity, signed_labels, mac) ||
        json_object_set_new(signed_labels, LABEL_MAC, json_string(mac)))
        return NULL;
    return TAKE(signed_labels);
}

static bool text_is(const json_t *object, const char *name, const char *expected)
{
    const char *text = text_at(object, name);

    return text && strcmp(text, expected) == 0;
}

bool labels_verify(const struct keyring *keyring, const char *engine_identity, const json_t *labels,
                   const struct labels *expected)
{
    const char *claimed = text_at(labels, LABEL_MAC);
    const struct key *key = claimed ? keyring_find(keyring, claimed) : NULL;
    char mac[MAC_TEXT_SIZE];
    json_auto_t *copy = json_deep_copy(labels); /* jansson iterates over no const object */

    if (!key || !text_is(labels, "dcm.v", "1") || !write_mac(key, engine_identity, copy, mac) ||
        strlen(claimed) != strlen(mac) || CRYPTO_memcmp(claimed, mac, strlen(mac)) != 0)
        return false;
    for (size_t i = 0; i < TOLD_COUNT; i++) {
        const char *value = told_value(expected, i);
        if (value && !text_is(labels, told[i].name, value))
            return false;
    }
    return true;
}
