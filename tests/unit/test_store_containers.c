/* Index entries: binding, changing, releasing and restoring them. */
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "worker/store_containers.h"
#include "worker/store_keeper.h"

#include <cmocka.h>

static const struct ports no_ports;

static struct reservation create(struct store *store, const char *user, const char *name,
                                 const char *texts)
{
    AUTO(request) struct request request = request_of(user);
    struct ports ports = ports_of(texts);
    struct wish wish = wish_for(&ports);
    wish.name = name;
    return bound(store, &request, &wish);
}

static long field_count(const struct fixture *fixture, const char *key)
{
    json_auto_t *count = NULL;
    assert_done(redis_link_text(fixture->link, &count, err, "HLEN", key, NULL));
    return (long)json_integer_value(count);
}

static void assert_state(struct store *store, const char *user, const char *reference,
                         const char *expected)
{
    json_auto_t *entry = NULL;
    assert_done(store_container(store, user, reference, &entry, err));
    assert_string_equal(text_at(json_object_get(entry, "container"), "state"), expected);
}

/* Nobody holds a port, a subnet or a name. */
static void assert_nothing_held(const struct fixture *fixture)
{
    json_auto_t *keys = NULL;
    assert_done(redis_link_text(fixture->link, &keys, err, "KEYS", "dcm:user:*", NULL));
    assert_int_equal(json_array_size(keys), 0);
    json_auto_t *of_servers = NULL;
    assert_done(redis_link_text(fixture->link, &of_servers, err, "KEYS", "dcm:server:*:*", NULL));
    assert_int_equal(json_array_size(of_servers), 0);
}

static void a_container_is_found_by_name_and_by_port(void **state)
{
    const struct fixture *fixture = *state;
    struct reservation web = create(fixture->store, "alice", "web", "80");
    create(fixture->store, "alice", NULL, "");
    char port[8];
    snprintf(port, sizeof(port), "%u", web.ssh_port);
    json_auto_t *by_name = NULL;
    json_auto_t *by_port = NULL;
    assert_done(store_container(fixture->store, "alice", "web", &by_name, err));
    assert_done(store_container(fixture->store, "alice", port, &by_port, err));
    assert_true(json_equal(by_name, by_port));
    assert_string_equal(text_at(by_name, "server"), "lcg50");
    assert_int_equal(number_at(by_name, "until"), 0);
}

static void a_neighbours_container_is_not_found(void **state)
{
    const struct fixture *fixture = *state;
    struct reservation web = create(fixture->store, "alice", "web", "");
    char port[8];
    snprintf(port, sizeof(port), "%u", web.ssh_port);
    json_t *entry = NULL;
    assert_fault(FAULT_NOT_FOUND, store_container(fixture->store, "bob", "web", &entry, err));
    assert_fault(FAULT_NOT_FOUND, store_container(fixture->store, "bob", port, &entry, err));
    assert_fault(FAULT_NOT_FOUND, store_container(fixture->store, "alice", "1", &entry, err));
    assert_null(entry);
}

static void binding_twice_is_binding_once(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct ports ports = ports_of("80");
    struct wish wish = wish_for(&ports);
    struct reservation reservation = bound(fixture->store, &request, &wish);
    json_auto_t *container = container_of(&reservation);
    assert_done(store_bind(fixture->store, &request, container, err));
    assert_int_equal(field_count(fixture, "dcm:server:lcg50:ports"), 2);

    json_auto_t *entry = NULL;
    assert_done(store_container(fixture->store, "alice", reservation.name, &entry, err));
    assert_true(json_equal(json_object_get(entry, "container"), container));
}

static void binding_needs_the_requests_own_reservation(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request mine = request_of("alice");
    AUTO(request) struct request other = request_of("alice");
    struct wish wish = wish_for(&no_ports);
    struct reservation reservation = {0};
    assert_done(store_reserve(fixture->store, &mine, &wish, &reservation, err));
    json_auto_t *container = container_of(&reservation);
    assert_fault(FAULT_CONFLICT, store_bind(fixture->store, &other, container, err));
    assert_state(fixture->store, "alice", reservation.name, "creating");
}

