/* The random host ports for SSH: how one is found, however few are left. */
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/auto.h"

#include "worker/store_containers.h"
#include <cmocka.h>

static const struct ports no_ports;

static void ssh_ports_cannot_be_guessed_from_the_last_one(void **state)
{
    const struct fixture *fixture = *state;
    int near = 0;
    uint16_t last = 0;
    for (int i = 0; i < 40; i++) {
        char user[16];
        snprintf(user, sizeof(user), "user%d", i);
        struct reservation reservation = reserve_ports(fixture->store, user, "");
        assert_in_range(reservation.ssh_port, 20000, 29999);
        if (abs((int)reservation.ssh_port - (int)last) <= 10)
            near++;
        last = reservation.ssh_port;
    }
    assert_in_range(near, 0, 4); /* 40 random pairs are that near once in 12 runs, five never */
}

static void the_same_store_gives_other_ports_the_next_time(void **state)
{
    const struct fixture *fixture = *state;
    int same = 0;
    uint16_t first[8];
    for (size_t i = 0; i < 16; i++) {
        if (i == 8)
            fixture_empty(state);
        uint16_t port = reserve_ports(fixture->store, "alice", "").ssh_port;
        if (i < 8)
            first[i] = port;
        else
            same += port == first[i - 8];
    }
    assert_in_range(same, 0, 2);
}

static void fill_range(const struct fixture *fixture, const char *until)
{
    assert_done(redis_link_text(fixture->link, NULL, err, "EVAL",
                                "for port = 20000, 29999 do redis.call('HSET', KEYS[1], "
                                "'tcp/' .. port, '{\"0.0.0.0\":{\"user\":\"zoe\",\"name\":\"z\","
                                "\"request\":\"r\",\"until\":' .. ARGV[1] .. '}}') end",
                                "1", "dcm:server:lcg50:ports", until, NULL));
}

static void the_last_free_port_of_ten_thousand_is_found(void **state)
{
    const struct fixture *fixture = *state;
    fill_range(fixture, "0");
    assert_done(redis_link_text(fixture->link, NULL, err, "HDEL", "dcm:server:lcg50:ports",
                                "tcp/27777", NULL));
    assert_int_equal(reserve_ports(fixture->store, "alice", "").ssh_port, 27777);
    refuse_ports(fixture->store, "bob", "", "no free SSH port from 20000 to 29999");
}

static void a_port_whose_lease_ran_out_is_found_in_a_full_range(void **state)
{
    const struct fixture *fixture = *state;
    fill_range(fixture, "0");
    assert_done(redis_link_text(fixture->link, NULL, err, "HSET", "dcm:server:lcg50:ports",
                                "tcp/21234",
                                "{\"0.0.0.0\":{\"user\":\"zoe\",\"name\":\"z\",\"request\":\"r\","
                                "\"until\":1700000000000}}",
                                NULL));
    assert_int_equal(reserve_ports(fixture->store, "alice", "").ssh_port, 21234);
}

static void mark_range(const struct fixture *fixture)
{
    assert_done(redis_link_text(fixture->link, NULL, err, "EVAL",
                                "for port = 20000, 29999 do "
                                "redis.call('SETBIT', KEYS[1], port, 1) end",
                                "1", "dcm:server:lcg50:leased", NULL));
}

static long long marked_ports(const struct fixture *fixture)
{
    json_auto_t *count = NULL;
    assert_done(
        redis_link_text(fixture->link, &count, err, "BITCOUNT", "dcm:server:lcg50:leased", NULL));
    return json_integer_value(count);
}

static bool has_scanned(const struct fixture *fixture)
{
    json_auto_t *statistics = NULL;
    assert_done(redis_link_text(fixture->link, &statistics, err, "INFO", "commandstats", NULL));
    return strstr(json_string_value(statistics), "cmdstat_hmget") != NULL;
}

static void one_free_port_is_found_by_the_marks_alone(void **state)
{
    const struct fixture *fixture = *state;
    fill_range(fixture, "0");
    mark_range(fixture);
    assert_done(redis_link_text(fixture->link, NULL, err, "HDEL", "dcm:server:lcg50:ports",
                                "tcp/27777", NULL));
    assert_done(redis_link_text(fixture->link, NULL, err, "SETBIT", "dcm:server:lcg50:leased",
                                "27777", "0", NULL));
    assert_done(redis_link_text(fixture->link, NULL, err, "CONFIG", "RESETSTAT", NULL));
    assert_int_equal(reserve_ports(fixture->store, "alice", "").ssh_port, 27777);
    assert_false(has_scanned(fixture));
    refuse_ports(fixture->store, "bob", "", "no free SSH port from 20000 to 29999");
    assert_true(has_scanned(fixture));
}

static void a_port_is_found_whose_mark_is_wrong(void **state)
{
    const struct fixture *fixture = *state;
    mark_range(fixture);
    fill_range(fixture, "0");
    assert_done(redis_link_text(fixture->link, NULL, err, "HDEL", "dcm:server:lcg50:ports",
                                "tcp/21234", NULL));
    assert_int_equal(reserve_ports(fixture->store, "alice", "").ssh_port, 21234);
}

static void an_account_without_rights_to_marks_finds_a_port_all_the_same(void **state)
{
    const struct fixture *fixture = *state;
    fill_range(fixture, "0");
    assert_done(redis_link_text(fixture->link, NULL, err, "HDEL", "dcm:server:lcg50:ports",
                                "tcp/27777", NULL));
    assert_done(redis_link_text(fixture->link, NULL, err, "ACL", "SETUSER", "default", "-setbit",
                                "-bitpos", "-strlen", NULL));
    AUTO(request) struct request request = request_of("alice");
    struct wish wish = wish_for(&no_ports);
    struct reservation reservation = {0};
    int status = store_reserve(fixture->store, &request, &wish, &reservation, NULL);
    assert_done(
        redis_link_text(fixture->link, NULL, err, "ACL", "SETUSER", "default", "+@all", NULL));
    assert_int_equal(status, 0);
    assert_int_equal(reservation.ssh_port, 27777);
    assert_int_equal(marked_ports(fixture), 0);
}

static void leases_are_marked_while_there_are_any(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct ports ports = ports_of(ALIAS_1 ":80:80 " ALIAS_2 ":80:81 53/udp");
    struct wish wish = wish_for(&ports);
    struct reservation reservation = {0}, bobs = reserve_ports(fixture->store, "bob", "");
    json_auto_t *there = NULL;
    assert_done(store_reserve(fixture->store, &request, &wish, &reservation, err));
    assert_int_equal(marked_ports(fixture), 3); /* two for SSH, and 80/tcp, once */
    assert_done(store_release(fixture->store, "alice", reservation.name, NULL, NULL, err));
    assert_int_equal(marked_ports(fixture), 1);
    assert_done(store_release(fixture->store, "bob", bobs.name, NULL, NULL, err));
    assert_done(
        redis_link_text(fixture->link, &there, err, "EXISTS", "dcm:server:lcg50:leased", NULL));
    assert_int_equal(json_integer_value(there), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, fixture_empty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ssh_ports_cannot_be_guessed_from_the_last_one),
        TEST(the_same_store_gives_other_ports_the_next_time),
        TEST(the_last_free_port_of_ten_thousand_is_found),
        TEST(a_port_whose_lease_ran_out_is_found_in_a_full_range),
        TEST(one_free_port_is_found_by_the_marks_alone),
        TEST(a_port_is_found_whose_mark_is_wrong),
        TEST(an_account_without_rights_to_marks_finds_a_port_all_the_same),
        TEST(leases_are_marked_while_there_are_any),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
