#include "worker/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/auto.h"
#include "common/hex.h"

#define LINE_SIZE (KEY_ID_MAX + 1 + 2 * KEY_BYTES_MAX + 2) /* with newline and NUL */

struct keyring {
    size_t count;
    struct key keys[KEYRING_MAX]; /* newest first */
};

void keyring_free(struct keyring *keyring)
{
    if (keyring)
        OPENSSL_cleanse(keyring, sizeof(*keyring));
    free(keyring);
}

char *keyring_ids(const struct keyring *keyring)
{
    char *text = calloc(keyring->count, KEY_ID_MAX + 1);
    char *end = text;

    for (size_t i = 0; text && i < keyring->count; i++)
        end = stpcpy(stpcpy(end, i == 0 ? "" : " "), keyring->keys[i].id);
    return text;
}

const struct key *keyring_newest(const struct keyring *keyring)
{
    return &keyring->keys[0];
}

const struct key *keyring_find(const struct keyring *keyring, const char *mac)
{
    size_t length = strcspn(mac, ":");

    for (size_t i = 0; i < keyring->count; i++)
        if (strlen(keyring->keys[i].id) == length && memcmp(keyring->keys[i].id, mac, length) == 0)
            return &keyring->keys[i];
    return NULL;
}

/* NULL when the line is a key, else what is wrong with it. */
static const char *parse_key(const char *line, struct key *ret_key)
{
    size_t id_length = strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789");
    const char *hex = line + id_length + 1;

    if (id_length == 0 || id_length > KEY_ID_MAX || line[id_length] != ':')
        return "expected \"<key id>:<hex digits>\", the id of 1 to 16 of a-z and 0-9";
    size_t digits = strspn(hex, "0123456789abcdefABCDEF");
    if (hex[digits] != '\0' || digits % 2 != 0)
        return "the key is not pairs of hex digits";
    if (digits / 2 < KEY_BYTES_MIN || digits / 2 > KEY_BYTES_MAX)
        return "the key has to be of 64 to 256 hex digits";
    memcpy(ret_key->id, line, id_length);
    ret_key->id[id_length] = '\0';
    ret_key->length = digits / 2;
    for (size_t i = 0; i < ret_key->length; i++)
        ret_key->bytes[i] = (unsigned char)hex_byte(hex + 2 * i);
    return NULL;
}

static const char *add_key(struct keyring *keyring, const char *line)
{
    struct key *slot = &keyring->keys[keyring->count];

    if (keyring->count == KEYRING_MAX)
        return "too many keys; drop the oldest";
    const char *wrong = parse_key(line, slot);
    if (!wrong && keyring_find(keyring, line))
        wrong = "a key with this id stands above";
    if (!wrong)
        keyring->count++;
    return wrong;
}

static int read_lines(FILE *file, const char *path, struct keyring *keyring, struct error *err)
{
    char line[LINE_SIZE];
    const char *wrong = NULL;

    for (int number = 1; !wrong && fgets(line, sizeof(line), file); number++) {
        size_t length = strcspn(line, "\n");
        bool is_whole = line[length] == '\n' || feof(file);
        line[length] = '\0';
        if (!is_whole)
            wrong = "the line is too long";
        else if (length > 0 && line[0] != '#')
            wrong = add_key(keyring, line);
        if (wrong)
            fail(err, FAULT_INTERNAL, "%s:%d: %s", path, number, wrong);
    }
    OPENSSL_cleanse(line, sizeof(line));
    if (wrong)
        return -1;
    if (ferror(file))
        return fail(err, FAULT_INTERNAL, "%s: cannot be read", path);
    if (keyring->count == 0)
        return fail(err, FAULT_INTERNAL, "%s: holds no key", path);
    return 0;
}

/* A key that somebody else can read signs nothing, and one that somebody else owns is his. */
static int check_owner(int fd, const char *path, struct error *err)
{
    struct stat status;

    if (fstat(fd, &status))
        return fail(err, FAULT_INTERNAL, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return fail(err, FAULT_INTERNAL, "%s: is not a file", path);
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return fail(err, FAULT_INTERNAL, "%s: has to belong to root", path);
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        return fail(err, FAULT_INTERNAL, "%s: others can read it; chmod 600", path);
    return 0;
}

int keyring_read(const char *path, struct keyring **ret_keyring, struct error *err)
{
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return fail(err, FAULT_INTERNAL, "%s: %s", path, strerror(errno));
    if (check_owner(fd, path, err))
        return -1;
    AUTO(keyring) struct keyring *keyring = calloc(1, sizeof(*keyring));
    if (!keyring)
        return fail(err, FAULT_INTERNAL, "out of memory");
    AUTO(file) FILE *file = fdopen(fd, "r");
    if (!file)
        return fail(err, FAULT_INTERNAL, "%s: %s", path, strerror(errno));
    TAKE_FD(fd); /* the file's from here on */
    if (read_lines(file, path, keyring, err))
        return -1;
    *ret_keyring = TAKE(keyring);
    return 0;
}
