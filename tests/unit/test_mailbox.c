/* The submitter's half of the store against the worker's, over a real one. */
#include "submitter/mailbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "schemas/keys.h"
#include "schemas/result.h"
#include "schemas/units.h"
#include "tests/unit/store_fixture.h"
#include "worker/store_containers.h"
#include "worker/store_keeper.h"
#include "worker/store_requests.h"

static struct mailbox *mailbox_of(const struct fixture *fixture)
{
    struct mailbox *mailbox = NULL;

    assert_done(mailbox_new(fixture->url, &mailbox, err));
    return mailbox;
}

static void assert_state(struct mailbox *mailbox, const char *id, const char *expected)
{
    json_auto_t *result = NULL;

    assert_done(mailbox_record(mailbox, "alice", id, &result, err));
    assert_string_equal(result_state(result), expected);
}

static void claim(struct fixture *fixture, const struct request *request)
{
    enum claim claim = CLAIM_ELSEWHERE;
    json_auto_t *result = NULL;
    char hash[REQUEST_HASH_SIZE];

    request_hash(request, hash);
    assert_done(store_claim(fixture->store, request, hash, false, &claim, &result, err));
    assert_int_equal(claim, CLAIM_OURS);
}

static void finish(struct fixture *fixture, const struct request *request)
{
    json_auto_t *result = result_new(request);
    char hash[REQUEST_HASH_SIZE];

    request_hash(request, hash);
    result_set_done(result, "lcg50");
    assert_done(store_end(fixture->store, request, hash, result, err));
}

static void a_request_is_queued_then_running_then_done(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");

    assert_done(mailbox_queue(mailbox, &request, 1, NULL, err));
    assert_state(mailbox, request.id, "queued");
    claim(fixture, &request);
    assert_state(mailbox, request.id, "running");
    finish(fixture, &request);
    assert_state(mailbox, request.id, "done");
}

static void a_worker_that_was_quicker_is_not_overwritten(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");

    claim(fixture, &request);
    assert_done(mailbox_queue(mailbox, &request, 1, NULL, err));
    assert_state(mailbox, request.id, "running");
    finish(fixture, &request);
    assert_done(mailbox_queue(mailbox, &request, 1, NULL, err));
    assert_state(mailbox, request.id, "done");
}

static void another_users_request_is_not_there(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");
    json_t *result = NULL;

    assert_done(mailbox_queue(mailbox, &request, 1, NULL, err));
    assert_fault(FAULT_NOT_FOUND, mailbox_record(mailbox, "bob", request.id, &result, err));
}

static void an_id_may_be_repeated_but_not_used_for_something_else(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");

    struct error reasons[2] = {{0}};

    mailbox_check_ids(mailbox, &request, 1, reasons);
    assert_done(mailbox_queue(mailbox, &request, 1, NULL, err));
    mailbox_check_ids(mailbox, &request, 1, reasons);
    assert_int_equal(reasons[0].fault, FAULT_NONE);

    AUTO(request) struct request other = request_of("alice");
    struct request both[] = {other, request};
    both[1].op = OP_PING;
    mailbox_check_ids(mailbox, both, 2, reasons);
    assert_int_equal(reasons[0].fault, FAULT_NONE);
    assert_int_equal(reasons[1].fault, FAULT_CONFLICT);
}

static void only_what_was_asked_is_noted_down(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    struct request requests[130];
    struct error reasons[130] = {{0}};
    json_auto_t *result = NULL;

    for (size_t i = 0; i < 130; i++)
        requests[i] = request_of("alice");
    reasons[70].fault = FAULT_DEPENDENCY;
    assert_done(mailbox_queue(mailbox, requests, 130, reasons, err));
    for (size_t i = 0; i < 130; i++) {
        json_decref(TAKE(result));
        int status = mailbox_record(mailbox, "alice", requests[i].id, &result, NULL);
        assert_int_equal(status, i == 70 ? -1 : 0);
        request_clear(&requests[i]);
    }
}

