#include "common/amqp_internal.h"

#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/tls.h"
#include "common/url.h"

#define DEFAULT_PORT 5672
#define DEFAULT_TLS_PORT 5671
#define FRAME_MAX 131072 /* the broker's own default: what its other clients may send fits */
#define GOODBYE_MS 1000
/* More than one whole message, see amqp_publish.c; the kernel doubles it for its own needs. */
#define SEND_BUFFER 262144

static void auto_url(struct url *url)
{
    url_clear(url);
}

static const char *const schemes[] = {"amqp", "amqps", NULL};

static bool wants_tls(const struct url *url)
{
    return strcmp(url->scheme, "amqps") == 0;
}

static int port_of(const struct url *url)
{
    if (url->port)
        return url->port;
    return wants_tls(url) ? DEFAULT_TLS_PORT : DEFAULT_PORT;
}

static int check_endpoint(const char *endpoint, struct error *err)
{
    AUTO(url) struct url url = {.port = 0};

    if (url_parse(endpoint, schemes, &url, err) < 0)
        return fail_while(err, "broker");
    if (!url.host[0])
        return fail(err, FAULT_INVALID, "the broker's URL names no host");
    if (!url.user || !url.user[0] || !url.password)
        return fail(err, FAULT_INVALID, "the broker's URL needs a user and a password");
    return 0;
}

static void tune_socket(int fd)
{
    int yes = 1;
    int send_buffer = SEND_BUFFER;

    fcntl(fd, F_SETFD, FD_CLOEXEC);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer));
}

void amqp_link_cork(const struct amqp_link *link, bool on)
{
    int value = on;

    setsockopt(amqp_get_sockfd(link->connection), IPPROTO_TCP, TCP_CORK, &value, sizeof(value));
}

/* The socket is the connection's to free. That the peer is the host of the URL is for OpenSSL to
 * see to: librabbitmq does not know addresses in certificates. */
static int make_socket(struct amqp_link *link, const struct url *url, amqp_socket_t **ret_socket,
                       struct error *err)
{
    link->tls = wants_tls(url);
    *ret_socket =
        link->tls ? amqp_ssl_socket_new(link->connection) : amqp_tcp_socket_new(link->connection);
    if (!*ret_socket)
        return fail(err, FAULT_INTERNAL, "out of memory");
    if (!link->tls)
        return 0;
    amqp_ssl_socket_set_verify_peer(*ret_socket, true);
    amqp_ssl_socket_set_verify_hostname(*ret_socket, false);
    return tls_prepare(amqp_ssl_socket_get_context(*ret_socket), url->host, err);
}

/* OpenSSL knows better than librabbitmq what went wrong. */
static bool is_tls_failure(int status)
{
    return status == AMQP_STATUS_SSL_ERROR || status == AMQP_STATUS_SSL_CONNECTION_FAILED ||
           status == AMQP_STATUS_SSL_PEER_VERIFY_FAILED;
}

static int fail_tls(const struct amqp_link *link, struct error *err)
{
    return fail(err, FAULT_DEPENDENCY, "broker %s: no TLS: %s", link->name, tls_reason());
}

static int connect_socket(struct amqp_link *link, const struct url *url, struct error *err)
{
    struct timeval timeout = amqp_timeval(link->timeout_ms);
    amqp_socket_t *socket = NULL;

    if (make_socket(link, url, &socket, err) < 0)
        return -1;
    int status = amqp_socket_open_noblock(socket, url->host, port_of(url), &timeout);
    if (is_tls_failure(status))
        return fail_tls(link, err);
    if (status != AMQP_STATUS_OK)
        return amqp_link_fail_status(link, status, "connecting", err);
    tune_socket(amqp_get_sockfd(link->connection));
    return 0;
}

static amqp_table_entry_t capability(const char *name)
{
    return (amqp_table_entry_t){
        .key = amqp_cstring_bytes(name),
        .value = {.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = true},
    };
}

/* Without these a deleted queue or a broker's alarm looks like silence
 * (rabbitmq.com: consumer-cancel, connection-blocked, auth-notification). */
