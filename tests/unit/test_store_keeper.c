/* What the keeper puts back and drops. */
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "common/auto.h"
#include "common/members.h"
#include "worker/store_containers.h"
#include "worker/store_keeper.h"
#include "worker/store_requests.h"

#include <cmocka.h>

static json_t *entry_at(struct store *store, const char *name)
{
    json_t *entry = NULL;
    assert_done(store_container(store, "alice", name, &entry, err));
    return entry;
}

static json_t *leases_of(struct store *store)
{
    json_t *leases = NULL;
    assert_done(store_leases(store, &leases, err));
    return leases;
}

static struct reservation reserved(struct store *store, const struct request *request,
                                   const char *texts)
{
    struct ports ports = ports_of(texts);
    struct wish wish = wish_for(&ports);
    struct reservation reservation = {0};
    wish.name = "web";
    assert_done(store_reserve(store, request, &wish, &reservation, err));
    return reservation;
}

static void a_reservation_that_comes_back_is_its_requests_again(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct reservation before = reserved(fixture->store, &request, "80 " ALIAS_2 ":53:53");
    json_auto_t *entry = entry_at(fixture->store, "web");
    json_object_set_new(entry, "life", json_integer(60000));
    assert_int_equal(fixture_empty(state), 0);
    assert_done(store_restore(fixture->store, "alice", entry, before.subnet, err));

    json_auto_t *back = entry_at(fixture->store, "web");
    assert_true(number_at(back, "until") > 0);
    assert_null(json_object_get(back, "life"));
    struct reservation after = reserved(fixture->store, &request, "80 " ALIAS_2 ":53:53");
    assert_int_equal(after.ssh_port, before.ssh_port);
    assert_memory_equal(&after.ports, &before.ports, sizeof(after.ports));
    json_auto_t *container = container_of(&after);
    assert_done(store_bind(fixture->store, &request, container, err));
}

static void leases_and_subnets_are_read_as_they_are(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct reservation web = reserved(fixture->store, &request, ALIAS_1 ":80:80");
    json_auto_t *leases = leases_of(fixture->store);
    json_auto_t *subnets = NULL;
    char number[16];
    assert_int_equal(json_object_size(leases), 2);
    const json_t *lease = json_object_get(json_object_get(leases, "tcp/80"), ALIAS_1);
    assert_string_equal(text_at(lease, "request"), request.id);
    assert_done(store_subnets(fixture->store, &subnets, err));
    snprintf(number, sizeof(number), "%u", web.subnet);
    assert_string_equal(text_at(subnets, number), "alice");
}

/* As of an entry that went without its leases, which no function of ours can bring about. */
static void a_lease_without_an_entry_is_dropped_and_no_other(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    reserved(fixture->store, &request, ALIAS_1 ":80:80");
    assert_done(
        store_drop_lease(fixture->store, "alice", "web", request.id, "tcp/80", ALIAS_1, err));
    json_auto_t *before = leases_of(fixture->store);
    assert_int_equal(json_object_size(before), 2);

    assert_done(redis_link_text(fixture->link, NULL, err, "HDEL", "dcm:user:alice:containers",
                                "web", NULL));
    assert_done(
        store_drop_lease(fixture->store, "alice", "web", "another", "tcp/80", ALIAS_1, err));
    json_auto_t *between = leases_of(fixture->store);
    assert_int_equal(json_object_size(between), 2);
    assert_done(
        store_drop_lease(fixture->store, "alice", "web", request.id, "tcp/80", ALIAS_1, err));
    json_auto_t *after = leases_of(fixture->store);
    assert_null(json_object_get(after, "tcp/80"));
    assert_int_equal(json_object_size(after), 1);
}

static void only_a_reservation_is_abandoned(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct reservation web = reserved(fixture->store, &request, "80");
    assert_done(store_abandon(fixture->store, "alice", "web", "another", err));
    json_auto_t *there = entry_at(fixture->store, "web");
    assert_non_null(there);
    assert_done(store_abandon(fixture->store, "alice", "web", request.id, err));
    json_auto_t *none = leases_of(fixture->store);
    assert_int_equal(json_object_size(none), 0);

    web = reserved(fixture->store, &request, "80");
    json_auto_t *container = container_of(&web);
    assert_done(store_bind(fixture->store, &request, container, err));
    assert_done(store_abandon(fixture->store, "alice", "web", request.id, err));
    json_auto_t *leases = leases_of(fixture->store);
    assert_int_equal(json_object_size(leases), 2);
}

/* The mark may have come to a store that has lost the claim: too late all the same. */
static void what_has_begun_is_not_called_off(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    char word[CANCEL_WORD_SIZE];
    enum cancel cancel = CANCEL_ENDED;
    enum claim claim = CLAIM_MISMATCH;
    json_t *unused = NULL;
    assert_done(store_cancel(fixture->store, "alice", request.id, &cancel, word, err));
    assert_int_equal(cancel, CANCEL_NOTED);
    assert_done(store_claim(fixture->store, &request, HASH, STANDING_NEW, &claim, &unused, err));
    assert_int_equal(claim, CLAIM_CANCELLED);
    assert_done(store_claim(fixture->store, &request, HASH, STANDING_BEGUN, &claim, &unused, err));
    assert_int_equal(claim, CLAIM_OURS);
}

#define TEST(name) cmocka_unit_test_setup(name, fixture_empty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reservation_that_comes_back_is_its_requests_again),
        TEST(leases_and_subnets_are_read_as_they_are),
        TEST(a_lease_without_an_entry_is_dropped_and_no_other),
        TEST(only_a_reservation_is_abandoned),
        TEST(what_has_begun_is_not_called_off),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
