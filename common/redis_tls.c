/* TLS to the store, where hiredis has it (1.0 and later). */
#include "common/redis_internal.h"

#include "common/tls.h"

#ifdef DCM_HIREDIS_SSL

#include <hiredis/hiredis_ssl.h>
#include <openssl/ssl.h>

int redis_check_tls(struct error *err)
{
    (void)err;
    return 0;
}

int redis_begin_tls(struct redis_link *link, struct error *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    if (!context)
        return fail(err, FAULT_INTERNAL, "out of memory");
    int status = tls_prepare(context, link->url.host, err);
    SSL *ssl = status == 0 ? SSL_new(context) : NULL;
    SSL_CTX_free(context); /* ssl has a reference of its own */
    if (!ssl)
        return status == 0 ? fail(err, FAULT_INTERNAL, "out of memory") : -1;
    SSL_set_tlsext_host_name(ssl, link->url.host);
    if (redisInitiateSSL(link->context, ssl) == REDIS_OK)
        return 0; /* the context's to free */
    SSL_free(ssl);
    return fail(err, FAULT_DEPENDENCY, "store %s: no TLS: %s", link->name, tls_reason());
}

#else

int redis_check_tls(struct error *err)
{
    return fail(err, FAULT_INVALID,
                "this build cannot do rediss:// (hiredis before 1.0): go through stunnel, and name "
                "its local end with redis://");
}

int redis_begin_tls(struct redis_link *link, struct error *err)
{
    (void)link;
    return redis_check_tls(err);
}

#endif