static int log_in(struct amqp_link *link, const struct url *url,
                  const struct amqp_link_options *options, struct error *err)
{
    amqp_table_entry_t capabilities[] = {
        capability("consumer_cancel_notify"),       capability("connection.blocked"),
        capability("publisher_confirms"),           capability("basic.nack"),
        capability("authentication_failure_close"),
    };
    amqp_table_entry_t entries[] = {
        {.key = amqp_cstring_bytes("capabilities"),
         .value = {.kind = AMQP_FIELD_KIND_TABLE,
                   .value.table = {COUNT(capabilities), capabilities}}},
        {.key = amqp_cstring_bytes("connection_name"),
         .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes(options->name)}},
    };
    amqp_table_t properties = {COUNT(entries), entries};
    const char *vhost = url->path && url->path[0] ? url->path : "/";
    amqp_rpc_reply_t reply =
        amqp_login_with_properties(link->connection, vhost, 1, FRAME_MAX, options->heartbeat_s,
                                   &properties, AMQP_SASL_METHOD_PLAIN, url->user, url->password);

    /* Where a broker that wants our certificate says so (TLS 1.3; RFC 8446, section 4.4.2.4). */
    if (link->tls && reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION &&
        is_tls_failure(reply.library_error))
        return fail_tls(link, err);
    return amqp_link_check_reply(link, reply, "logging in", err);
}

static int open_channel(struct amqp_link *link, const struct amqp_link_options *options,
                        struct error *err)
{
    amqp_connection_state_t connection = link->connection;

    amqp_channel_open(connection, AMQP_CHANNEL);
    if (amqp_link_check_reply(link, amqp_get_rpc_reply(connection), "opening a channel", err) < 0)
        return -1;
    if (!options->publishes)
        return 0;
    amqp_confirm_select(connection, AMQP_CHANNEL);
    return amqp_link_check_reply(link, amqp_get_rpc_reply(connection), "asking for confirms", err);
}

static int open_endpoint(const char *endpoint, const struct amqp_link_options *options,
                         struct amqp_link **ret_link, struct error *err)
{
    AUTO(url) struct url url = {.port = 0};
    AUTO(amqp_link) struct amqp_link *link = calloc(1, sizeof(*link));

    if (!link || !(link->connection = amqp_new_connection()))
        return fail(err, FAULT_INTERNAL, "out of memory");
    if (url_parse(endpoint, schemes, &url, err) < 0)
        return -1;
    link->broken = link->dead = true; /* until it is open */
    link->publishes = options->publishes;
    link->first_consumer = link->next_consumer = 1; /* 0 is none */
    link->timeout_ms = options->timeout_ms;
    link->account = strdup(url.user);
    if (!link->account)
        return fail(err, FAULT_INTERNAL, "out of memory");
    snprintf(link->name, sizeof(link->name), "%s:%d", url.host, port_of(&url));

    struct timeval timeout = amqp_timeval(options->timeout_ms);
    amqp_set_handshake_timeout(link->connection, &timeout);
    amqp_set_rpc_timeout(link->connection, &timeout);
    if (connect_socket(link, &url, err) < 0 || log_in(link, &url, options, err) < 0 ||
        open_channel(link, options, err) < 0)
        return -1;
    link->broken = link->dead = false;
    *ret_link = TAKE(link);
    return 0;
}

int amqp_link_open(const struct amqp_link_options *options, struct amqp_link **ret_link,
                   struct error *err)
{
    if (!options->endpoints[0])
        return fail(err, FAULT_INVALID, "no broker is configured");
    /* All of them first: a slip in the second URL should not wait for the first broker's end. */
    for (const char *const *endpoint = options->endpoints; *endpoint; endpoint++)
        if (check_endpoint(*endpoint, err) < 0)
            return -1;
    for (const char *const *endpoint = options->endpoints; *endpoint; endpoint++)
        if (open_endpoint(*endpoint, options, ret_link, err) == 0)
            return 0;
    return -1; /* *err is the last endpoint's */
}

/* Saying goodbye makes sure that the broker has read our last acknowledgements: a socket that is
 * closed with deliveries unread is reset, and what we sent may be lost. */
void amqp_link_close(struct amqp_link *link)
{
    if (!link)
        return;
    if (link->connection && !link->dead) {
        struct timeval timeout =
            amqp_timeval(link->timeout_ms < GOODBYE_MS ? link->timeout_ms : GOODBYE_MS);
        amqp_set_rpc_timeout(link->connection, &timeout);
        amqp_connection_close(link->connection, AMQP_REPLY_SUCCESS);
    }
    if (link->connection)
        amqp_destroy_connection(link->connection);
    amqp_delivery_clear(&link->content.event.delivery);
    amqp_delivery_clear(&link->waiting.delivery);
    free(link->account);
    free(link);
}
