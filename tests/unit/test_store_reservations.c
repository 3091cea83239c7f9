/* Reservations: quota, names, subnets, repetition and expiry. */
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/keys.h"
#include "schemas/result.h"
#include "worker/store_containers.h"

#include <cmocka.h>

#define SHORT_LIFE_MS 200

static const struct ports no_ports;

/* Reserve for a new request of this user, which is given up as soon as it is made. */
static struct reservation reserve(struct store *store, const char *user, const struct wish *wish)
{
    AUTO(request) struct request request = request_of(user);
    struct reservation reservation = {0};
    assert_done(store_reserve(store, &request, wish, &reservation, err));
    return reservation;
}

static void refuse(struct store *store, const char *user, const struct wish *wish, enum fault fault,
                   const char *text)
{
    AUTO(request) struct request request = request_of(user);
    assert_refused(store, &request, wish, fault, text);
}

static size_t count_entries(const struct fixture *fixture, const char *user)
{
    char key[KEY_SIZE];
    key_of_user(key, KEY_CONTAINERS, user, NULL);
    json_auto_t *count = NULL;
    assert_done(redis_link_text(fixture->link, &count, err, "HLEN", key, NULL));
    return (size_t)json_integer_value(count);
}

static void as_many_containers_as_granted_and_no_more(void **state)
{
    const struct fixture *fixture = *state;
    struct wish wish = wish_for(&no_ports);
    wish.most_containers = 2;
    wish.containers_rule = "users.alice.containers";
    reserve(fixture->store, "alice", &wish);
    reserve(fixture->store, "alice", &wish);
    refuse(fixture->store, "alice", &wish, FAULT_QUOTA, "2 of 2 in use");
    reserve(fixture->store, "bob", &wish);
    assert_int_equal(count_entries(fixture, "alice"), 2);
}

static void a_refused_quota_names_its_rule(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct reservation reservation;
    struct error error = {0};
    struct wish wish = wish_for(&no_ports);
    wish.most_pids = 255;
    wish.pids_rule = "users.alice.pids.total";
    assert_int_equal(store_reserve(fixture->store, &request, &wish, &reservation, &error), -1);
    assert_int_equal(error.fault, FAULT_QUOTA);
    assert_string_equal(error.rule, "users.alice.pids.total");
    assert_int_equal(count_entries(fixture, "alice"), 0);
}

static void totals_count_to_the_last_unit(void **state)
{
    const struct fixture *fixture = *state;
    struct wish wish = wish_for(&no_ports);
    wish.memory = INT64_C(1) << 30;
    wish.most_memory = INT64_C(2) << 30;
    wish.millicpus = 750;
    wish.most_millicpus = 1500;
    wish.pids = 100;
    wish.most_pids = 200;
    reserve(fixture->store, "alice", &wish);

    struct wish more = wish;
    more.memory++;
    refuse(fixture->store, "alice", &more, FAULT_QUOTA, "memory: 1024.00 MiB asked for");
    more = wish;
    more.millicpus++;
    refuse(fixture->store, "alice", &more, FAULT_QUOTA, "0.75 of 1.50 in use");
    more = wish;
    more.pids++;
    refuse(fixture->store, "alice", &more, FAULT_QUOTA, "processes: 101 asked for");
    reserve(fixture->store, "alice", &wish);
}

static void containers_on_another_server_count_too(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(store) struct store *other = fixture_store(fixture, "lcg51");
    struct wish wish = wish_for(&no_ports);
    wish.most_containers = 1;
    struct wish there = wish;
    there.first_port = 30000;
    there.last_port = 39999;
    reserve(other, "alice", &there);
    refuse(fixture->store, "alice", &wish, FAULT_QUOTA, "1 of 1 in use");
}

static void memory_survives_to_the_last_byte(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct wish wish = wish_for(&no_ports);
    wish.memory = (INT64_C(1) << 53) - 1;
    wish.most_memory = INT64_MAX;
    struct reservation reservation = bound(fixture->store, &request, &wish);
    assert_done(store_set_state(fixture->store, "alice", reservation.name, "stopped", err));

    json_auto_t *entry = NULL;
    assert_done(store_container(fixture->store, "alice", reservation.name, &entry, err));
    const json_t *memory = json_object_get(entry, "memory");
    assert_true(json_is_integer(memory));
    assert_true(json_integer_value(memory) == wish.memory);
    /* Empty lists stay lists, and what is null stays null. */
    const json_t *container = json_object_get(entry, "container");
    assert_true(json_is_array(json_object_get(entry, "ports")));
    assert_true(json_is_array(json_object_get(container, "ports")));
    assert_true(json_is_null(json_object_get(container, "expires")));
}

