/*
 * URLs of servers, as configuration files give them (RFC 3986, the part we need):
 *
 *   scheme://[user[:password]@]host[:port][/path]      host may be an IPv6 address in brackets
 *
 * Each part is percent-decoded. Messages never quote the URL: it holds a password.
 */
#ifndef DCM_COMMON_URL_H
#define DCM_COMMON_URL_H

#include "common/error.h"

struct url {
    char *memory; /* what the parts below point into */
    const char *scheme;
    const char *user;     /* NULL: none given */
    const char *password; /* NULL: none given */
    const char *host;     /* "" in unix:///path */
    int port;             /* 0: none given */
    const char *path;     /* without its first slash; NULL: none given */
};

/* FAULT_INVALID for an ill-formed URL, or a scheme that is none of `schemes` (NULL-terminated). */
int url_parse(const char *text, const char *const schemes[], struct url *ret_url,
              struct error *err);
void url_clear(struct url *url);

#endif
