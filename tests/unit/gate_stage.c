#include "tests/unit/gate_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h> /* last: it defines a macro fail() */

int stage_set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(stage->folder, sizeof(stage->folder), "/tmp/dcm-unit.XXXXXX");
    if (!mkdtemp(stage->folder))
        return -1;
    snprintf(stage->path, sizeof(stage->path), "%s/gate", stage->folder);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", stage->path);
    stage->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    *state = stage;
    if (bind(stage->listener, (struct sockaddr *)&address, sizeof(address)) == -1)
        return -1;
    return listen(stage->listener, 4);
}

int stage_tear_down(void **state)
{
    struct stage *stage = *state;
    int status = 0;
    courier_close(stage->courier);
    if (stage->gate > 0)
        waitpid(stage->gate, &status, 0);
    close(stage->listener);
    unlink(stage->path);
    rmdir(stage->folder);
    free(stage);
    return status;
}

struct courier *meet(struct stage *stage, void (*part)(int listener))
{
    stage->gate = fork();
    assert_int_not_equal(stage->gate, -1);
    if (stage->gate == 0) {
        alarm(20);
        part(stage->listener);
        _exit(EXIT_SUCCESS);
    }
    assert_int_equal(courier_gate_open(stage->path, NULL, &stage->courier, NULL), 0);
    return stage->courier;
}

int welcome(int listener)
{
    return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

void heed(int client)
{
    char packet[4096];
    if (recv(client, packet, sizeof(packet), 0) <= 0)
        _exit(EXIT_FAILURE); /* stage_tear_down sees it */
}

void say(int client, const char *text)
{
    if (send(client, text, strlen(text), MSG_NOSIGNAL) == -1)
        _exit(EXIT_FAILURE);
}

void stay_silent(int listener)
{
    int client = welcome(listener);
    char byte;
    heed(client);
    (void)!recv(client, &byte, 1, 0);
}
