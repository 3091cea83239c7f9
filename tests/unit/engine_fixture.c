#include "engine_fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/members.h"

#define START_MS 10000

struct standin standin;

static int try_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, standin.socket_path, strlen(standin.socket_path) + 1);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

void standin_launch(void)
{
    char port[16];

    snprintf(port, sizeof(port), "%d", TAKEN_PORT);
    standin.pid = fork();
    if (standin.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(DCM_STANDIN, DCM_STANDIN, "--socket", standin.socket_path, "--image", "debian-ssh",
              "--image", "lab/tools:2", "--taken", port, (char *)NULL);
        _exit(127);
    }
    assert_true(standin.pid > 0);
    for (int waited = 0; waited < START_MS; waited += 10) {
        int fd = try_connect();
        if (fd >= 0) {
            close(fd);
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    fail_msg("%s does not start", DCM_STANDIN);
}

void standin_kill(void)
{
    if (standin.pid > 0) {
        kill(standin.pid, SIGKILL);
        waitpid(standin.pid, NULL, 0);
    }
    standin.pid = 0;
}

int standin_start(void **state)
{
    (void)state;
    memset(&standin, 0, sizeof(standin));
    snprintf(standin.directory, sizeof(standin.directory), "/tmp/dcm-engine-XXXXXX");
    assert_non_null(mkdtemp(standin.directory));
    snprintf(standin.socket_path, sizeof(standin.socket_path), "%s/engine.sock", standin.directory);
    standin_launch();
    return engine_new(standin.socket_path, &standin.engine, &standin.err);
}

int standin_end(void **state)
{
    (void)state;
    engine_free(standin.engine);
    standin_kill();
    unlink(standin.socket_path);
    return rmdir(standin.directory);
}

char *standin_raw(const char *method, const char *path, const char *body)
{
    static char answer[1 << 20];
    size_t length = 0;
    int fd = try_connect();

    assert_true(fd >= 0);
    dprintf(fd, "%s %s HTTP/1.1\r\nHost: test\r\nContent-Length: %zu\r\n\r\n%s", method, path,
            strlen(body), body);
    shutdown(fd, SHUT_WR);
    for (ssize_t got; length < sizeof(answer) - 1 &&
                      (got = read(fd, answer + length, sizeof(answer) - 1 - length)) > 0;)
        length += (size_t)got;
    answer[length] = '\0';
    close(fd);
    const char *begin = strstr(answer, "\r\n\r\n");
    return strdup(begin ? begin + 4 : "");
}

void standin_fault(const char *json)
{
    char *answer = standin_raw("POST", "/standin/faults", json);
    assert_string_equal(answer, "");
    free(answer);
}

json_int_t standin_count(const char *route)
{
    char *answer = standin_raw("GET", "/standin/counts", "");
    json_auto_t *counts = json_loads(answer, 0, NULL);

    free(answer);
    assert_non_null(counts);
    return number_at(counts, route);
}

json_t *standin_body(const char *network, int host_port)
{
    json_auto_t *port = json_sprintf("%d", host_port);
    json_t *body =
        json_pack("{s:s, s:{s:s}, s:{s:{}}, s:{s:s, s:{s:[{s:s, s:O}]}}}", "Image", "debian-ssh",
                  "Labels", "dcm.v", "1", "ExposedPorts", "22/tcp", "HostConfig", "NetworkMode",
                  network, "PortBindings", "22/tcp", "HostIp", "0.0.0.0", "HostPort", port);
    assert_non_null(body);
    return body;
}

void standin_container(const char *name, int host_port, char ret_id[ENGINE_ID_SIZE])
{
    json_auto_t *body = standin_body("dcm.alice", host_port);
    json_auto_t *labels = json_pack("{s:s}", "dcm.v", "1");
    const struct engine_network network = {"dcm.alice", "10.201.0.0/26", labels};

    assert_int_equal(engine_network_ensure(standin.engine, &network, &standin.err), 0);
    assert_int_equal(engine_container_create(standin.engine, name, body, ret_id, &standin.err), 0);
}

void assert_fault(int result, enum fault fault, const char *text)
{
    assert_int_equal(result, -1);
    assert_int_equal(standin.err.fault, fault);
    assert_non_null(strstr(standin.err.text, text));
}

void assert_state(const char *id, const char *status)
{
    json_auto_t *container = NULL;
    assert_int_equal(engine_container_inspect(ENGINE, id, &container, ERR), 0);
    assert_string_equal(text_at(json_object_get(container, "State"), "Status"), status);
}