static void a_repeated_request_holds_what_it_held(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct ports ports = ports_of("8080:80 53:53/udp");
    struct wish wish = wish_for(&ports);
    wish.most_containers = 1;
    struct reservation first = {0};
    struct reservation second = {0};
    struct reservation third = {0};
    assert_done(store_reserve(fixture->store, &request, &wish, &first, err));
    assert_done(store_reserve(fixture->store, &request, &wish, &second, err));
    json_auto_t *container = container_of(&second);
    assert_done(store_bind(fixture->store, &request, container, err));
    assert_done(store_reserve(fixture->store, &request, &wish, &third, err));

    assert_string_equal(first.name, third.name);
    assert_int_equal(first.ssh_port, second.ssh_port);
    assert_int_equal(first.ssh_port, third.ssh_port);
    assert_int_equal(first.subnet, third.subnet);
    assert_int_equal(third.ports.count, 2);
    assert_string_equal(third.ports.list[1].address, ALIAS_1);
    assert_string_equal(third.ports.list[1].protocol, "udp");
    assert_int_equal(count_entries(fixture, "alice"), 1);
}

static void a_reservation_shows_as_creating(void **state)
{
    const struct fixture *fixture = *state;
    struct ports ports = ports_of("80");
    struct wish wish = wish_for(&ports);
    struct reservation reservation = reserve(fixture->store, "alice", &wish);
    json_auto_t *entry = NULL;
    assert_done(store_container(fixture->store, "alice", reservation.name, &entry, err));
    const json_t *container = json_object_get(entry, "container");
    assert_done(container_check(container, "container", err));
    assert_string_equal(text_at(container, "state"), "creating");
    assert_string_equal(text_at(container, "image"), "debian-ssh");
    assert_true(json_is_null(json_object_get(container, "id")));
}

static void a_name_is_given_once(void **state)
{
    const struct fixture *fixture = *state;
    struct wish wish = wish_for(&no_ports);
    wish.name = "web";
    struct reservation reservation = reserve(fixture->store, "alice", &wish);
    assert_string_equal(reservation.name, "web");
    refuse(fixture->store, "alice", &wish, FAULT_CONFLICT, "a container web already");
    reserve(fixture->store, "bob", &wish);
}

static void without_a_name_the_port_gives_it(void **state)
{
    const struct fixture *fixture = *state;
    struct wish wish = wish_for(&no_ports);
    struct reservation reservation = reserve(fixture->store, "alice", &wish);
    char expected[32];
    snprintf(expected, sizeof(expected), "container%u", reservation.ssh_port);
    assert_string_equal(reservation.name, expected);
    assert_in_range(reservation.ssh_port, 20000, 29999);
}

static void an_abandoned_reservation_gives_everything_back(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request abandoned = request_of("alice");
    struct ports ports = ports_of("80");
    struct wish wish = wish_for(&ports);
    static const char *const one_alias[] = {ALIAS_1, NULL};
    wish.addresses = one_alias;
    wish.name = "web";
    wish.most_containers = 1;
    wish.last_port = wish.first_port;
    struct reservation first = {0};
    assert_done(store_reserve_for(fixture->store, &abandoned, &wish, SHORT_LIFE_MS, &first, err));
    refuse(fixture->store, "alice", &wish, FAULT_QUOTA, "1 of 1");
    refuse(fixture->store, "bob", &wish, FAULT_CONFLICT, "port 80/tcp is taken on " ALIAS_1);

    sleep_ms(SHORT_LIFE_MS + 50);
    struct reservation second = reserve(fixture->store, "alice", &wish);
    assert_string_equal(second.name, "web");
    assert_int_equal(second.ssh_port, first.ssh_port);
    assert_int_equal(second.subnet, first.subnet);
    assert_int_equal(count_entries(fixture, "alice"), 1);
}

static void a_neighbour_may_have_the_ports_of_a_reservation_that_ran_out(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request slow = request_of("alice");
    struct ports ports = ports_of(ALIAS_1 ":80:80");
    struct wish wish = wish_for(&ports);
    struct reservation first = {0};
    assert_done(store_reserve_for(fixture->store, &slow, &wish, SHORT_LIFE_MS, &first, err));
    sleep_ms(SHORT_LIFE_MS + 50);
    reserve(fixture->store, "bob", &wish);

    json_auto_t *container = container_of(&first);
    assert_fault(FAULT_CONFLICT, store_bind(fixture->store, &slow, container, err));
    assert_refused(fixture->store, &slow, &wish, FAULT_CONFLICT, "port 80/tcp is taken");
}

