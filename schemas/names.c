#include "schemas/names.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define HEX DIGITS "abcdef"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

#define CONTAINER_RESERVED "container"
#define PUBLISHER_NAME_MAX 63
#define TAG_MAX 128

/* One byte of `first`, the others of `rest`, at most `most` in all. */
static bool is_made_of(const char *text, const char *first, const char *rest, size_t most)
{
    if (!text || strspn(text, first) == 0)
        return false;
    size_t length = strspn(text, rest);
    return length <= most && text[length] == '\0';
}

/* Where WORD([separator]WORD)* ends, which `text` begins with; NULL if it does not. */
static const char *skip_words(const char *text, const char *separators)
{
    size_t length = strspn(text, LOWER DIGITS);
    if (length == 0)
        return NULL;
    for (text += length; *text && strchr(separators, *text); text += 1 + length) {
        length = strspn(text + 1, LOWER DIGITS);
        if (length == 0)
            break;
    }
    return text;
}

bool name_is_user(const char *text)
{
    if (!text || strspn(text, LOWER) == 0)
        return false;
    const char *end = skip_words(text, "_-");
    return *end == '\0' && end - text <= USER_NAME_MAX;
}

bool name_is_container(const char *text)
{
    return is_made_of(text, LOWER, LOWER DIGITS "_.-", CONTAINER_NAME_MAX);
}

bool name_is_container_own(const char *text)
{
    if (!name_is_container(text))
        return false;
    if (strncmp(text, CONTAINER_RESERVED, strlen(CONTAINER_RESERVED)) != 0)
        return true;
    const char *number = text + strlen(CONTAINER_RESERVED);
    return *number == '\0' || number[strspn(number, DIGITS)] != '\0';
}

static bool is_port(const char *text)
{
    return is_made_of(text, "123456789", DIGITS, 5) && strtoul(text, NULL, 10) <= 65535;
}

bool name_is_container_reference(const char *text)
{
    return name_is_container(text) || is_port(text);
}

/* Docker takes a first component that holds a dot, or is this name, for a registry to ask. */
static bool is_registry(const char *text, const char *end)
{
    size_t length = (size_t)(end - text);
    return memchr(text, '.', length) ||
           (length == strlen("localhost") && strncmp(text, "localhost", length) == 0);
}

bool name_is_image(const char *text)
{
    if (!text || strlen(text) > IMAGE_NAME_MAX)
        return false;
    const char *end = skip_words(text, "._-");
    if (!end || (*end == '/' && is_registry(text, end)))
        return false;
    while (*end == '/') {
        end = skip_words(end + 1, "._-");
        if (!end)
            return false;
    }
    size_t length = (size_t)(end - text);
    if (strspn(text, DIGITS) == length)
        return false;
    if (length == strlen("sha256") && strncmp(text, "sha256", length) == 0)
        return false;
    return *end == '\0' || (*end == ':' && is_made_of(end + 1, LOWER UPPER DIGITS "_",
                                                      LOWER UPPER DIGITS "_.-", TAG_MAX));
}

bool name_is_image_id(const char *text)
{
    if (text && strncmp(text, "sha256:", strlen("sha256:")) == 0)
        text += strlen("sha256:");
    return is_made_of(text, HEX, HEX, 64) && strlen(text) >= 12;
}

bool name_is_image_reference(const char *text)
{
    return name_is_image(text) || name_is_image_id(text);
}

size_t name_image_length(const char *image)
{
    const char *tag = strchr(image, ':');
    return tag && strcmp(tag, ":latest") == 0 ? (size_t)(tag - image) : strlen(image);
}

bool name_is_server(const char *text)
{
    if (!text || strlen(text) > SERVER_NAME_MAX)
        return false;
    for (;;) {
        size_t length = strspn(text, LOWER DIGITS "-");
        if (length == 0 || text[0] == '-' || text[length - 1] == '-')
            return false;
        if (text[length] != '.')
            return text[length] == '\0';
        text += length + 1;
    }
}

bool name_is_engine_id(const char *text)
{
    return is_made_of(text, HEX, HEX, ENGINE_ID_SIZE - 1) && strlen(text) == ENGINE_ID_SIZE - 1;
}

bool name_is_address(const char *text)
{
    struct in_addr address;
    char canonical[INET_ADDRSTRLEN];
    return text && inet_pton(AF_INET, text, &address) == 1 &&
           inet_ntop(AF_INET, &address, canonical, sizeof(canonical)) &&
           strcmp(text, canonical) == 0;
}

bool name_is_publisher(const char *text)
{
    return is_made_of(text, LOWER UPPER DIGITS, LOWER UPPER DIGITS "_.-", PUBLISHER_NAME_MAX);
}