static void a_state_changes_only_once_the_container_is_bound(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct wish wish = wish_for(&no_ports);
    struct reservation pending = {0};
    assert_done(store_reserve(fixture->store, &request, &wish, &pending, err));
    assert_done(store_set_state(fixture->store, "alice", pending.name, "running", err));
    assert_state(fixture->store, "alice", pending.name, "creating");

    struct reservation web = create(fixture->store, "alice", "web", "80 443");
    assert_done(store_set_state(fixture->store, "alice", "web", "paused", err));
    assert_state(fixture->store, "alice", "web", "paused");
    assert_int_equal(field_count(fixture, "dcm:server:lcg50:ports"), 1 + web.ports.count + 1);
    assert_fault(FAULT_NOT_FOUND,
                 store_set_state(fixture->store, "alice", "nothing", "paused", err));
}

static void assert_waits_for(struct store *store, const char *name, const char *expected)
{
    json_auto_t *entry = NULL;
    assert_done(store_container(store, "alice", name, &entry, err));
    json_auto_t *wanted = expected ? json_string(expected) : NULL;
    json_t *shown = json_object_get(json_object_get(entry, "container"), "waits_for");
    assert_true(wanted ? json_equal(shown, wanted) : !shown);
}

static void what_waits_for_an_address_shows_it_until_its_state_changes(void **state)
{
    const struct fixture *fixture = *state;
    create(fixture->store, "alice", "web", "80");
    assert_done(store_set_waiting(fixture->store, "alice", "web", ALIAS_1, err));
    assert_state(fixture->store, "alice", "web", "stopped");
    assert_waits_for(fixture->store, "web", ALIAS_1);
    assert_done(store_set_state(fixture->store, "alice", "web", "stopped", err));
    assert_waits_for(fixture->store, "web", NULL);
    assert_fault(FAULT_NOT_FOUND,
                 store_set_waiting(fixture->store, "alice", "nothing", ALIAS_1, err));
}

static void assert_expires(struct store *store, const char *name, const char *expected)
{
    json_auto_t *entry = NULL;
    assert_done(store_container(store, "alice", name, &entry, err));
    const char *expires = text_at(json_object_get(entry, "container"), "expires");
    assert_true(expected ? expires && strcmp(expires, expected) == 0 : !expires);
}

static void the_end_of_a_bound_entry_changes_and_nothing_else(void **state)
{
    const struct fixture *fixture = *state;
    json_auto_t *end = json_string("2026-11-23T21:00:00.123Z");
    AUTO(request) struct request request = request_of("alice");
    struct wish wish = wish_for(&no_ports);
    struct reservation pending = {0};
    json_auto_t *before = NULL;
    json_auto_t *after = NULL;
    assert_done(store_reserve(fixture->store, &request, &wish, &pending, err));
    assert_done(store_set_expires(fixture->store, "alice", pending.name, end, err));
    assert_expires(fixture->store, pending.name, NULL);

    create(fixture->store, "alice", "web", "80 443");
    assert_done(store_container(fixture->store, "alice", "web", &before, err));
    assert_done(store_set_expires(fixture->store, "alice", "web", end, err));
    assert_expires(fixture->store, "web", "2026-11-23T21:00:00.123Z");
    assert_done(store_set_expires(fixture->store, "alice", "web", json_null(), err));
    assert_done(store_container(fixture->store, "alice", "web", &after, err));
    assert_true(json_equal(before, after));
    assert_fault(FAULT_NOT_FOUND, store_set_expires(fixture->store, "alice", "nothing", end, err));
}

static void another_servers_entries_are_left_alone(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(store) struct store *other = fixture_store(fixture, "lcg51");
    create(fixture->store, "alice", "web", "80");
    assert_fault(FAULT_NOT_FOUND, store_set_state(other, "alice", "web", "stopped", err));
    assert_done(store_release(other, "alice", "web", NULL, NULL, err));
    assert_state(fixture->store, "alice", "web", "running");
}

