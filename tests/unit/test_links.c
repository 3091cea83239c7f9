/* URLs, and the links as far as they come without a server. */
#include "common/amqp_link.h"
#include "common/auto.h"
#include "common/count.h"
#include "common/redis_internal.h"
#include "common/redis_link.h"
#include "common/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *const schemes[] = {"redis", "unix", NULL};

static void every_part_of_a_url_is_decoded(void **state)
{
    struct url url;

    (void)state;
    assert_int_equal(
        url_parse("redis://al%69ce:p%40ss%2Fw%3aord@host.example:123/a%20b", schemes, &url, NULL),
        0);
    assert_string_equal(url.scheme, "redis");
    assert_string_equal(url.user, "alice");
    assert_string_equal(url.password, "p@ss/w:ord");
    assert_string_equal(url.host, "host.example");
    assert_int_equal(url.port, 123);
    assert_string_equal(url.path, "a b");
    url_clear(&url);
}

static void parts_that_are_left_out_are_null(void **state)
{
    struct url url;

    (void)state;
    assert_int_equal(url_parse("redis://host", schemes, &url, NULL), 0);
    assert_null(url.user);
    assert_null(url.password);
    assert_null(url.path);
    assert_int_equal(url.port, 0);
    url_clear(&url);
}

static void an_ipv6_address_stands_in_brackets(void **state)
{
    struct url url;

    (void)state;
    assert_int_equal(url_parse("redis://:secret@[::1]:6380/2", schemes, &url, NULL), 0);
    assert_string_equal(url.host, "::1");
    assert_int_equal(url.port, 6380);
    assert_string_equal(url.user, "");
    assert_string_equal(url.password, "secret");
    url_clear(&url);
}

static void a_socket_has_a_path_and_no_host(void **state)
{
    struct url url;

    (void)state;
    assert_int_equal(url_parse("unix:///run/redis/sock", schemes, &url, NULL), 0);
    assert_string_equal(url.host, "");
    assert_string_equal(url.path, "run/redis/sock");
    url_clear(&url);
}

static void ill_formed_urls_are_refused_without_their_password(void **state)
{
    static const char *const urls[] = {
        "",
        "host",
        "redis:/host",
        "redis://u:secret@host:0",
        "redis://u:secret@host:65536",
        "redis://u:secret@host:",
        "redis://u:secret@host:+1",
        "redis://u:secret@host:12x",
        "redis://u:secret@[::1",
        "redis://u:secret@[::1]x:1",
        "redis://u:secret%@host",
        "redis://u:secret%4@host",
        "redis://u:secret%zz@host",
        "redis://u:secret%00@host",
        "redis://u:secret@ho\nst",
        "redis://u:secret@h\xff",
        "http://u:secret@host",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(urls); i++) {
        struct url url = {.port = 7};
        struct error err = {.fault = FAULT_NONE};
        assert_int_equal(url_parse(urls[i], schemes, &url, &err), -1);
        assert_int_equal(err.fault, FAULT_INVALID);
        assert_null(strstr(err.text, "secret"));
        assert_int_equal(url.port, 7);
    }
}

static enum fault fault_of_store(const char *url)
{
    AUTO(redis_link) struct redis_link *link = NULL;
    struct redis_link_options options = {.url = url, .timeout_ms = 100};
    struct error err = {.fault = FAULT_NONE};

    if (redis_link_new(&options, &link, &err) == 0)
        redis_link_text(link, NULL, &err, "PING", NULL);
    return err.fault;
}

static void a_store_needs_a_host_or_a_socket(void **state)
{
    (void)state;
    assert_int_equal(fault_of_store("redis://host/zero"), FAULT_INVALID);
    assert_int_equal(fault_of_store("redis://user@host"), FAULT_INVALID);
    assert_int_equal(fault_of_store("redis:///0"), FAULT_INVALID);
    assert_int_equal(fault_of_store("unix://host/path"), FAULT_INVALID);
    assert_int_equal(fault_of_store("unix://"), FAULT_INVALID);
    assert_int_equal(fault_of_store("amqp://host"), FAULT_INVALID);
}

