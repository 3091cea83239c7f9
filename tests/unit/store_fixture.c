#include "store_fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/auto.h"
#include "schemas/identifier.h"
#include "schemas/keys.h"
#include "schemas/units.h"

/* Last, because it makes a macro of fail. */
#include "worker/store_containers.h"
#include <cmocka.h>

#define START_TRIES 500

void sleep_ms(long milliseconds)
{
    struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static void start_server(struct fixture *fixture)
{
    char socket_path[96];
    snprintf(socket_path, sizeof(socket_path), "%s/socket", fixture->directory);
    fixture->server = fork();
    assert_true(fixture->server >= 0);
    if (fixture->server == 0) {
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_path, "--save",
               "", "--dir", fixture->directory, "--logfile", "log", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < START_TRIES; i++) {
        if (redis_link_text(fixture->link, NULL, NULL, "PING", NULL) == 0)
            return;
        assert_int_equal(waitpid(fixture->server, NULL, WNOHANG), 0);
        sleep_ms(10);
    }
    fail_msg("redis-server does not answer in %s", fixture->directory);
}

static void stop_server(struct fixture *fixture)
{
    kill(fixture->server, SIGTERM);
    waitpid(fixture->server, NULL, 0);
}

int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/dcm-test-store-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(fixture->url, sizeof(fixture->url), "unix://%s/socket", fixture->directory);

    struct redis_link_options options = {
        .url = fixture->url, .timeout_ms = 5000, .functions = queue_functions};
    assert_done(redis_link_new(&options, &fixture->link, err));
    start_server(fixture);
    fixture->store = fixture_store(fixture, "lcg50");
    *state = fixture;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    stop_server(fixture);
    store_free(fixture->store);
    redis_link_free(fixture->link);
    for (const char *const *name = (const char *const[]){"/log", "/socket", "", NULL}; *name;
         name++) {
        char path[96];
        snprintf(path, sizeof(path), "%s%s", fixture->directory, *name);
        remove(path);
    }
    free(fixture);
    return 0;
}

int fixture_empty(void **state)
{
    struct fixture *fixture = *state;
    assert_done(redis_link_text(fixture->link, NULL, err, "FLUSHALL", NULL));
    fixture_open(fixture->store);
    return 0;
}

void fixture_open(struct store *store)
{
    struct opening opening;
    assert_done(store_open(store, GENERATION_UNKNOWN, 0, &opening, err));
    store_trust(store, opening.generation);
}

void fixture_restart(struct fixture *fixture)
{
    stop_server(fixture);
    start_server(fixture);
}

struct store *fixture_store(const struct fixture *fixture, const char *server)
{
    struct store *store = NULL;
    assert_done(store_new(fixture->url, server, NULL, &store, err));
    fixture_open(store);
    return store;
}

struct request request_of(const char *user)
{
    struct request request = {.op = OP_CONTAINER_CREATE, .submitted = timestamp_now()};
    identifier_new(request.id);
    snprintf(request.user, sizeof(request.user), "%s", user);
    request.args = json_pack("{s:s}", "image", "debian-ssh");
    return request;
}

struct wish wish_for(const struct ports *ports)
{
    static const char *const aliases[] = {ALIAS_1, ALIAS_2, NULL};
    return (struct wish){
        .image = "debian-ssh",
        .ports = ports,
        .addresses = aliases,
        .first_port = 20000,
        .last_port = 29999,
        .memory = 512 << 20,
        .millicpus = 500,
        .pids = 256,
        .most_containers = 8,
        .most_memory = INT64_C(8) << 30,
        .most_millicpus = 8000,
        .most_pids = 4096,
        .subnets = 64,
    };
}

struct ports ports_of(const char *texts)
{
    struct ports ports = {0};
    char copy[256];
    snprintf(copy, sizeof(copy), "%s", texts);
    char *rest = NULL;
    for (char *text = strtok_r(copy, " ", &rest); text; text = strtok_r(NULL, " ", &rest))
        assert_done(ports_parse(text, &ports, err));
    return ports;
}

json_t *container_of(const struct reservation *reservation)
{
    char id[ENGINE_ID_SIZE];
    memset(id, 'e', sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:o, s:s, s:s, s:n}", "name", reservation->name,
                     "id", id, "state", "running", "address", ALIAS_1, "ssh_port",
                     (int)reservation->ssh_port, "ports", ports_to_json(&reservation->ports),
                     "image", "debian-ssh", "created", "2026-11-23T21:00:00.123Z", "expires");
}

struct reservation bound(struct store *store, const struct request *request,
                         const struct wish *wish)
{
    struct reservation reservation = {0};
    assert_done(store_reserve(store, request, wish, &reservation, err));
    json_auto_t *container = container_of(&reservation);
    assert_done(store_bind(store, request, container, err));
    return reservation;
}

void assert_refused(struct store *store, const struct request *request, const struct wish *wish,
                    enum fault fault, const char *text)
{
    struct error error = {0};
    struct reservation reservation = {0};
    assert_int_equal(store_reserve(store, request, wish, &reservation, &error), -1);
    if (error.fault != fault || !strstr(error.text, text))
        fail_msg("fault %d, \"%s\" without \"%s\"", (int)error.fault, error.text, text);
    assert_int_equal(reservation.ssh_port, 0);
}

struct reservation reserve_ports(struct store *store, const char *user, const char *texts)
{
    AUTO(request) struct request request = request_of(user);
    struct ports ports = ports_of(texts);
    struct wish wish = wish_for(&ports);
    struct reservation reservation = {0};
    assert_done(store_reserve(store, &request, &wish, &reservation, err));
    return reservation;
}

void refuse_ports(struct store *store, const char *user, const char *texts, const char *message)
{
    AUTO(request) struct request request = request_of(user);
    struct ports ports = ports_of(texts);
    struct wish wish = wish_for(&ports);
    assert_refused(store, &request, &wish, FAULT_CONFLICT, message);
}
