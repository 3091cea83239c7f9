#include "schemas/ports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/count.h"

static void check_port(const struct port *port, const char *address, int host, int container,
                       const char *protocol)
{
    assert_string_equal(port->address, address);
    assert_int_equal(port->host, host);
    assert_int_equal(port->container, container);
    assert_string_equal(port->protocol, protocol);
}

static void check_one(const char *text, const char *address, int host, int container,
                      const char *protocol)
{
    struct ports ports = {0};
    assert_int_equal(ports_parse(text, &ports, NULL), 0);
    assert_int_equal(ports.count, 1);
    check_port(&ports.list[0], address, host, container, protocol);
}

static void every_part_but_the_container_may_be_left_out(void **state)
{
    (void)state;
    check_one("80", "", 80, 80, "tcp");
    check_one("80/tcp", "", 80, 80, "tcp");
    check_one("53/udp", "", 53, 53, "udp");
    check_one("8080:80", "", 8080, 80, "tcp");
    check_one("10.0.0.2:80", "10.0.0.2", 80, 80, "tcp");
    check_one("10.0.0.2:8080:80/udp", "10.0.0.2", 8080, 80, "udp");
    check_one("0.0.0.0:1:65535", "0.0.0.0", 1, 65535, "tcp");
    check_one("255.255.255.255:65535:1", "255.255.255.255", 65535, 1, "tcp");
}

static void a_range_is_that_many_ports(void **state)
{
    struct ports ports = {0};
    (void)state;
    assert_int_equal(ports_parse("10.0.0.2:9000-9002:8000-8002/udp", &ports, NULL), 0);
    assert_int_equal(ports.count, 3);
    for (int i = 0; i < 3; i++)
        check_port(&ports.list[i], "10.0.0.2", 9000 + i, 8000 + i, "udp");
    assert_int_equal(ports_parse("7000-7000", &ports, NULL), 0);
    assert_int_equal(ports.count, 4);
    check_port(&ports.list[3], "", 7000, 7000, "tcp");
}

/* Refused, named, and the ports that were there stay as they are. */
static void check_refusal(const char *text, const char *because)
{
    struct ports ports = {0};
    struct error err = {0};
    assert_int_equal(ports_parse("81", &ports, NULL), 0);
    if (!ports_parse(text, &ports, &err))
        fail_msg("\"%s\" is accepted", text);
    assert_int_equal(ports.count, 1);
    assert_int_equal(err.fault, FAULT_INVALID);
    assert_non_null(strstr(err.text, because));
    assert_non_null(strstr(err.text, text));
}

static void what_is_no_port_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "0",
        "65536",
        "99999999999",
        "080",
        "-1",
        "+1",
        " 80",
        "80 ",
        "a",
        ":",
        "80:",
        ":80",
        "10.0.0.2:",
        "10.0.0.2::80",
        "80-",
        "-80",
        "80-79",
        "80-81-82",
        "80:0",
        "10.0.0.2:1:2:3",
        "0-5",
        "65535-65536",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++)
        check_refusal(wrong[i], "a port is a number from 1 to 65535");
    check_refusal("80/sctp", "tcp or udp");
    check_refusal("80/TCP", "tcp or udp");
    check_refusal("80/", "tcp or udp");
    check_refusal("80/tcp/udp", "tcp or udp");
    check_refusal("10.0.0.256:80", "address");
    check_refusal("10.0.0.01:80:80", "address");
    check_refusal("1:2:3", "address");
    check_refusal("8080::80", "address");
    check_refusal("8000-8002:9000-9001", "same length");
    check_refusal("8000:9000-9001", "same length");
    check_refusal("80-80-80-80-80-80-80-80-80-80-80-80-80-80-80-80-80-80-80-80-80-8", "too long");
}

static void port_22_of_a_container_is_dcms(void **state)
{
    (void)state;
    check_refusal("22", "SSH");
    check_refusal("2222:22/tcp", "SSH");
    check_refusal("20-25", "SSH");
    check_refusal("1020-1025:20-25", "SSH");
    check_one("22/udp", "", 22, 22, "udp");
    check_one("22:2222", "", 22, 2222, "tcp");
}

