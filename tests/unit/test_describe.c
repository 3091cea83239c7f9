#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "common/count.h"
#include "common/members.h"
#include "schemas/result.h"
#include "schemas/units.h"
#include "worker/describe.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define ID "6f55ae927db0776f269f12af4c7a205ba1f647f41854b8fd9f1fc328c90fade7"

static json_t *described(const char *id, const char *created)
{
    static const struct ports ports = {
        .count = 1,
        .list = {{.address = "10.0.0.2", .host = 80, .container = 8080, .protocol = "tcp"}}};
    struct description description = {.name = "web",
                                      .id = id,
                                      .state = id ? "running" : "creating",
                                      .address = "10.0.0.1",
                                      .ssh_port = 20022,
                                      .ports = &ports,
                                      .image = "debian-ssh:latest",
                                      .created = created};
    return describe_container(&description);
}

static void assert_created(const char *engines, const char *ours)
{
    json_auto_t *container = described(ID, engines);
    assert_string_equal(text_at(container, "created"), ours);
}

static void a_container_is_described_to_the_form_of_results(void **state)
{
    struct error err = {0};
    (void)state;
    json_auto_t *container = described(ID, "2026-11-23T21:00:00.123456789Z");
    assert_int_equal(container_check(container, "container", &err), 0);
    assert_string_equal(text_at(container, "id"), ID);
    assert_int_equal(number_at(container, "ssh_port"), 20022);
    assert_string_equal(text_at(container, "image"), "debian-ssh");
    const json_t *port = json_array_get(json_object_get(container, "ports"), 0);
    assert_string_equal(text_at(port, "address"), "10.0.0.2");
    assert_int_equal(number_at(port, "container"), 8080);
    assert_true(json_is_null(json_object_get(container, "expires")));
}

static void what_neither_runs_nor_is_paused_is_stopped(void **state)
{
    (void)state;
    assert_string_equal(describe_state("running"), "running");
    assert_string_equal(describe_state("paused"), "paused");
    assert_string_equal(describe_state("exited"), "stopped");
    assert_string_equal(describe_state("runningx"), "stopped");
    assert_string_equal(describe_state(NULL), "stopped");
}

static void an_end_is_shown_as_a_time(void **state)
{
    (void)state;
    json_auto_t *none = describe_end(0);
    json_auto_t *end = describe_end(1795467600123);
    assert_true(json_is_null(none));
    assert_string_equal(json_string_value(end), "2026-11-23T21:00:00.123Z");
}

static void a_container_that_is_not_made_yet_has_no_id(void **state)
{
    struct error err = {0};
    (void)state;
    json_auto_t *container = described(NULL, NULL);
    assert_int_equal(container_check(container, "container", &err), 0);
    assert_true(json_is_null(json_object_get(container, "id")));
}

static void times_of_any_precision_are_shown_in_milliseconds(void **state)
{
    (void)state;
    assert_created("2026-11-23T21:00:00.123456789Z", "2026-11-23T21:00:00.123Z");
    assert_created("2026-11-23T21:00:00.1Z", "2026-11-23T21:00:00.100Z");
    assert_created("2026-11-23T21:00:00Z", "2026-11-23T21:00:00.000Z");
}

static void what_is_no_time_becomes_now(void **state)
{
    static const char *const texts[] = {"", "soon", "2026-13-23T21:00:00.123Z"};
    int64_t before = timestamp_now(), shown = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        json_auto_t *container = described(ID, texts[i]);
        const char *created = text_at(container, "created");
        assert_int_equal(timestamp_parse(created, &shown, NULL), 0);
        assert_in_range(shown, before, timestamp_now());
    }
}

static json_t *publishing(const char *bindings)
{
    json_t *parsed = json_loads(bindings, 0, NULL);
    assert_non_null(parsed);
    return json_pack("{s:{s:o}}", "HostConfig", "PortBindings", parsed);
}

