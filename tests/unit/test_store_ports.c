/* Host ports that users ask for, and who gets the last one. */
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
    struct reservation first = reserve_ports(fixture->store, "alice", "443");
    assert_string_equal(first.ports.list[0].address, ALIAS_1);
    struct reservation second = reserve_ports(fixture->store, "bob", "80 443 53/udp");
    for (size_t i = 0; i < second.ports.count; i++)
        assert_string_equal(second.ports.list[i].address, ALIAS_2);
    struct reservation third = reserve_ports(fixture->store, "carol", "80");
    assert_string_equal(third.ports.list[0].address, ALIAS_1);
}

static void ports_that_are_taken_are_named_with_their_addresses(void **state)
{
    const struct fixture *fixture = *state;
    reserve_ports(fixture->store, "alice", ALIAS_1 ":80:80");
    reserve_ports(fixture->store, "alice", ALIAS_2 ":443:443");
    refuse_ports(fixture->store, "bob", "80 443 8080",
                 "port 80/tcp is taken on " ALIAS_1 "; port 443/tcp is taken on " ALIAS_2
                 ": choose another host port");
    reserve_ports(fixture->store, "alice", ALIAS_2 ":80:80");
    refuse_ports(fixture->store, "bob", "80",
                 "port 80/tcp is taken on " ALIAS_1 " and " ALIAS_2 ": choose");
}

static void a_long_list_of_taken_ports_is_cut_short(void **state)
{
    const struct fixture *fixture = *state;
    reserve_ports(fixture->store, "alice", "8000-8063");
    reserve_ports(fixture->store, "bob", "8000-8063");
    refuse_ports(fixture->store, "carol", "8000-8063", "and 61 more: choose another host port");
}

static void an_address_that_is_asked_for_is_the_only_one_tried(void **state)
{
    const struct fixture *fixture = *state;
    reserve_ports(fixture->store, "alice", ALIAS_1 ":80:80");
    refuse_ports(fixture->store, "bob", ALIAS_1 ":80:8080",
                 "port 80/tcp is taken on " ALIAS_1 ": ");
    struct reservation other = reserve_ports(fixture->store, "bob", ALIAS_2 ":80:8080 81");
    assert_string_equal(other.ports.list[0].address, ALIAS_2);
    assert_int_equal(other.ports.list[0].container, 8080);
    assert_string_equal(other.ports.list[1].address, ALIAS_1);
}

static void a_port_on_every_address_excludes_single_ones(void **state)
{
    const struct fixture *fixture = *state;
    reserve_ports(fixture->store, "alice", "0.0.0.0:80:80");
    refuse_ports(fixture->store, "bob", ALIAS_1 ":80:80", "taken on " ALIAS_1);
    refuse_ports(fixture->store, "bob", "80", "taken on " ALIAS_1 " and " ALIAS_2);
    refuse_ports(fixture->store, "bob", "0.0.0.0:80:80", "taken on 0.0.0.0");
    reserve_ports(fixture->store, "bob", "80/udp");
}

static void a_port_on_one_address_excludes_every_address(void **state)
{
    const struct fixture *fixture = *state;
    reserve_ports(fixture->store, "alice", ALIAS_2 ":80:80");
    refuse_ports(fixture->store, "bob", "0.0.0.0:80:80", "taken on 0.0.0.0");
    reserve_ports(fixture->store, "bob", "80");
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
    reserve_ports(fixture->store, "alice", "80");
    assert_done(store_reserve(other, &request, &wish, &reservation, err));
    assert_string_equal(reservation.ports.list[0].address, ALIAS_1);
}

#define TEST(name) cmocka_unit_test_setup(name, fixture_empty)

int main(void)
{
    const struct CMUnitTest tests[] = {
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