static void a_store_out_of_reach_is_a_dependency(void **state)
{
    (void)state;
    assert_int_equal(fault_of_store("redis://127.0.0.1:1"), FAULT_DEPENDENCY);
    assert_int_equal(fault_of_store("unix:///nonexistent/socket"), FAULT_DEPENDENCY);
}

static enum fault fault_of_brokers(const char *first, const char *second)
{
    AUTO(amqp_link) struct amqp_link *link = NULL;
    const char *endpoints[] = {first, second, NULL};
    struct amqp_link_options options = {.endpoints = endpoints, .name = "t", .timeout_ms = 100};
    struct error err = {.fault = FAULT_NONE};

    assert_int_equal(amqp_link_open(&options, &link, &err), -1);
    return err.fault;
}

static void a_broker_needs_a_host_and_an_account(void **state)
{
    (void)state;
    assert_int_equal(fault_of_brokers(NULL, NULL), FAULT_INVALID);
    assert_int_equal(fault_of_brokers("amqp://host/dcm", NULL), FAULT_INVALID);
    assert_int_equal(fault_of_brokers("amqp://u@host/dcm", NULL), FAULT_INVALID);
    assert_int_equal(fault_of_brokers("amqp://u:p@/dcm", NULL), FAULT_INVALID);
    assert_int_equal(fault_of_brokers("https://u:p@host/dcm", NULL), FAULT_INVALID);
    assert_int_equal(fault_of_brokers("amqps://u@host/dcm", NULL), FAULT_INVALID);
}

static void a_slip_in_the_second_broker_shows_before_the_first_is_tried(void **state)
{
    (void)state;
    assert_int_equal(fault_of_brokers("amqp://u:p@127.0.0.1:1/dcm", "amqp:/"), FAULT_INVALID);
}

static void brokers_out_of_reach_are_a_dependency(void **state)
{
    (void)state;
    assert_int_equal(fault_of_brokers("amqp://u:p@127.0.0.1:1/dcm", "amqp://u:p@127.0.0.1:2/dcm"),
                     FAULT_DEPENDENCY);
    assert_int_equal(fault_of_brokers("amqps://u:p@127.0.0.1:1/dcm", NULL), FAULT_DEPENDENCY);
}

/* Debian 12's hiredis cannot: then it is said before anything is tried, never done without. */
static void a_store_over_tls_is_one_or_is_refused(void **state)
{
    struct error err = {0};
    bool able = redis_check_tls(&err) == 0;

    (void)state;
    assert_int_equal(fault_of_store("rediss://127.0.0.1:1"),
                     able ? FAULT_DEPENDENCY : FAULT_INVALID);
    assert_true(able || strstr(err.text, "stunnel"));
}

static void closing_nothing_is_fine(void **state)
{
    (void)state;
    amqp_link_close(NULL);
    redis_link_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_a_url_is_decoded),
        cmocka_unit_test(parts_that_are_left_out_are_null),
        cmocka_unit_test(an_ipv6_address_stands_in_brackets),
        cmocka_unit_test(a_socket_has_a_path_and_no_host),
        cmocka_unit_test(ill_formed_urls_are_refused_without_their_password),
        cmocka_unit_test(a_store_needs_a_host_or_a_socket),
        cmocka_unit_test(a_store_out_of_reach_is_a_dependency),
        cmocka_unit_test(a_broker_needs_a_host_and_an_account),
        cmocka_unit_test(a_slip_in_the_second_broker_shows_before_the_first_is_tried),
        cmocka_unit_test(brokers_out_of_reach_are_a_dependency),
        cmocka_unit_test(a_store_over_tls_is_one_or_is_refused),
        cmocka_unit_test(closing_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