static void the_ssh_port_stands_apart_from_the_users_ports(void **state)
{
    struct ports ports;
    uint16_t ssh_port = 0;
    (void)state;
    json_auto_t *inspected =
        publishing("{\"22/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"20022\"}],"
                   " \"53/udp\":[{\"HostIp\":\"10.0.0.2\",\"HostPort\":\"8053\"}]}");
    describe_ports(inspected, &ports, &ssh_port);
    assert_int_equal(ssh_port, 20022);
    assert_int_equal(ports.count, 1);
    assert_string_equal(ports.list[0].address, "10.0.0.2");
    assert_int_equal(ports.list[0].host, 8053);
    assert_int_equal(ports.list[0].container, 53);
    assert_string_equal(ports.list[0].protocol, "udp");
}

static void a_container_that_publishes_nothing_has_no_ports(void **state)
{
    struct ports ports = {.count = 7};
    uint16_t ssh_port = 7;
    (void)state;
    json_auto_t *inspected = json_object();
    describe_ports(inspected, &ports, &ssh_port);
    assert_int_equal(ports.count, 0);
    assert_int_equal(ssh_port, 0);
}

static void bindings_that_make_no_sense_are_left_out(void **state)
{
    struct ports ports;
    uint16_t ssh_port = 0;
    (void)state;
    json_auto_t *inspected =
        publishing("{\"0/tcp\":[{\"HostIp\":\"10.0.0.2\",\"HostPort\":\"80\"}],"
                   " \"70000/tcp\":[{\"HostIp\":\"10.0.0.2\",\"HostPort\":\"81\"}],"
                   " \"tcp\":[{\"HostIp\":\"10.0.0.2\",\"HostPort\":\"82\"}],"
                   " \"80/tcp\":null, \"81/tcp\":[{\"HostPort\":\"83\"}]}");
    describe_ports(inspected, &ports, &ssh_port);
    assert_int_equal(ports.count, 0);
}

static void ports_beyond_the_most_are_left_out(void **state)
{
    struct ports ports;
    uint16_t ssh_port = 0;
    (void)state;
    json_auto_t *bindings = json_object();
    for (int i = 0; i <= PORTS_MAX; i++) {
        char key[20], host[12];
        snprintf(key, sizeof key, "%d/tcp", 8000 + i);
        snprintf(host, sizeof host, "%d", 8000 + i);
        json_object_set_new(bindings, key,
                            json_pack("[{s:s, s:s}]", "HostIp", "0.0.0.0", "HostPort", host));
    }
    json_auto_t *inspected = json_pack("{s:{s:O}}", "HostConfig", "PortBindings", bindings);
    describe_ports(inspected, &ports, &ssh_port);
    assert_int_equal(ports.count, PORTS_MAX);
}

static void users_are_told_the_address_that_their_ports_are_on(void **state)
{
    char first[] = "10.0.0.1", second[] = "10.0.0.2";
    char *const addresses[] = {first, second, NULL};
    struct ports ports = {.list = {{.address = "10.0.0.2"}, {.address = "10.0.0.2"}}};
    (void)state;
    assert_string_equal(describe_address(addresses, &ports), first); /* no port is published */
    ports.count = 2;
    assert_string_equal(describe_address(addresses, &ports), second);
    ports.list[1] = (struct port){.address = "10.0.0.1"};
    assert_string_equal(describe_address(addresses, &ports), first);
    ports.count = 1;
    assert_string_equal(describe_address(addresses, &ports), second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_container_is_described_to_the_form_of_results),
        cmocka_unit_test(what_neither_runs_nor_is_paused_is_stopped),
        cmocka_unit_test(an_end_is_shown_as_a_time),
        cmocka_unit_test(a_container_that_is_not_made_yet_has_no_id),
        cmocka_unit_test(times_of_any_precision_are_shown_in_milliseconds),
        cmocka_unit_test(what_is_no_time_becomes_now),
        cmocka_unit_test(the_ssh_port_stands_apart_from_the_users_ports),
        cmocka_unit_test(a_container_that_publishes_nothing_has_no_ports),
        cmocka_unit_test(users_are_told_the_address_that_their_ports_are_on),
        cmocka_unit_test(bindings_that_make_no_sense_are_left_out),
        cmocka_unit_test(ports_beyond_the_most_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
