#include "common/url.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/hex.h"
#include "common/utf8.h"

/* In place. Refuses %00: what follows it would silently be lost. */
static bool decode(char *part)
{
    char *to = part;

    for (const char *from = part; *from; from++) {
        if (*from != '%') {
            *to++ = *from;
            continue;
        }
        int byte = hex_byte(from + 1);
        if (byte <= 0)
            return false;
        *to++ = (char)byte;
        from += 2;
    }
    *to = '\0';
    return true;
}

/* Ends the part before `mark` and returns what follows it; NULL if there is no such mark. */
static char *cut(char *text, const char *mark)
{
    char *found = strstr(text, mark);
    if (!found)
        return NULL;
    *found = '\0';
    return found + strlen(mark);
}

static bool read_port(const char *text, int *ret_port)
{
    char *end = NULL;
    long port = strtol(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end || port < 1 || port > 65535)
        return false;
    *ret_port = (int)port;
    return true;
}

static bool split_host(char *host, struct url *url)
{
    bool bracketed = host[0] == '[';
    char *rest = host;

    if (bracketed) {
        url->host = host + 1;
        rest = cut(host, "]");
        if (!rest)
            return false;
    } else {
        url->host = host;
    }
    char *port = cut(rest, ":");
    if (bracketed && rest[0])
        return false;
    return !port || read_port(port, &url->port);
}

static bool split_login(char *login, struct url *url)
{
    char *password = cut(login, ":");

    url->user = login;
    url->password = password;
    return decode(login) && (!password || decode(password));
}

static bool split(char *text, struct url *url)
{
    char *host = cut(text, "://");
    if (!host)
        return false;
    url->scheme = text;

    char *path = cut(host, "/");
    url->path = path;
    if (path && !decode(path))
        return false;

    char *at = strrchr(host, '@');
    if (at) {
        *at = '\0';
        if (!split_login(host, url))
            return false;
        host = at + 1;
    }
    return split_host(host, url);
}

static bool is_printable(const char *text)
{
    size_t length;

    for (; *text; text += length)
        if ((length = utf8_printable(text)) == 0)
            return false;
    return true;
}

int url_parse(const char *text, const char *const schemes[], struct url *ret_url, struct error *err)
{
    struct url url = {.port = 0};
    AUTO(string) char *memory = strdup(text);

    if (!memory)
        return fail(err, FAULT_INTERNAL, "out of memory");
    if (!is_printable(text) || !split(memory, &url))
        return fail(err, FAULT_INVALID,
                    "ill-formed URL: expected %s://[user:password@]host[:port][/path], "
                    "with special characters as %%XX",
                    schemes[0]);

    size_t known = 0;
    while (schemes[known] && strcmp(schemes[known], url.scheme) != 0)
        known++;
    if (!schemes[known])
        return fail(err, FAULT_INVALID, "URLs of the kind %s:// are not supported here, only %s://",
                    url.scheme, schemes[0]);
    url.memory = TAKE(memory);
    *ret_url = url;
    return 0;
}

void url_clear(struct url *url)
{
    free(url->memory);
    *url = (struct url){.port = 0};
}
