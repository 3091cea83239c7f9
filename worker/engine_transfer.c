/* libcurl's options, and what it calls back with. */
#include "worker/engine_transfer.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"

#define CONNECT_TIMEOUT_S 5
#define TURN_MS 900 /* libcurl looks around every second, or a little before */

/* libcurl's own sockets would be inherited by whatever this process executes. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct engine *engine = context;

    (void)purpose;
    /* Where none was open, or one is still to be closed, nothing shows that this leads to the same.
     */
    engine->met &= engine->previous < 0 && engine->socket >= 0;
    engine->previous = engine->socket;
    engine->socket = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    return engine->socket;
}

/* Between answers there is nothing to read but the end. */
static bool has_ended(int socket)
{
    struct pollfd connection = {.fd = socket, .events = POLLIN};
    return poll(&connection, 1, 0) != 0;
}

/* A call that acts has its own connection; behind its answer libcurl closes the one before
 * (CURLOPT_MAXCONNECTS(3)). Were it closed sooner, we would only know less. */
static int close_socket(void *context, curl_socket_t socket)
{
    struct engine *engine = context;

    if (socket == engine->previous) {
        engine->met &= !has_ended(socket);
        engine->previous = -1;
    } else if (socket == engine->socket) {
        engine->met = false;
        engine->socket = -1;
    }
    return close(socket);
}

void engine_meet(struct engine *engine)
{
    engine->met = true;
}

bool engine_is_met(const struct engine *engine)
{
    return engine->met && engine->previous < 0 && engine->socket >= 0 && !has_ended(engine->socket);
}

static int append(struct engine_answer *answer, const char *data, size_t length, struct error *err)
{
    if (length > ENGINE_RESPONSE_MAX - answer->length)
        return fail(err, FAULT_ENGINE, "the engine's answer is larger than %d bytes",
                    ENGINE_RESPONSE_MAX);
    /* Powers of two: the buffer has room up to the next one. */
    size_t room = 1024;
    while (room < answer->length + length)
        room *= 2;
    char *bytes = realloc(answer->bytes, room);
    if (!bytes)
        return fail(err, FAULT_INTERNAL, "out of memory");
    memcpy(bytes + answer->length, data, length);
    answer->bytes = bytes;
    answer->length += length;
    return 0;
}

static bool goes_on(struct transfer *transfer, int verdict)
{
    if (verdict != 0)
        transfer->end = verdict < 0 ? FAILED : ENDED;
    return verdict == 0;
}

static size_t take_bytes(char *data, size_t one, size_t length, void *context)
{
    struct transfer *transfer = context;
    const struct engine_stream *stream = transfer->stream;
    long status = 0;

    (void)one;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    int verdict = stream && status / 100 == 2
                      ? stream->piece(data, length, stream->context, transfer->err)
                      : append(transfer->answer, data, length, transfer->err);
    return goes_on(transfer, verdict) ? length : 0;
}

static int look_around(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    struct transfer *transfer = context;
    const struct engine_stream *stream = transfer->stream;
    int64_t now = clock_ms();

    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    if (transfer->end != GOES_ON || now - transfer->last_turn < TURN_MS)
        return 0;
    transfer->last_turn = now;
    return goes_on(transfer, stream->turn(stream->context, transfer->err)) ? 0 : 1;
}

int engine_transfer_prepare(struct engine *engine, const struct engine_call *call,
                            struct transfer *transfer, struct error *err)
{
    CURL *curl = engine->curl;
    bool reads = strcmp(call->method, "GET") == 0;
    bool posts = strcmp(call->method, "POST") == 0;
    unsigned bad = 0;

    curl_easy_reset(curl); /* keeps the connection, drops the options */
    bad |= curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, engine->socket_path);
    bad |= curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    bad |= curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, engine);
    bad |= curl_easy_setopt(curl, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    bad |= curl_easy_setopt(curl, CURLOPT_CLOSESOCKETDATA, engine);
    bad |= curl_easy_setopt(curl, CURLOPT_NOPROXY, "*"); /* whatever the environment says */
    bad |= curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    bad |= curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(curl, CURLOPT_USERAGENT, "dcm/" DCM_VERSION);
    bad |= curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    bad |= curl_easy_setopt(curl, CURLOPT_MAXCONNECTS, 1L);
    /* libcurl sends a request again if a kept connection broke before the answer. A start must not
     * be sent twice: the first may have run its command to the end. */
    bad |= curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, reads ? 0L : 1L);
    if (posts)
        bad |= curl_easy_setopt(curl, CURLOPT_POST, 1L);
    else if (!reads)
        bad |= curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);

    bad |= curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    bad |= curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    if (transfer->stream) { /* a total timeout would end a healthy quiet stream */
        bad |= curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        bad |= curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_around);
        bad |= curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
    } else {
        long timeout_s = call->timeout_s ? call->timeout_s : ENGINE_TIMEOUT_S;
        bad |= curl_easy_setopt(curl, CURLOPT_TIMEOUT, timeout_s);
    }
    return bad ? fail(err, FAULT_INTERNAL, "libcurl refuses an option") : 0;
}
