/* The index of users' own images: quota, names, servers, repetition. */
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include "common/auto.h"
#include "common/count.h"
#include "worker/store_containers.h"
#include "worker/store_images.h"
#include "worker/store_keeper.h"

#include <cmocka.h>

#define MIB (INT64_C(1) << 20)
#define ID "sha256:0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"

static struct image_wish wish_of(const char *name)
{
    return (struct image_wish){
        .name = name, .bytes = 10 * MIB, .most_images = 2, .most_bytes = 25 * MIB};
}

static void keep(struct store *store, const char *user, const char *name)
{
    AUTO(request) struct request request = request_of(user);
    struct image_wish wish = wish_of(name);
    json_auto_t *image =
        json_pack("{s:s, s:s, s:s, s:I, s:s}", "name", name, "id", ID, "owner", user, "bytes",
                  (json_int_t)(10 * MIB), "created", "2026-11-23T21:00:00.123Z");
    assert_done(store_image_reserve(store, &request, &wish, err));
    assert_done(store_image_bind(store, user, request.id, image, err));
}

static void refuse(struct store *store, const char *user, const struct image_wish *wish,
                   enum fault fault)
{
    AUTO(request) struct request request = request_of(user);
    struct error error = {0};
    assert_int_equal(store_image_reserve(store, &request, wish, &error), -1);
    assert_int_equal(error.fault, fault);
}

static void as_many_images_as_granted_and_no_more(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    struct image_wish third = wish_of("c:latest");
    keep(store, "alice", "a:latest");
    keep(store, "alice", "b:latest");
    refuse(store, "alice", &third, FAULT_QUOTA);
    keep(store, "bob", "c:latest");
}

static void what_is_being_made_counts(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    AUTO(request) struct request first = request_of("alice");
    struct image_wish wish = wish_of("a:latest"), other = wish_of("b:latest");
    wish.bytes = 20 * MIB;
    assert_done(store_image_reserve(store, &first, &wish, err));
    assert_done(store_image_reserve(store, &first, &wish, err)); /* again, as after a crash */
    refuse(store, "alice", &other, FAULT_QUOTA);
    assert_done(store_image_release(store, "alice", NULL, first.id, err));
    keep(store, "alice", "b:latest");
}

static void a_name_is_replaced_on_request_only(void **state)
{
    struct store *store = ((struct fixture *)*state)->store;
    AUTO(request) struct request request = request_of("alice");
    struct image_wish wish = wish_of("a:latest");
    wish.most_images = 1;
    keep(store, "alice", "a:latest");
    refuse(store, "alice", &wish, FAULT_CONFLICT);
    wish.replace = true;
    assert_done(store_image_reserve(store, &request, &wish, err));
}

static void an_image_is_found_by_name_and_id_and_by_its_owner_alone(void **state)
{
    static const char *const references[] = {"a", "a:latest", ID, "0f0f0f0f0f0f"};
    struct store *store = ((struct fixture *)*state)->store;
    keep(store, "alice", "a:latest");
    for (size_t i = 0; i < COUNT(references); i++) {
        json_auto_t *entry = NULL;
        json_t *none = NULL;
        assert_done(store_image(store, "alice", references[i], &entry, err));
        assert_fault(FAULT_NOT_FOUND, store_image(store, "bob", references[i], &none, err));
    }
}

static void another_servers_image_stays(void **state)
{
    struct fixture *fixture = *state;
    AUTO(store) struct store *other = fixture_store(fixture, "lcg51");
    json_auto_t *entry = NULL;
    json_auto_t *entries = NULL;
    struct image_wish wish = wish_of("a:latest");
    wish.replace = true;
    keep(fixture->store, "alice", "a:latest");
    refuse(other, "alice", &wish, FAULT_CONFLICT);
    assert_done(store_image_release(other, "alice", "a:latest", NULL, err));
    assert_done(store_image(fixture->store, "alice", "a", &entry, err));
    assert_done(store_images_of_server(other, &entries, err));
    assert_int_equal(json_array_size(entries), 0);
}

#define IMAGE_TEST(name) cmocka_unit_test_setup(name, fixture_empty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IMAGE_TEST(as_many_images_as_granted_and_no_more),
        IMAGE_TEST(what_is_being_made_counts),
        IMAGE_TEST(a_name_is_replaced_on_request_only),
        IMAGE_TEST(an_image_is_found_by_name_and_id_and_by_its_owner_alone),
        IMAGE_TEST(another_servers_image_stays),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