static void the_last_release_leaves_nothing(void **state)
{
    const struct fixture *fixture = *state;
    bool last = true;
    create(fixture->store, "alice", "web", "80 53/udp");
    create(fixture->store, "alice", "db", "5432");
    assert_done(store_release(fixture->store, "alice", "web", NULL, &last, err));
    assert_false(last);
    assert_int_equal(field_count(fixture, "dcm:server:lcg50:ports"), 2);
    assert_done(store_release(fixture->store, "alice", "db", NULL, &last, err));
    assert_true(last);
    assert_nothing_held(fixture);
    assert_done(store_release(fixture->store, "alice", "db", NULL, &last, err));
    assert_true(last);
}

static void undoing_a_reservation_spares_another_requests_container(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request late = request_of("alice");
    create(fixture->store, "alice", "web", "80");
    assert_done(store_release(fixture->store, "alice", "web", late.id, NULL, err));
    assert_state(fixture->store, "alice", "web", "running");
    assert_int_equal(field_count(fixture, "dcm:server:lcg50:ports"), 2);
}

static void a_port_shared_by_two_addresses_keeps_the_others_lease(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("carol");
    create(fixture->store, "alice", "web", ALIAS_1 ":80:80");
    create(fixture->store, "bob", "web", ALIAS_2 ":80:80");
    assert_done(store_release(fixture->store, "alice", "web", NULL, NULL, err));

    struct ports ports = ports_of(ALIAS_2 ":80:80");
    struct wish wish = wish_for(&ports);
    assert_refused(fixture->store, &request, &wish, FAULT_CONFLICT, "taken on " ALIAS_2);
    create(fixture->store, "carol", "web", ALIAS_1 ":80:80");
}

static void a_store_without_memory_takes_nothing_on_and_lets_go(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct wish wish = wish_for(&no_ports);
    struct reservation reservation = {0};
    create(fixture->store, "alice", "web", "80");
    assert_done(redis_link_text(fixture->link, NULL, err, "CONFIG", "SET", "maxmemory", "1", NULL));
    struct error error = {0};
    int reserved = store_reserve(fixture->store, &request, &wish, &reservation, &error);
    int released = store_release(fixture->store, "alice", "web", NULL, NULL, NULL);
    assert_done(redis_link_text(fixture->link, NULL, err, "CONFIG", "SET", "maxmemory", "0", NULL));
    assert_int_equal(reserved, -1);
    assert_int_equal(error.fault, FAULT_DEPENDENCY);
    assert_int_equal(released, 0);
    assert_nothing_held(fixture);
}

static void the_keeper_sees_every_entry_of_its_server(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(store) struct store *other = fixture_store(fixture, "lcg51");
    create(fixture->store, "alice", "web", "80");
    create(fixture->store, "alice", "db", "");
    create(fixture->store, "bob", "web", "");
    create(other, "carol", "web", "");

    json_auto_t *entries = NULL;
    int of_alice = 0;
    assert_done(store_containers_of_server(fixture->store, &entries, err));
    assert_int_equal(json_array_size(entries), 3);
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        assert_string_equal(text_at(entry, "server"), "lcg50");
        of_alice += text_at(entry, "user")[0] == 'a';
    }
    assert_int_equal(of_alice, 2);
}

static void the_keeper_drops_what_ran_out(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct ports ports = ports_of("80");
    struct wish wish = wish_for(&ports);
    struct reservation reservation = {0};
    assert_done(store_reserve_for(fixture->store, &request, &wish, 1, &reservation, err));
    sleep_ms(20);
    json_auto_t *entries = NULL;
    assert_done(store_containers_of_server(fixture->store, &entries, err));
    assert_int_equal(json_array_size(entries), 0);
    assert_nothing_held(fixture);

    json_auto_t *container = container_of(&reservation);
    assert_fault(FAULT_CONFLICT, store_bind(fixture->store, &request, container, err));
}

