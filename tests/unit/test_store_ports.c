/* Host ports: the random ones for SSH, and those that users ask for. */
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

#define CLIENTS 12

static const struct ports no_ports;
static const char *const only_alias_1[] = {ALIAS_1, NULL};

static struct reservation reserve(struct store *store, const char *user, const char *texts)
{
    AUTO(request) struct request request = request_of(user);
    struct ports ports = ports_of(texts);
    struct wish wish = wish_for(&ports);
    struct reservation reservation = {0};
    assert_done(store_reserve(store, &request, &wish, &reservation, err));
    return reservation;
}

static void refuse(struct store *store, const char *user, const char *texts, const char *message)
{
    AUTO(request) struct request request = request_of(user);
    struct ports ports = ports_of(texts);
    struct wish wish = wish_for(&ports);
    assert_refused(store, &request, &wish, FAULT_CONFLICT, message);
}

static void ssh_ports_cannot_be_guessed_from_the_last_one(void **state)
{
    const struct fixture *fixture = *state;
    int near = 0;
    uint16_t last = 0;
    for (int i = 0; i < 40; i++) {
        char user[16];
        snprintf(user, sizeof(user), "user%d", i);
        struct reservation reservation = reserve(fixture->store, user, "");
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
        uint16_t port = reserve(fixture->store, "alice", "").ssh_port;
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
    assert_int_equal(reserve(fixture->store, "alice", "").ssh_port, 27777);
    refuse(fixture->store, "bob", "", "no free SSH port from 20000 to 29999");
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
    assert_int_equal(reserve(fixture->store, "alice", "").ssh_port, 21234);
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
    assert_int_equal(reserve(fixture->store, "alice", "").ssh_port, 27777);
    assert_false(has_scanned(fixture));
    refuse(fixture->store, "bob", "", "no free SSH port from 20000 to 29999");
    assert_true(has_scanned(fixture));
}

static void a_port_is_found_whose_mark_is_wrong(void **state)
{
    const struct fixture *fixture = *state;
    mark_range(fixture);
    fill_range(fixture, "0");
    assert_done(redis_link_text(fixture->link, NULL, err, "HDEL", "dcm:server:lcg50:ports",
                                "tcp/21234", NULL));
    assert_int_equal(reserve(fixture->store, "alice", "").ssh_port, 21234);
}

static void an_account_without_rights_to_marks_finds_a_port_all_the_same(void **state)
{
    const struct fixture *fixture = *state;
    fill_range(fixture, "0");
    assert_done(redis_link_text(fixture->link, NULL, err, "HDEL", "dcm:server:lcg50:ports",
                                "tcp/27777", NULL));
    assert_done(redis_link_text(fixture->link, NULL, err, "ACL", "SETUSER", "default", "-setbit",
                                "-bitpos", "-strlen", NULL));
    uint16_t port = reserve(fixture->store, "alice", "").ssh_port;
    assert_done(
        redis_link_text(fixture->link, NULL, err, "ACL", "SETUSER", "default", "+@all", NULL));
    assert_int_equal(port, 27777);
    assert_int_equal(marked_ports(fixture), 0);
}

static void leases_are_marked_while_there_are_any(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct ports ports = ports_of(ALIAS_1 ":80:80 " ALIAS_2 ":80:81 53/udp");
    struct wish wish = wish_for(&ports);
    struct reservation reservation = {0};
    bool last = false;
    assert_done(store_reserve(fixture->store, &request, &wish, &reservation, err));
    assert_int_equal(marked_ports(fixture), 2); /* the one for SSH, and 80/tcp, once */
    assert_done(store_release(fixture->store, "alice", reservation.name, request.id, &last, err));
    assert_int_equal(marked_ports(fixture), 0);
}

/* In a process of its own. Exits 0 with the reservation, 1 refused as a conflict, 2 otherwise. */
static pid_t reserve_apart(const struct fixture *fixture, const struct request *request,
                           const struct wish *wish)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    struct store *store = NULL;
    struct reservation reservation;
    struct error error = {0};
    if (store_new(fixture->url, "lcg50", fixture->store->mark, &store, &error) < 0)
        _exit(2);
    store_trust(store, fixture->store->generation);
    if (store_reserve(store, request, wish, &reservation, &error) == 0)
        _exit(reservation.ssh_port == wish->last_port ? 0 : 2);
    _exit(error.fault == FAULT_CONFLICT ? 1 : 2);
}

