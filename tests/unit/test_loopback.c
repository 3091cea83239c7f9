#include "worker/loopback.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/count.h"

#include <cmocka.h> /* last: it defines a macro fail() */

static void an_address_of_this_machine_alone_is_taken(void **state)
{
    struct sockaddr_storage address;
    socklen_t length = 0;
    (void)state;
    assert_int_equal(loopback_parse("127.0.0.1:9470", &address, &length, NULL), 0);
    assert_int_equal(length, sizeof(struct sockaddr_in));
    assert_int_equal(ntohs(((struct sockaddr_in *)&address)->sin_port), 9470);
    assert_int_equal(loopback_parse("127.9.0.1:1", &address, &length, NULL), 0);
    assert_int_equal(loopback_parse("[::1]:65535", &address, &length, NULL), 0);
    assert_int_equal(length, sizeof(struct sockaddr_in6));
    assert_int_equal(ntohs(((struct sockaddr_in6 *)&address)->sin6_port), 65535);
}

static void anything_else_is_refused_by_name(void **state)
{
    static const char *const wrong[] = {
        "0.0.0.0:9470",
        "192.0.2.1:9470",
        "[::]:9470",
        "[2001:db8::1]:9470",
        "[::ffff:127.0.0.1]:9470",
        "::1:9470",
        "[127.0.0.1]:9470",
        "localhost:9470",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:+80",
        "127.0.0.1: 80",
        "127.0.0.1:80x",
        ":9470",
        "]:9470",
        "[]:9470",
        "9470",
        "",
        "127.1:9470",
        "[::1:9470",
        "127.0.0.1000000000000000000000000000000000000000000000000000000:9470",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct sockaddr_storage address;
        socklen_t length = 7;
        struct error err = {0};
        assert_int_equal(loopback_parse(wrong[i], &address, &length, &err), -1);
        assert_int_equal(err.fault, FAULT_INVALID);
        assert_non_null(strstr(err.text, wrong[i]));
        assert_int_equal(length, 7);
    }
}

static void a_port_that_is_taken_is_named(void **state)
{
    struct error err = {0};
    struct sockaddr_in taken = {0};
    socklen_t length = sizeof taken;
    char text[32];
    int socket = -1, other = -1;
    (void)state;
    for (int port = 20000; socket < 0 && port < 21000; port++) {
        snprintf(text, sizeof text, "127.0.0.1:%d", port);
        if (loopback_listen(text, &socket, &err) < 0)
            socket = -1;
    }
    assert_int_equal(getsockname(socket, (struct sockaddr *)&taken, &length), 0);
    assert_int_equal(ntohl(taken.sin_addr.s_addr), INADDR_LOOPBACK);
    assert_int_equal(loopback_listen(text, &other, &err), -1);
    assert_int_equal(other, -1);
    assert_non_null(strstr(err.text, text));
    close(socket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_of_this_machine_alone_is_taken),
        cmocka_unit_test(anything_else_is_refused_by_name),
        cmocka_unit_test(a_port_that_is_taken_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