static void what_the_index_lost_is_restored_whole(void **state)
{
    const struct fixture *fixture = *state;
    struct reservation web = create(fixture->store, "alice", "web", "80 443");
    json_auto_t *before = NULL;
    json_auto_t *after = NULL;
    assert_done(store_container(fixture->store, "alice", "web", &before, err));
    assert_int_equal(fixture_empty(state), 0);
    assert_done(store_restore(fixture->store, "alice", before, web.subnet, err));
    assert_done(store_restore(fixture->store, "alice", before, web.subnet, err));
    assert_done(store_container(fixture->store, "alice", "web", &after, err));
    assert_true(json_equal(before, after));
    assert_int_equal(field_count(fixture, "dcm:server:lcg50:ports"), 3);

    AUTO(request) struct request late = request_of("alice");
    struct wish wish = wish_for(&no_ports);
    struct reservation next = bound(fixture->store, &late, &wish);
    assert_int_equal(next.subnet, web.subnet);
    bool last = true;
    assert_done(store_release(fixture->store, "alice", next.name, NULL, &last, err));
    assert_false(last);
    assert_done(store_release(fixture->store, "alice", "web", NULL, &last, err));
    assert_true(last);
    assert_nothing_held(fixture);
}

static void restoring_takes_nothing_from_others(void **state)
{
    const struct fixture *fixture = *state;
    struct reservation web = create(fixture->store, "alice", "web", ALIAS_1 ":80:80");
    json_auto_t *entry = NULL;
    assert_done(store_container(fixture->store, "alice", "web", &entry, err));
    assert_int_equal(fixture_empty(state), 0);

    create(fixture->store, "bob", "web", ALIAS_1 ":80:80");
    assert_fault(FAULT_CONFLICT, store_restore(fixture->store, "alice", entry, web.subnet, err));
    assert_done(store_release(fixture->store, "bob", "web", NULL, NULL, err));
    struct reservation other = create(fixture->store, "bob", "web", "");
    assert_fault(FAULT_CONFLICT, store_restore(fixture->store, "alice", entry, other.subnet, err));
    create(fixture->store, "alice", "web", "");
    assert_fault(FAULT_CONFLICT, store_restore(fixture->store, "alice", entry, web.subnet, err));
}

static void a_restored_entry_without_numbers_does_not_stop_its_user(void **state)
{
    const struct fixture *fixture = *state;
    struct reservation web = create(fixture->store, "alice", "web", "");
    json_auto_t *entry = NULL;
    assert_done(store_container(fixture->store, "alice", "web", &entry, err));
    json_object_set_new(entry, "pids", json_null());
    json_object_del(entry, "memory");
    assert_done(store_restore(fixture->store, "alice", entry, web.subnet, err));
    create(fixture->store, "alice", "db", "");
}

static void an_entry_without_a_name_cannot_be_restored(void **state)
{
    const struct fixture *fixture = *state;
    json_auto_t *entry = json_pack("{s:s, s:{}}", "request", "r", "container");
    assert_fault(FAULT_INTERNAL, store_restore(fixture->store, "alice", entry, 0, err));
    assert_nothing_held(fixture);
}

#define TEST(name) cmocka_unit_test_setup(name, fixture_empty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_container_is_found_by_name_and_by_port),
        TEST(a_neighbours_container_is_not_found),
        TEST(binding_twice_is_binding_once),
        TEST(binding_needs_the_requests_own_reservation),
        TEST(a_state_changes_only_once_the_container_is_bound),
        TEST(what_waits_for_an_address_shows_it_until_its_state_changes),
        TEST(the_end_of_a_bound_entry_changes_and_nothing_else),
        TEST(another_servers_entries_are_left_alone),
        TEST(the_last_release_leaves_nothing),
        TEST(undoing_a_reservation_spares_another_requests_container),
        TEST(a_port_shared_by_two_addresses_keeps_the_others_lease),
        TEST(a_store_without_memory_takes_nothing_on_and_lets_go),
        TEST(the_keeper_sees_every_entry_of_its_server),
        TEST(the_keeper_drops_what_ran_out),
        TEST(what_the_index_lost_is_restored_whole),
        TEST(restoring_takes_nothing_from_others),
        TEST(a_restored_entry_without_numbers_does_not_stop_its_user),
        TEST(an_entry_without_a_name_cannot_be_restored),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
