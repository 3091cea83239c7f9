/* The only user of libmicrohttpd, which turns in our own loop: no thread, as everywhere. */
#include "worker/metrics_server.h"

#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/auto.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/prefork.h"
#include "worker/walls.h"

#define CLIENTS_MOST 32
#define CLIENT_MEMORY 16384 /* for the head of a request; a longer one is refused */
#define CLIENT_LIFE_MS 5000 /* however busy it seems: one that drips bytes is never idle */
#define TURN_MS 1000

struct server {
    const struct metrics *metrics;
    struct MHD_Daemon *daemon;
    struct client {
        int socket; /* -1: free */
        int64_t until;
    } clients[CLIENTS_MOST];
};

/* ---- answers ---- */

static const struct {
    unsigned status;
    const char *text;
} refusals[] = {
    {MHD_HTTP_NOT_FOUND, "There is /metrics, and nothing else.\n"},
    {MHD_HTTP_METHOD_NOT_ALLOWED, "GET, and nothing else.\n"},
    {MHD_HTTP_INTERNAL_SERVER_ERROR, "Out of memory.\n"},
};
enum refusal { NOT_THERE, NOT_ALLOWED, NO_MEMORY };

static enum MHD_Result refuse(struct MHD_Connection *connection, enum refusal refusal)
{
    const char *text = refusals[refusal].text;
    /* A buffer of constant text is not written to, whatever its type says. */
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
    enum MHD_Result result = MHD_queue_response(connection, refusals[refusal].status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result tell(struct MHD_Connection *connection, const struct metrics *metrics)
{
    AUTO(string) char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);
    if (!to)
        return refuse(connection, NO_MEMORY);
    metrics_print(metrics, to);
    if (fclose(to) != 0)
        return refuse(connection, NO_MEMORY);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);
    if (!response)
        return MHD_NO;
    text = NULL; /* the response's */
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                            "text/plain; version=0.0.4; charset=utf-8");
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *body,
                              size_t *length, void **unused)
{
    const struct server *server = context;
    (void)version, (void)body, (void)length, (void)unused;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return refuse(connection, NOT_ALLOWED);
    return strcmp(url, "/metrics") == 0 ? tell(connection, server->metrics)
                                        : refuse(connection, NOT_THERE);
}

/* ---- clients ---- */

static void greet(struct server *server, struct MHD_Connection *connection, void **ret_client)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    for (size_t i = 0; info && i < CLIENTS_MOST; i++) {
        struct client *client = &server->clients[i];
        if (client->socket >= 0)
            continue;
        *client = (struct client){info->connect_fd, clock_ms() + CLIENT_LIFE_MS};
        *ret_client = client;
        return;
    }
}

static void on_connection(void *context, struct MHD_Connection *connection, void **client_slot,
                          enum MHD_ConnectionNotificationCode code)
{
    struct client *client = *client_slot;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        greet(context, connection, client_slot);
    else if (client)
        client->socket = -1;
}

/* libmicrohttpd only ends who is silent. It sees the end of what is shut here, and closes it. */
static void end_old(const struct server *server)
{
    int64_t now = clock_ms();
    for (size_t i = 0; i < CLIENTS_MOST; i++)
        if (server->clients[i].socket >= 0 && now >= server->clients[i].until)
            shutdown(server->clients[i].socket, SHUT_RDWR);
}

/* ---- the process ---- */

static void loop(struct server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct pollfd events = {.fd = info->epoll_fd, .events = POLLIN};
    while (!prefork_stopping) {
        MHD_UNSIGNED_LONG_LONG wait = TURN_MS;
        if (MHD_get_timeout(server->daemon, &wait) != MHD_YES || wait > TURN_MS)
            wait = TURN_MS;
        poll(&events, 1, (int)wait);
        end_old(server);
        MHD_run(server->daemon);
    }
}

int metrics_server_run(const struct worker_config *config, const struct metrics *metrics,
                       int socket)
{
    struct server server = {.metrics = metrics};
    struct error err = {0};
    for (size_t i = 0; i < CLIENTS_MOST; i++)
        server.clients[i].socket = -1;
    if (walls_raise(config, PROCESS_METRICS, &err) < 0) {
        log_error("%s", err.text);
        return EXIT_FAILURE;
    }
    server.daemon =
        MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, answer, &server, MHD_OPTION_LISTEN_SOCKET,
                         socket, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CLIENTS_MOST,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CLIENT_MEMORY,
                         MHD_OPTION_NOTIFY_CONNECTION, on_connection, &server, MHD_OPTION_END);
    if (!server.daemon) {
        log_error("libmicrohttpd does not start");
        return EXIT_FAILURE;
    }
    loop(&server);
    MHD_stop_daemon(server.daemon);
    return EXIT_SUCCESS;
}
