/* What the submitter lists: requests, containers, limits. */
#include "tests/unit/mailbox_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "schemas/keys.h"
#include "schemas/units.h"
#include "worker/store_containers.h"
#include "worker/store_keeper.h"

static void requests_are_listed_oldest_first_and_without_gaps(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request older = request_of("alice");
    AUTO(request) struct request lost = request_of("alice");
    AUTO(request) struct request newer = request_of("alice");
    char record[KEY_SIZE];
    json_auto_t *list = NULL;

    newer.submitted = timestamp_now();
    lost.submitted = newer.submitted - 1000;
    older.submitted = newer.submitted - 2000;
    assert_done(mailbox_queue(mailbox, &newer, 1, NULL, err));
    assert_done(mailbox_queue(mailbox, &lost, 1, NULL, err));
    assert_done(mailbox_queue(mailbox, &older, 1, NULL, err));
    key_of_user(record, KEY_REQUEST, "alice", lost.id);
    assert_done(redis_link_text(fixture->link, NULL, err, "DEL", record, NULL));

    assert_done(mailbox_list(mailbox, "alice", LIST_REQUESTS, &list, err));
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(text_at(json_array_get(list, 0), "request"), older.id);
    assert_string_equal(text_at(json_array_get(list, 1), "request"), newer.id);
}

/* An entry of the index, as the store's functions write it. */
static void put_container(struct fixture *fixture, const char *name, int64_t until,
                          const char *created)
{
    char key[KEY_SIZE];
    json_auto_t *entry = json_pack(
        "{s:s, s:I, s:{s:s, s:n, s:s, s:s, s:i, s:[], s:s, s:s, s:n}}", "server", "lcg50", "until",
        (json_int_t)until, "container", "name", name, "id", "state", "creating", "address", ALIAS_1,
        "ssh_port", 20000, "ports", "image", "debian-ssh", "created", created, "expires");
    AUTO(string) char *text = json_dumps(entry, JSON_COMPACT);

    key_of_user(key, KEY_CONTAINERS, "alice", NULL);
    assert_done(redis_link_text(fixture->link, NULL, err, "HSET", key, name, text, NULL));
}

static const char *name_at(const json_t *list, size_t index)
{
    const json_t *container = json_object_get(json_array_get(list, index), "container");
    return text_at(container, "name");
}

static void containers_are_listed_oldest_first_without_what_does_not_count(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    int64_t now = timestamp_now();
    char key[KEY_SIZE];
    json_auto_t *list = NULL;

    put_container(fixture, "second", 0, "2026-11-23T22:00:00.000Z");
    put_container(fixture, "first", 0, "2026-11-23T21:00:00.000Z");
    put_container(fixture, "pending", now + 60000, "2026-11-23T23:00:00.000Z");
    put_container(fixture, "given-up", now - 1, "2026-11-23T23:00:00.000Z");
    key_of_user(key, KEY_CONTAINERS, "alice", NULL);
    assert_done(redis_link_text(fixture->link, NULL, err, "HSET", key, "damaged", "{", NULL));

    assert_done(mailbox_list(mailbox, "alice", LIST_CONTAINERS, &list, err));
    assert_int_equal(json_array_size(list), 3);
    assert_string_equal(name_at(list, 0), "first");
    assert_string_equal(name_at(list, 1), "second");
    assert_string_equal(name_at(list, 2), "pending");
    assert_string_equal(text_at(json_array_get(list, 0), "server"), "lcg50");
}

/* Published as a keeper of this server would. */
static void publish_limits(struct store *store, const char *user, const char *grants)
{
    json_auto_t *published = json_object();

    json_object_set_new(published, user,
                        json_pack("{s:[], s:o}", "granted", "limits", json_loads(grants, 0, NULL)));
    assert_done(store_publish(store, published, err));
}

#define GRANT(what, rule) "{\"what\":\"" what "\",\"most\":4,\"rule\":\"" rule "\"}"

static void limits_are_the_users_own_or_else_everybodys(void **state)
{
    struct fixture *fixture = *state;
    AUTO(store) struct store *other = fixture_store(fixture, "lab1");
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    json_auto_t *none = NULL, *list = NULL, *bobs = NULL;

    assert_done(mailbox_list(mailbox, "alice", LIST_LIMITS, &none, err));
    assert_int_equal(json_array_size(none), 0);
    publish_limits(other, EVERYBODY, "[" GRANT("gpus", "defaults.gpus") ", {\"what\":7}]");
    publish_limits(fixture->store, "alice", "[" GRANT("gpus", "users.alice.gpus") "]");
    assert_done(mailbox_list(mailbox, "alice", LIST_LIMITS, &list, err));
    json_auto_t *expected =
        json_loads("[{\"server\":\"lab1\",\"grant\":" GRANT(
                       "gpus", "defaults.gpus") "},{\"server\":\"lcg50\","
                                                "\"grant\":" GRANT("gpus", "users.alice.gpus") "}]",
                   0, NULL);
    assert_true(json_equal(list, expected));
    assert_done(mailbox_list(mailbox, "bob", LIST_LIMITS, &bobs, err));
    assert_int_equal(json_array_size(bobs), 1);
}

