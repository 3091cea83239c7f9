#include "tests/unit/redis_fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/auto.h"

struct fixture fixture;

static int listen_on(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

/* Commands of these tests come in one read each. */
static void answer_all(int listener, const char *const *script)
{
    char command[4096];
    int client = accept(listener, NULL, NULL);

    for (; *script; script++) {
        bool silent = strcmp(*script, SAY_NOTHING) == 0;
        ssize_t length = (ssize_t)strlen(*script);

        if (silent) /* until the other side gives up */
            while (read(client, command, sizeof(command)) > 0)
                continue;
        if (silent || strcmp(*script, HANG_UP) == 0) {
            close(client);
            client = accept(listener, NULL, NULL);
            continue;
        }
        if (read(client, command, sizeof(command)) <= 0 ||
            write(client, *script, (size_t)length) != length)
            _exit(1);
    }
    pause();
    _exit(0);
}

void serve(const char *const *script)
{
    int listener = listen_on(fixture.socket);
    struct redis_link_options options = {
        .url = fixture.url, .timeout_ms = 300, .functions = "#!lua name=t"};

    fixture.server = fork();
    if (fixture.server == 0)
        answer_all(listener, script);
    close(listener);
    assert_int_equal(redis_link_new(&options, &fixture.link, &fixture.err), 0);
}

int redis_fixture_set_up(void **state)
{
    (void)state;
    memset(&fixture, 0, sizeof(fixture));
    strcpy(fixture.directory, "/tmp/redis-link-XXXXXX");
    if (!mkdtemp(fixture.directory))
        return -1;
    snprintf(fixture.socket, sizeof(fixture.socket), "%s/socket", fixture.directory);
    snprintf(fixture.url, sizeof(fixture.url), "unix://%s", fixture.socket);
    return 0;
}

int redis_fixture_tear_down(void **state)
{
    (void)state;
    redis_link_free(fixture.link);
    kill(fixture.server, SIGKILL);
    waitpid(fixture.server, NULL, 0);
    unlink(fixture.socket);
    return rmdir(fixture.directory);
}

int ask(json_t **ret_reply)
{
    fixture.err = (struct error){.fault = FAULT_NONE};
    return redis_link_text(fixture.link, ret_reply, &fixture.err, "GET", "key", NULL);
}

void assert_asked(const char *expected)
{
    json_auto_t *reply = NULL;

    assert_int_equal(ask(&reply), 0);
    AUTO(string) char *text = json_dumps(reply, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_string_equal(text, expected);
}