static void a_host_port_is_given_once(void **state)
{
    struct ports ports = {0};
    (void)state;
    assert_int_equal(ports_parse("10.0.0.1:80", &ports, NULL), 0);
    assert_int_equal(ports_parse("10.0.0.1:80:81", &ports, NULL), -1);
    assert_int_equal(ports_parse("0.0.0.0:80", &ports, NULL), -1);
    assert_int_equal(ports_parse("10.0.0.1:78-80", &ports, NULL), -1);
    assert_int_equal(ports.count, 1);
    assert_int_equal(ports_parse("10.0.0.2:80", &ports, NULL), 0);
    assert_int_equal(ports_parse("10.0.0.1:80/udp", &ports, NULL), 0);
    assert_int_equal(ports_parse("10.0.0.1:81:80", &ports, NULL), 0);
    assert_int_equal(ports_parse("0.0.0.0:90", &ports, NULL), 0);
    assert_int_equal(ports_parse("10.0.0.1:90", &ports, NULL), -1);
    assert_int_equal(ports_parse("90", &ports, NULL), -1);
    assert_int_equal(ports.count, 5);
}

static void a_container_publishes_at_most_64_ports(void **state)
{
    struct ports ports = {0};
    struct error err = {0};
    (void)state;
    assert_int_equal(ports_parse("8000-8063", &ports, &err), 0);
    assert_int_equal(ports.count, 64);
    assert_int_equal(ports_parse("9000", &ports, &err), -1);
    ports = (struct ports){0};
    assert_int_equal(ports_parse("1000-65535", &ports, &err), -1);
    assert_non_null(strstr(err.text, "at most 64"));
    assert_int_equal(ports.count, 0);
}

static void json_holds_the_same_ports(void **state)
{
    struct ports ports = {0}, again = {0};
    (void)state;
    assert_int_equal(ports_parse("10.0.0.2:8080:80", &ports, NULL), 0);
    assert_int_equal(ports_parse("53/udp", &ports, NULL), 0);
    json_auto_t *list = ports_to_json(&ports);
    json_auto_t *expected = json_pack("[{s:s, s:i, s:i, s:s}, {s:i, s:i, s:s}]", "address",
                                      "10.0.0.2", "host", 8080, "container", 80, "protocol", "tcp",
                                      "host", 53, "container", 53, "protocol", "udp");
    assert_true(json_equal(list, expected));
    assert_int_equal(ports_from_json(list, &again, NULL), 0);
    assert_int_equal(again.count, 2);
    check_port(&again.list[0], "10.0.0.2", 8080, 80, "tcp");
    check_port(&again.list[1], "", 53, 53, "udp");
}

static void no_list_is_no_ports(void **state)
{
    struct ports ports = {.count = 7};
    (void)state;
    assert_int_equal(ports_from_json(NULL, &ports, NULL), 0);
    assert_int_equal(ports.count, 0);
    json_auto_t *list = ports_to_json(&ports);
    assert_true(json_is_array(list));
    assert_int_equal(json_array_size(list), 0);
}

static void json_is_held_to_the_same_rules(void **state)
{
    struct ports ports = {.count = 7};
    struct error err = {0};
    (void)state;
    json_auto_t *ssh =
        json_pack("[{s:i, s:i, s:s}]", "host", 2222, "container", 22, "protocol", "tcp");
    assert_int_equal(ports_from_json(ssh, &ports, &err), -1);
    assert_non_null(strstr(err.text, "ports[0]: "));
    json_auto_t *twice =
        json_pack("[{s:i, s:i, s:s}, {s:i, s:i, s:s}]", "host", 80, "container", 80, "protocol",
                  "tcp", "host", 80, "container", 81, "protocol", "tcp");
    assert_int_equal(ports_from_json(twice, &ports, &err), -1);
    assert_non_null(strstr(err.text, "ports[1]: "));
    assert_int_equal(ports.count, 7); /* untouched */
}

static void the_policys_ranges_are_read(void **state)
{
    static const char *const wrong[] = {
        "", "0", "65536", "9000-8000", "8000-", "-80", "1-2-3", "080", "80/sctp", "80/", "80 ", "*",
    };
    struct port_range range;
    (void)state;
    assert_true(port_range_parse("80", &range));
    assert_true(range.first == 80 && range.last == 80 && strcmp(range.protocol, "tcp") == 0);
    assert_true(port_range_parse("8000-8999/udp", &range));
    assert_true(range.first == 8000 && range.last == 8999 && strcmp(range.protocol, "udp") == 0);
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_false(port_range_parse(wrong[i], &range));
    assert_int_equal(range.first, 8000); /* untouched */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_but_the_container_may_be_left_out),
        cmocka_unit_test(a_range_is_that_many_ports),
        cmocka_unit_test(what_is_no_port_is_refused),
        cmocka_unit_test(port_22_of_a_container_is_dcms),
        cmocka_unit_test(a_host_port_is_given_once),
        cmocka_unit_test(a_container_publishes_at_most_64_ports),
        cmocka_unit_test(json_holds_the_same_ports),
        cmocka_unit_test(no_list_is_no_ports),
        cmocka_unit_test(json_is_held_to_the_same_rules),
        cmocka_unit_test(the_policys_ranges_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