static void put_image(struct fixture *fixture, const char *field, const char *text)
{
    char key[KEY_SIZE];

    key_of_user(key, KEY_IMAGES, "alice", NULL);
    assert_done(redis_link_text(fixture->link, NULL, err, "HSET", key, field, text, NULL));
}

static json_int_t used_of(const json_t *list, size_t index)
{
    const json_t *grant = json_object_get(json_array_get(list, index), "grant");
    const json_t *used = json_object_get(grant, "used");

    return used ? json_integer_value(used) : -1;
}

static void limits_tell_what_is_used_as_the_store_counts_it(void **state)
{
    static const json_int_t expected[] = {2, 1 << 29, -1, 750, 512, 2, 33, -1};
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request first = request_of("alice"), second = request_of("alice");
    AUTO(request) struct request bobs = request_of("bob");
    static const struct ports no_ports;
    struct wish wish = wish_for(&no_ports);
    struct reservation pending;
    json_auto_t *list = NULL;

    wish.memory = 1 << 28;
    wish.millicpus = 375;
    wish.pids = 256;
    bound(fixture->store, &first, &wish);
    bound(fixture->store, &bobs, &wish);
    assert_done(store_reserve(fixture->store, &second, &wish, &pending, err));
    put_container(fixture, "given-up", timestamp_now() - 1, "2026-11-23T23:00:00.000Z");
    put_image(fixture, "a:latest", "{\"server\":\"lcg50\",\"image\":{\"bytes\":30}}");
    put_image(fixture, "being-made", "{\"bytes\":3,\"until\":9007199254740992}");
    put_image(fixture, "given-up", "{\"bytes\":5,\"until\":1}");
    put_image(fixture, "damaged", "{");
    publish_limits(
        fixture->store, "alice",
        "[" GRANT("containers",
                  "r") ",{\"what\":\"memory\",\"part\":\"total\",\"most\":1,\"rule\":"
                       "\"r\"},{\"what\":\"memory\",\"part\":\"each\",\"most\":1,\"rule\":\"r\"},{"
                       "\"what\":"
                       "\"millicpus\",\"part\":\"total\",\"most\":1,\"rule\":\"r\"},{\"what\":"
                       "\"pids\",\"part\":"
                       "\"total\",\"most\":1,\"rule\":\"r\"}," GRANT("images_kept", "r") "," GRANT(
                           "image_bytes", "r") "," GRANT("gpus", "r") "]");
    assert_done(mailbox_list(mailbox, "alice", LIST_LIMITS, &list, err));
    assert_int_equal(json_array_size(list), COUNT(expected));
    for (size_t i = 0; i < json_array_size(list); i++)
        assert_int_equal(used_of(list, i), expected[i]);
}

static void what_the_store_has_already_is_not_written_again(void **state)
{
    static const char grants[] = "[" GRANT("gpus", "users.alice.gpus") "]";
    struct fixture *fixture = *state;
    json_auto_t *statistics = NULL;

    publish_limits(fixture->store, "alice", grants);
    assert_done(redis_link_text(fixture->link, NULL, err, "CONFIG", "RESETSTAT", NULL));
    publish_limits(fixture->store, "alice", grants);
    assert_done(redis_link_text(fixture->link, &statistics, err, "INFO", "commandstats", NULL));
    assert_null(strstr(json_string_value(statistics), "cmdstat_hset:"));
    publish_limits(fixture->store, "alice", "[]");
    json_decref(TAKE(statistics));
    assert_done(redis_link_text(fixture->link, &statistics, err, "INFO", "commandstats", NULL));
    assert_non_null(strstr(json_string_value(statistics), "cmdstat_hset:calls=1,"));
}

static void what_is_published_is_withdrawn_from_who_is_gone(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    json_auto_t *list = NULL;
    char key[KEY_SIZE];
    json_auto_t *left = NULL;

    publish_limits(fixture->store, "alice", "[" GRANT("gpus", "users.alice.gpus") "]");
    publish_limits(fixture->store, "bob", "[]"); /* alice is not named any more */
    assert_done(mailbox_list(mailbox, "alice", LIST_LIMITS, &list, err));
    assert_int_equal(json_array_size(list), 0);
    key_of_user(key, KEY_GRANTED, "alice", NULL);
    assert_done(redis_link_text(fixture->link, &left, err, "EXISTS", key, NULL));
    assert_int_equal(json_integer_value(left), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORED(requests_are_listed_oldest_first_and_without_gaps),
        STORED(containers_are_listed_oldest_first_without_what_does_not_count),
        STORED(limits_are_the_users_own_or_else_everybodys),
        STORED(limits_tell_what_is_used_as_the_store_counts_it),
        STORED(what_the_store_has_already_is_not_written_again),
        STORED(what_is_published_is_withdrawn_from_who_is_gone),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