static int count_status(const pid_t children[CLIENTS], int wanted)
{
    int count = 0;
    for (size_t i = 0; i < CLIENTS; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        count += WEXITSTATUS(status) == wanted;
        assert_int_not_equal(WEXITSTATUS(status), 2);
    }
    return count;
}

static void of_many_who_race_for_the_last_port_one_wins(void **state)
{
    const struct fixture *fixture = *state;
    struct wish wish = wish_for(&no_ports);
    wish.last_port = wish.first_port;
    pid_t children[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++) {
        char user[16];
        snprintf(user, sizeof(user), "user%zu", i);
        AUTO(request) struct request request = request_of(user);
        children[i] = reserve_apart(fixture, &request, &wish);
    }
    assert_int_equal(count_status(children, 0), 1);
}

static void one_request_in_many_hands_holds_one_port(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct wish wish = wish_for(&no_ports);
    wish.last_port = wish.first_port;
    pid_t children[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++)
        children[i] = reserve_apart(fixture, &request, &wish);
    assert_int_equal(count_status(children, 0), CLIENTS);
}

static void all_ports_come_to_stand_on_one_alias(void **state)
{
    const struct fixture *fixture = *state;
    struct reservation first = reserve(fixture->store, "alice", "443");
    assert_string_equal(first.ports.list[0].address, ALIAS_1);
    struct reservation second = reserve(fixture->store, "bob", "80 443 53/udp");
    for (size_t i = 0; i < second.ports.count; i++)
        assert_string_equal(second.ports.list[i].address, ALIAS_2);
    struct reservation third = reserve(fixture->store, "carol", "80");
    assert_string_equal(third.ports.list[0].address, ALIAS_1);
}

static void ports_that_are_taken_are_named_with_their_addresses(void **state)
{
    const struct fixture *fixture = *state;
    reserve(fixture->store, "alice", ALIAS_1 ":80:80");
    reserve(fixture->store, "alice", ALIAS_2 ":443:443");
    refuse(fixture->store, "bob", "80 443 8080",
           "port 80/tcp is taken on " ALIAS_1 "; port 443/tcp is taken on " ALIAS_2
           ": choose another host port");
    reserve(fixture->store, "alice", ALIAS_2 ":80:80");
    refuse(fixture->store, "bob", "80",
           "port 80/tcp is taken on " ALIAS_1 " and " ALIAS_2 ": choose");
}

static void a_long_list_of_taken_ports_is_cut_short(void **state)
{
    const struct fixture *fixture = *state;
    reserve(fixture->store, "alice", "8000-8063");
    reserve(fixture->store, "bob", "8000-8063");
    refuse(fixture->store, "carol", "8000-8063", "and 61 more: choose another host port");
}

static void an_address_that_is_asked_for_is_the_only_one_tried(void **state)
{
    const struct fixture *fixture = *state;
    reserve(fixture->store, "alice", ALIAS_1 ":80:80");
    refuse(fixture->store, "bob", ALIAS_1 ":80:8080", "port 80/tcp is taken on " ALIAS_1 ": ");
    struct reservation other = reserve(fixture->store, "bob", ALIAS_2 ":80:8080 81");
    assert_string_equal(other.ports.list[0].address, ALIAS_2);
    assert_int_equal(other.ports.list[0].container, 8080);
    assert_string_equal(other.ports.list[1].address, ALIAS_1);
}

static void a_port_on_every_address_excludes_single_ones(void **state)
{
    const struct fixture *fixture = *state;
    reserve(fixture->store, "alice", "0.0.0.0:80:80");
    refuse(fixture->store, "bob", ALIAS_1 ":80:80", "taken on " ALIAS_1);
    refuse(fixture->store, "bob", "80", "taken on " ALIAS_1 " and " ALIAS_2);
    refuse(fixture->store, "bob", "0.0.0.0:80:80", "taken on 0.0.0.0");
    reserve(fixture->store, "bob", "80/udp");
}

static void a_port_on_one_address_excludes_every_address(void **state)
{
    const struct fixture *fixture = *state;
    reserve(fixture->store, "alice", ALIAS_2 ":80:80");
    refuse(fixture->store, "bob", "0.0.0.0:80:80", "taken on 0.0.0.0");
    reserve(fixture->store, "bob", "80");
}

