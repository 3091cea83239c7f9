#include "common/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <strings.h>

#include "common/auto.h"

/* One process, one configuration. */
static struct {
    SSL_CTX *files; /* what was read; never used for a connection itself. NULL: nothing */
    char own_authorities[256]; /* `tls_ca`, for messages; "": the system's */
    long refusal;              /* of the last peer's certificate; X509_V_OK: none */
    int alert;                 /* the last peer's, which refuses us; 0: none */
} state;

static inline void auto_context(SSL_CTX **slot)
{
    SSL_CTX_free(*slot);
}

static const char *words_of(unsigned long error)
{
    const char *reason = ERR_reason_error_string(error);
    return reason ? reason
                  : "it ended the connection: that port has no TLS, or wants a certificate";
}

static const char *openssl_reason(void)
{
    return words_of(ERR_peek_last_error());
}

static int fail_file(const char *setting, const char *path, struct error *err)
{
    return fail(err, FAULT_INVALID, "%s: %s cannot be used: %s", setting, path, openssl_reason());
}

static int read_files(SSL_CTX *context, const struct tls_settings *settings, struct error *err)
{
    if (!settings->certificate != !settings->key)
        return fail(err, FAULT_INVALID, "tls_certificate and tls_key go together");
    if (settings->ca ? SSL_CTX_load_verify_file(context, settings->ca) != 1
                     : SSL_CTX_set_default_verify_paths(context) != 1)
        return fail_file("tls_ca", settings->ca ? settings->ca : "the system's", err);
    if (!settings->certificate)
        return 0;
    if (SSL_CTX_use_certificate_chain_file(context, settings->certificate) != 1)
        return fail_file("tls_certificate", settings->certificate, err);
    if (SSL_CTX_use_PrivateKey_file(context, settings->key, SSL_FILETYPE_PEM) != 1)
        return fail_file("tls_key", settings->key, err);
    return 0;
}

/* A context of OpenSSL's may ask for a key's password: on a terminal that nobody may be at. */
static int no_password(char *buffer, int size, int writes, void *context)
{
    (void)buffer, (void)size, (void)writes, (void)context;
    return -1;
}

static int configure(const struct tls_settings *settings, struct error *err)
{
    AUTO(context) SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    ERR_clear_error();
    if (!context)
        return fail(err, FAULT_INTERNAL, "out of memory");
    SSL_CTX_set_default_passwd_cb(context, no_password);
    if (read_files(context, settings, err) < 0)
        return -1;
    snprintf(state.own_authorities, sizeof(state.own_authorities), "%s",
             settings->ca ? settings->ca : "");
    SSL_CTX_free(state.files);
    state.files = TAKE(context);
    return 0;
}

static bool asks_for_tls(const char *url)
{
    return strncasecmp(url, "amqps:", 6) == 0 || strncasecmp(url, "rediss:", 7) == 0;
}

static bool is_needed(const struct tls_settings *settings, char *const *brokers, const char *store)
{
    while (*brokers && !asks_for_tls(*brokers))
        brokers++;
    return *brokers || (store && asks_for_tls(store)) || settings->ca || settings->certificate ||
           settings->key;
}

int tls_configure(const struct tls_settings *settings, char *const *brokers, const char *store,
                  struct error *err)
{
    return is_needed(settings, brokers, store) ? configure(settings, err) : 0;
}

/* OpenSSL's verdict on each certificate of the chain passes by here: we change nothing of it. */
static int note_verdict(int accepted, X509_STORE_CTX *chain)
{
    if (!accepted)
        state.refusal = X509_STORE_CTX_get_error(chain);
    return accepted;
}

/* RFC 8446, section 6: what the other side complains of. OpenSSL's queue of errors may have been
 * cleared when somebody asks. */
static void note_alert(const SSL *ssl, int where, int value)
{
    (void)ssl;
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL)
        state.alert = value & 0xff;
}

static bool set_host(X509_VERIFY_PARAM *wanted, const char *host)
{
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_ip_asc(wanted, host) == 1 ||
           X509_VERIFY_PARAM_set1_host(wanted, host, 0) == 1;
}

static bool give_certificate(SSL_CTX *context)
{
    X509 *certificate = SSL_CTX_get0_certificate(state.files);
    STACK_OF(X509) *chain = NULL;

    if (!certificate)
        return true;
    SSL_CTX_get0_chain_certs(state.files, &chain);
    return SSL_CTX_use_certificate(context, certificate) == 1 &&
           SSL_CTX_use_PrivateKey(context, SSL_CTX_get0_privatekey(state.files)) == 1 &&
           (!chain || SSL_CTX_set1_chain(context, chain) == 1);
}

int tls_prepare(SSL_CTX *context, const char *host, struct error *err)
{
    static const struct tls_settings usual = {NULL, NULL, NULL};

    if (!state.files && configure(&usual, err) < 0)
        return -1;
    ERR_clear_error();
    state.refusal = X509_V_OK;
    state.alert = 0;
    SSL_CTX_set1_cert_store(context, SSL_CTX_get_cert_store(state.files));
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, note_verdict);
    SSL_CTX_set_info_callback(context, note_alert);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        !set_host(SSL_CTX_get0_param(context), host) || !give_certificate(context))
        return fail(err, FAULT_INTERNAL, "TLS: %s", openssl_reason());
    return 0;
}

const char *tls_reason(void)
{
    static char reason[512];

    if (state.refusal != X509_V_OK)
        snprintf(reason, sizeof(reason), "its certificate is refused: %s (tls_ca: %s)",
                 X509_verify_cert_error_string(state.refusal),
                 state.own_authorities[0] ? state.own_authorities : "the system's authorities");
    else if (state.alert)
        snprintf(reason, sizeof(reason), "it refuses us: %s",
                 words_of(ERR_PACK(ERR_LIB_SSL, 0, SSL_AD_REASON_OFFSET + state.alert)));
    else
        snprintf(reason, sizeof(reason), "%s", openssl_reason());
    return reason;
}
