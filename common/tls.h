/*
 * TLS towards broker and store: whom we believe, and how we show who we are. A program reads its
 * settings once, before its first connection and before it gives up privileges; all of its links go
 * by them.
 *
 * A peer is always verified: its certificate has to be valid now, vouched for by `tls_ca`, or by
 * the system's authorities where that is not set, and made out for the host that the URL names.
 * TLS 1.2 and later.
 */
#ifndef DCM_COMMON_TLS_H
#define DCM_COMMON_TLS_H

#include <stddef.h>

#include "common/error.h"
#include "common/settings.h"

struct tls_settings {
    char *ca;          /* PEM; NULL: the system's */
    char *certificate; /* PEM, the chain behind it; NULL: none of our own */
    char *key;         /* PEM */
};

/* Their rows in a program's table of settings: TLS_SETTINGS(offsetof(struct worker_config, tls)),
 */
#define TLS_SETTING(setting, at, member)                                                           \
    {                                                                                              \
        .name = (setting), .kind = SETTING_PATH,                                                   \
        .offset = (at) + offsetof(struct tls_settings, member), .fallback = ""                     \
    }
#define TLS_SETTINGS(at)                                                                           \
    TLS_SETTING("tls_ca", at, ca), TLS_SETTING("tls_certificate", at, certificate),                \
        TLS_SETTING("tls_key", at, key)

/* Read the files that are named, and the system's authorities where a URL asks for TLS and no own
 * ones are: they take a megabyte. brokers: NULL-terminated. FAULT_INVALID names the setting. */
int tls_configure(const struct tls_settings *settings, char *const *brokers, const char *store,
                  struct error *err);

/* Have a client's SSL_CTX verify that it reaches `host`, and give it our certificate. */
struct ssl_ctx_st;
int tls_prepare(struct ssl_ctx_st *context, const char *host, struct error *err);

/* Why the last handshake failed, or what came after it, for people. Static. */
const char *tls_reason(void);

#endif