/* A record that is missing says nothing when the store has lost data since. */
static void a_lost_record_is_not_one_that_never_was(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request before = request_of("alice");
    json_auto_t *result = NULL;

    sleep_ms(2);
    assert_done(redis_link_text(fixture->link, NULL, err, "FLUSHALL", NULL));
    assert_fault(FAULT_UNFINISHED, mailbox_record(mailbox, "alice", before.id, &result, err));
    fixture_open(fixture->store);
    assert_fault(FAULT_UNFINISHED, mailbox_record(mailbox, "alice", before.id, &result, err));
    sleep_ms(2);
    AUTO(request) struct request after = request_of("alice");
    assert_fault(FAULT_NOT_FOUND, mailbox_record(mailbox, "alice", after.id, &result, err));
}

static void events_come_in_order_and_each_once(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");
    char cursor[COURIER_CURSOR_SIZE] = "0-0";
    json_auto_t *first = NULL, *second = NULL, *third = NULL;

    claim(fixture, &request);
    assert_done(store_progress(fixture->store, &request, PHASE_CREATING, err));
    assert_done(mailbox_events(mailbox, "alice", request.id, cursor, 0, &first, err));
    assert_int_equal(json_array_size(first), 2);
    assert_string_equal(text_at(json_array_get(first, 0), "phase"), "placed");
    assert_string_equal(text_at(json_array_get(first, 1), "phase"), "creating");

    finish(fixture, &request);
    assert_done(mailbox_events(mailbox, "alice", request.id, cursor, 1000, &second, err));
    assert_int_equal(json_array_size(second), 1);
    assert_done(mailbox_events(mailbox, "alice", request.id, cursor, 0, &third, err));
    assert_int_equal(json_array_size(third), 0);
}

static void an_event_of_a_later_version_is_passed_over(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");
    char cursor[COURIER_CURSOR_SIZE] = "0-0", stream[KEY_SIZE];
    json_auto_t *events = NULL;

    key_of_user(stream, KEY_EVENTS, "alice", request.id);
    assert_done(redis_link_text(fixture->link, NULL, err, "XADD", stream, "7-1", "event",
                                "{\"v\":2}", NULL));
    assert_done(mailbox_events(mailbox, "alice", request.id, cursor, 0, &events, err));
    assert_int_equal(json_array_size(events), 0);
    assert_string_equal(cursor, "7-1");
}

static void somebody_who_follows_is_known_to_for_a_while(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");
    char key[KEY_SIZE];
    bool followed = true;
    json_auto_t *left = NULL;

    assert_done(store_followed(fixture->store, &request, &followed, err));
    assert_false(followed);
    assert_done(mailbox_follow(mailbox, "alice", request.id, err));
    assert_done(store_followed(fixture->store, &request, &followed, err));
    assert_true(followed);
    key_of_user(key, KEY_FOLLOWER, "alice", request.id);
    assert_done(redis_link_text(fixture->link, &left, err, "TTL", key, NULL));
    assert_in_range(json_integer_value(left), 10, 15);
}

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

static void a_damaged_record_is_not_the_readers_mistake(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");
    char record[KEY_SIZE];
    json_t *result = NULL;

    key_of_user(record, KEY_REQUEST, "alice", request.id);
    assert_done(redis_link_text(fixture->link, NULL, err, "HSET", record, "result", "{}", NULL));
    assert_fault(FAULT_INTERNAL, mailbox_record(mailbox, "alice", request.id, &result, err));
}

#define MANY 70 /* more than go in one call */

static void assert_noted(const struct fixture *fixture, const struct request *request,
                         const char *expected)
{
    char record[KEY_SIZE];
    json_auto_t *found = NULL;

    key_of_user(record, KEY_REQUEST, request->user, request->id);
    assert_done(redis_link_text(fixture->link, &found, err, "HGET", record, "state", NULL));
    assert_string_equal(json_string_value(found), expected);
}

static void many_of_several_users_are_noted_together(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    struct request requests[MANY];
    json_auto_t *list = NULL;

    for (size_t i = 0; i < MANY; i++)
        requests[i] = request_of(i % 2 ? "alice" : "bob");
    claim(fixture, &requests[1]);
    assert_done(mailbox_queue(mailbox, requests, MANY, NULL, err));
    for (size_t i = 0; i < MANY; i++)
        assert_noted(fixture, &requests[i], i == 1 ? "running" : "queued");
    assert_done(mailbox_list(mailbox, "alice", LIST_REQUESTS, &list, err));
    assert_int_equal(json_array_size(list), MANY / 2);
    for (size_t i = 0; i < MANY; i++)
        request_clear(&requests[i]);
}

