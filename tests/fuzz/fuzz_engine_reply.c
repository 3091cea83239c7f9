/*
 * Whatever an engine may answer, byte by byte as HTTP, to each of the calls that DCM makes. The
 * first byte chooses the call. There is no socket to listen on: libcurl is given one end of a pair
 * whose other end holds the answer already (the linker's --wrap=socket).
 */
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/auto.h"
#include "common/count.h"
#include "tests/fuzz/fuzz.h"
#include "worker/engine.h"

#define CONNECTIONS_MOST 128
#define ID "6f55ae927db0776f269f12af4c7a205ba1f647f41854b8fd9f1fc328c90fade7"

/* What an engine of the right version says first. */
static const char greeting[] = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 46\r\n\r\n"
                               "{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}\n ";

static struct {
    const uint8_t *data;
    size_t size;
    unsigned connections;       /* so far; the first is greeted */
    int ends[CONNECTIONS_MOST]; /* the engine's, open until the call is over */
    int calls;                  /* of the callbacks */
} reply;

int __wrap_socket(int domain, int type, int protocol);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);

/* Whoever looks again and again for something to change does so at once. */
int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
    (void)time;
    (void)left;
    return 0;
}

int __wrap_socket(int domain, int type, int protocol)
{
    int ends[2];
    bool greets = reply.connections == 0;
    const void *bytes = greets ? (const void *)greeting : reply.data;
    size_t length = greets ? sizeof(greeting) - 1 : reply.size;

    HOLDS(domain == AF_UNIX && (type & SOCK_CLOEXEC) && reply.connections < CONNECTIONS_MOST);
    HOLDS(socketpair(domain, type, protocol, ends) == 0);
    send(ends[1], bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL); /* what does not fit is not sent */
    shutdown(ends[1], SHUT_WR);
    reply.ends[reply.connections++] = ends[1];
    return ends[0];
}

/* In place of the C library's: libcurl connects what is connected already. */
int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t length)
{
    (void)fd;
    (void)address;
    (void)length;
    return 0;
}

/* Gives up after a while, as the callers of streams do. */
static int hear(const char *stream, const void *data, size_t length, void *context)
{
    (void)context;
    HOLDS(data ? length > 0 && stream : length == 0);
    return ++reply.calls > 1000;
}

static int see(const json_t *event, void *context)
{
    (void)context;
    HOLDS(!event || json_is_object(event));
    return ++reply.calls > 1000;
}

typedef int call(struct engine *engine, struct error *err);

static int identity(struct engine *engine, struct error *err)
{
    char text[ENGINE_IDENTITY_SIZE] = "";
    int status = engine_identity(engine, text, err);

    HOLDS((status == 0) == (text[0] != '\0'));
    fuzz_check_output(text, strlen(text));
    return status;
}

static int image(struct engine *engine, struct error *err)
{
    json_auto_t *value = NULL;
    return engine_image_inspect(engine, "debian-ssh", &value, err);
}

static int image_list(struct engine *engine, struct error *err)
{
    json_auto_t *value = NULL;
    int status = engine_image_list(engine, false, &value, err);

    HOLDS(status < 0 || json_is_array(value));
    return status;
}

static int image_remove(struct engine *engine, struct error *err)
{
    return engine_image_remove(engine, "dcm.local/alice/web:1", err);
}

static int commit(struct engine *engine, struct error *err)
{
    json_auto_t *config = json_object();
    const struct engine_commit order = {
        .container = ID, .name = "dcm.local/alice/web:1", .config = config};
    char id[ENGINE_ID_SIZE] = "";
    int status = engine_commit(engine, &order, id, err);

    HOLDS(status < 0 || name_is_engine_id(id));
    return status;
}

static int bytes(struct engine *engine, struct error *err)
{
    int64_t number = -1;
    int status = engine_container_bytes(engine, ID, &number, err);

    HOLDS(status < 0 || number >= 0);
    return status;
}

static int create(struct engine *engine, struct error *err)
{
    json_auto_t *body = json_object();
    char id[ENGINE_ID_SIZE] = "";
    int status = engine_container_create(engine, "dcm.alice.web", body, id, err);

    HOLDS(status < 0 || name_is_engine_id(id));
    return status;
}

static int inspect(struct engine *engine, struct error *err)
{
    json_auto_t *value = NULL;
    return engine_container_inspect(engine, ID, &value, err);
}

static int list(struct engine *engine, struct error *err)
{
    json_auto_t *value = NULL;
    int status = engine_container_list(engine, &value, err);

    HOLDS(status < 0 || json_is_array(value));
    return status;
}

static int start(struct engine *engine, struct error *err)
{
    bool no_port = false;
    int status = engine_container_act(engine, ENGINE_START, ID, &no_port, err);

    HOLDS(status < 0 || !no_port);
    return status;
}

static int rename_it(struct engine *engine, struct error *err)
{
    return engine_container_rename(engine, ID, "dcm.alice.web", err);
}

static int network(struct engine *engine, struct error *err)
{
    json_auto_t *labels = json_object();
    const struct engine_network order = {"dcm.alice", "10.201.4.64/26", labels};
    return engine_network_ensure(engine, &order, err);
}

static int logs(struct engine *engine, struct error *err)
{
    const struct engine_logs order = {.id = ID};
    return engine_container_logs(engine, &order, hear, NULL, err);
}

static int terminal(struct engine *engine, struct error *err)
{
    const struct engine_logs order = {.id = ID, .tty = true, .tail = 10};
    return engine_container_logs(engine, &order, hear, NULL, err);
}

static int events(struct engine *engine, struct error *err)
{
    return engine_events(engine, 0, see, NULL, err);
}

static call *const calls[] = {identity,  image,   image_list, image_remove, commit,
                              bytes,     create,  inspect,    list,         start,
                              rename_it, network, logs,       terminal,     events};

/* libcurl 7.88, as Debian 12 has it, goes on with freed memory where a continued line is the first
 * header of a handle's second answer (curl/curl#11101). That is its own to mend: no line begins
 * with a blank here. */
static char *without_continued_lines(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);

    for (size_t i = 1; i < size; i++)
        if (text[i - 1] == '\n' && (text[i] == ' ' || text[i] == '\t'))
            text[i] = '.';
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(engine) struct engine *engine = NULL;
    struct error err = {0};
    unsigned chosen = fuzz_choose(&data, &size, COUNT(calls));
    AUTO(string) char *text = without_continued_lines(data, size);

    reply.data = (const uint8_t *)text;
    reply.size = size;
    reply.connections = 0;
    reply.calls = 0;
    HOLDS(engine_new("/nowhere", &engine, NULL) == 0);
    if (calls[chosen](engine, &err) < 0)
        fuzz_check_error(&err);
    HOLDS(reply.connections > 1); /* the greeting was well, and the call was made */
    while (reply.connections > 0)
        close(reply.ends[--reply.connections]);
    return 0;
}