static void a_direct_port_keeps_ssh_away_from_its_number(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct ports ports = ports_of(ALIAS_2 ":20000:80");
    struct wish wish = wish_for(&ports);
    wish.last_port = 20001;
    struct reservation reservation = {0};
    assert_done(store_reserve(fixture->store, &request, &wish, &reservation, err));
    assert_int_equal(reservation.ssh_port, 20001);

    AUTO(request) struct request late = request_of("bob");
    struct wish nothing = wish_for(&no_ports);
    nothing.last_port = 20001;
    assert_refused(fixture->store, &late, &nothing, FAULT_CONFLICT, "no free SSH port");
}

static void one_port_twice_in_one_wish_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct ports ports = {
        .count = 2,
        .list = {{"0.0.0.0", 80, 80, "tcp"}, {ALIAS_1, 80, 81, "tcp"}},
    };
    struct wish wish = wish_for(&ports);
    assert_refused(fixture->store, &request, &wish, FAULT_INVALID,
                   "port 80/tcp is asked for twice");
}

static void a_port_found_taken_outside_is_avoided_and_all_are_chosen_anew(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct wish wish = wish_for(&no_ports);
    wish.last_port = 20001;
    struct reservation first = {0};
    struct reservation second = {0};
    assert_done(store_reserve(fixture->store, &request, &wish, &first, err));
    struct ports avoid = {.count = 1, .list = {{"0.0.0.0", first.ssh_port, 22, "tcp"}}};
    wish.avoid = &avoid;
    assert_done(store_reserve(fixture->store, &request, &wish, &second, err));
    assert_int_equal(first.ssh_port + second.ssh_port, 40001);
    assert_string_not_equal(first.name, second.name);

    /* The first port is free again: for somebody who does not know better. */
    AUTO(request) struct request late = request_of("bob");
    struct reservation third = {0};
    wish.avoid = NULL;
    assert_done(store_reserve(fixture->store, &late, &wish, &third, err));
    assert_int_equal(third.ssh_port, first.ssh_port);
}

static void a_direct_port_is_avoided_on_its_address_and_protocol_only(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct ports avoid = {.count = 2, .list = {{ALIAS_1, 80, 80, "tcp"}, {ALIAS_2, 80, 80, "udp"}}};
    struct ports ports = ports_of("80");
    struct wish wish = wish_for(&ports);
    struct reservation reservation = {0};
    wish.avoid = &avoid;
    assert_done(store_reserve(fixture->store, &request, &wish, &reservation, err));
    assert_string_equal(reservation.ports.list[0].address, ALIAS_2);
    snprintf(avoid.list[1].address, sizeof(avoid.list[1].address), "0.0.0.0");
    avoid.list[1].protocol = "tcp";
    assert_refused(fixture->store, &request, &wish, FAULT_CONFLICT,
                   "port 80/tcp is taken on " ALIAS_1 " and " ALIAS_2);
}

static void servers_do_not_share_their_ports(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(store) struct store *other = fixture_store(fixture, "lcg51");
    AUTO(request) struct request request = request_of("bob");
    struct ports ports = ports_of("80");
    struct wish wish = wish_for(&ports);
    wish.addresses = only_alias_1;
    struct reservation reservation = {0};
    reserve(fixture->store, "alice", "80");
    assert_done(store_reserve(other, &request, &wish, &reservation, err));
    assert_string_equal(reservation.ports.list[0].address, ALIAS_1);
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
        TEST(of_many_who_race_for_the_last_port_one_wins),
        TEST(one_request_in_many_hands_holds_one_port),
        TEST(all_ports_come_to_stand_on_one_alias),
        TEST(ports_that_are_taken_are_named_with_their_addresses),
        TEST(a_long_list_of_taken_ports_is_cut_short),
        TEST(an_address_that_is_asked_for_is_the_only_one_tried),
        TEST(a_port_on_every_address_excludes_single_ones),
        TEST(a_port_on_one_address_excludes_every_address),
        TEST(a_direct_port_keeps_ssh_away_from_its_number),
        TEST(one_port_twice_in_one_wish_is_refused),
        TEST(a_port_found_taken_outside_is_avoided_and_all_are_chosen_anew),
        TEST(a_direct_port_is_avoided_on_its_address_and_protocol_only),
        TEST(servers_do_not_share_their_ports),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