/* A publisher may write to its users' keys what it likes. */
static void a_key_that_is_no_record_hinders_no_other(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    struct request requests[] = {request_of("alice"), request_of("alice")};
    char record[KEY_SIZE];

    key_of_user(record, KEY_REQUEST, "alice", requests[0].id);
    assert_done(redis_link_text(fixture->link, NULL, err, "SET", record, "spoilt", NULL));
    assert_done(mailbox_queue(mailbox, requests, 2, NULL, err));
    assert_noted(fixture, &requests[1], "queued");
    request_clear(&requests[0]);
    request_clear(&requests[1]);
}

/* As a worker of an older version would load it: of several requests it sees the first. */
static void a_library_that_takes_one_at_a_time_is_given_one_at_a_time(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    struct request requests[] = {request_of("alice"), request_of("alice"), request_of("alice")};
    static const char older[] = "#!lua name=dcm_1\n"
                                "redis.register_function('dcm_1_queue', function(keys, args)\n"
                                "    redis.call('HSET', keys[1], 'state', 'queued')\n"
                                "    return 'queued'\n"
                                "end)\n";

    assert_done(
        redis_link_text(fixture->link, NULL, err, "FUNCTION", "LOAD", "REPLACE", older, NULL));
    assert_done(mailbox_queue(mailbox, requests, 3, NULL, err));
    for (size_t i = 0; i < 3; i++) {
        assert_noted(fixture, &requests[i], "queued");
        request_clear(&requests[i]);
    }
    assert_done(redis_link_text(fixture->link, NULL, err, "FUNCTION", "LOAD", "REPLACE",
                                queue_functions, NULL));
}

static void a_store_that_was_restarted_is_found_again(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mailbox) struct mailbox *mailbox = mailbox_of(fixture);
    AUTO(request) struct request request = request_of("alice");
    json_t *list = NULL;

    assert_done(mailbox_queue(mailbox, &request, 1, NULL, err));
    fixture_restart(fixture);
    /* What was written is gone with this store; the next call finds it all the same. */
    assert_done(mailbox_queue(mailbox, &request, 1, NULL, err));
    assert_done(mailbox_list(mailbox, "alice", LIST_REQUESTS, &list, err));
    assert_int_equal(json_array_size(list), 1);
    json_decref(list);
}

static void a_store_out_of_reach_is_a_dependency(void **state)
{
    AUTO(mailbox) struct mailbox *mailbox = NULL;
    json_t *list = NULL;

    (void)state;
    assert_done(mailbox_new("redis://127.0.0.1:1/0", &mailbox, err));
    assert_fault(FAULT_DEPENDENCY, mailbox_list(mailbox, "alice", LIST_CONTAINERS, &list, err));
    assert_null(list);
}

#define STORED(test) cmocka_unit_test_setup(test, fixture_empty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORED(a_request_is_queued_then_running_then_done),
        STORED(a_worker_that_was_quicker_is_not_overwritten),
        STORED(another_users_request_is_not_there),
        STORED(an_id_may_be_repeated_but_not_used_for_something_else),
        STORED(only_what_was_asked_is_noted_down),
        STORED(a_lost_record_is_not_one_that_never_was),
        STORED(events_come_in_order_and_each_once),
        STORED(an_event_of_a_later_version_is_passed_over),
        STORED(somebody_who_follows_is_known_to_for_a_while),
        STORED(requests_are_listed_oldest_first_and_without_gaps),
        STORED(containers_are_listed_oldest_first_without_what_does_not_count),
        STORED(limits_are_the_users_own_or_else_everybodys),
        STORED(limits_tell_what_is_used_as_the_store_counts_it),
        STORED(what_the_store_has_already_is_not_written_again),
        STORED(what_is_published_is_withdrawn_from_who_is_gone),
        STORED(a_damaged_record_is_not_the_readers_mistake),
        STORED(many_of_several_users_are_noted_together),
        STORED(a_key_that_is_no_record_hinders_no_other),
        STORED(a_library_that_takes_one_at_a_time_is_given_one_at_a_time),
        STORED(a_store_that_was_restarted_is_found_again),
        STORED(a_store_out_of_reach_is_a_dependency),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