static void a_reservation_that_ran_out_unnoticed_can_still_be_bound(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request slow = request_of("alice");
    struct wish wish = wish_for(&no_ports);
    struct reservation first = {0};
    assert_done(store_reserve_for(fixture->store, &slow, &wish, 1, &first, err));
    sleep_ms(20);
    json_auto_t *container = container_of(&first);
    assert_done(store_bind(fixture->store, &slow, container, err));
    json_auto_t *entry = NULL;
    assert_done(store_container(fixture->store, "alice", first.name, &entry, err));
    assert_int_equal(number_at(entry, "until"), 0);
}

static void repeating_renews_a_reservation(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct wish wish = wish_for(&no_ports);
    wish.most_containers = 1;
    struct reservation reservation = {0};
    assert_done(
        store_reserve_for(fixture->store, &request, &wish, SHORT_LIFE_MS, &reservation, err));
    assert_done(store_reserve(fixture->store, &request, &wish, &reservation, err));
    sleep_ms(SHORT_LIFE_MS + 50);
    refuse(fixture->store, "alice", &wish, FAULT_QUOTA, "1 of 1");
}

static void a_user_has_one_subnet_and_others_have_others(void **state)
{
    const struct fixture *fixture = *state;
    struct wish wish = wish_for(&no_ports);
    wish.subnets = 3;
    struct reservation first = reserve(fixture->store, "alice", &wish);
    struct reservation second = reserve(fixture->store, "alice", &wish);
    struct reservation third = reserve(fixture->store, "bob", &wish);
    struct reservation fourth = reserve(fixture->store, "carol", &wish);
    assert_int_equal(first.subnet, second.subnet);
    assert_int_not_equal(first.subnet, third.subnet);
    assert_int_not_equal(first.subnet, fourth.subnet);
    assert_int_not_equal(third.subnet, fourth.subnet);
    assert_in_range(fourth.subnet, 0, 2);
    refuse(fixture->store, "dave", &wish, FAULT_CONFLICT, "all 3 subnets");

    bool last = true;
    assert_done(store_release(fixture->store, "alice", first.name, NULL, &last, err));
    assert_false(last);
    refuse(fixture->store, "dave", &wish, FAULT_CONFLICT, "all 3 subnets");
    assert_done(store_release(fixture->store, "alice", second.name, NULL, &last, err));
    assert_true(last);
    struct reservation fifth = reserve(fixture->store, "dave", &wish);
    assert_int_equal(fifth.subnet, first.subnet);
}

static void a_user_who_comes_back_gets_his_subnet_again(void **state)
{
    const struct fixture *fixture = *state;
    struct wish wish = wish_for(&no_ports);
    struct reservation before = reserve(fixture->store, "alice", &wish);
    assert_done(store_release(fixture->store, "alice", before.name, NULL, NULL, err));
    struct reservation after = reserve(fixture->store, "alice", &wish);
    assert_int_equal(after.subnet, before.subnet);
}

static void a_refusal_leaves_nothing_behind(void **state)
{
    const struct fixture *fixture = *state;
    struct wish wish = wish_for(&no_ports);
    wish.subnets = 0;
    refuse(fixture->store, "alice", &wish, FAULT_CONFLICT, "subnets");
    json_auto_t *keys = NULL;
    assert_done(redis_link_text(fixture->link, &keys, err, "KEYS", "dcm:user:*", NULL));
    assert_int_equal(json_array_size(keys), 0);
    json_auto_t *of_servers = NULL;
    assert_done(redis_link_text(fixture->link, &of_servers, err, "KEYS", "dcm:server:*:*", NULL));
    assert_int_equal(json_array_size(of_servers), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, fixture_empty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(as_many_containers_as_granted_and_no_more),
        TEST(a_refused_quota_names_its_rule),
        TEST(totals_count_to_the_last_unit),
        TEST(containers_on_another_server_count_too),
        TEST(memory_survives_to_the_last_byte),
        TEST(a_repeated_request_holds_what_it_held),
        TEST(a_reservation_shows_as_creating),
        TEST(a_name_is_given_once),
        TEST(without_a_name_the_port_gives_it),
        TEST(an_abandoned_reservation_gives_everything_back),
        TEST(a_neighbour_may_have_the_ports_of_a_reservation_that_ran_out),
        TEST(a_reservation_that_ran_out_unnoticed_can_still_be_bound),
        TEST(repeating_renews_a_reservation),
        TEST(a_user_has_one_subnet_and_others_have_others),
        TEST(a_user_who_comes_back_gets_his_subnet_again),
        TEST(a_refusal_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
