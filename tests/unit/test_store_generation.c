/* A store that has lost everything, or comes back old, is noticed before anything is allocated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "schemas/identifier.h"
#include "schemas/keys.h"
#include "store_fixture.h"

/* Last, because it makes a macro of fail. */
#include "worker/store_containers.h"
#include "worker/store_requests.h"
#include <cmocka.h>

static const struct ports no_ports;

static void flush(const struct fixture *fixture)
{
    assert_done(redis_link_text(fixture->link, NULL, err, "FLUSHALL", NULL));
}

static void set_seq(const struct fixture *fixture, const char *seq)
{
    assert_done(
        redis_link_text(fixture->link, NULL, err, "HSET", "dcm:server:lcg50", "seq", seq, NULL));
}

static void assert_nothing_leased(const struct fixture *fixture)
{
    json_auto_t *ports = NULL;
    assert_done(
        redis_link_text(fixture->link, &ports, err, "HGETALL", "dcm:server:lcg50:ports", NULL));
    assert_int_equal(json_array_size(ports), 0);
}

static struct opening open_as(struct store *store, uint64_t generation, uint64_t seq)
{
    struct opening opening;
    assert_done(store_open(store, generation, seq, &opening, err));
    return opening;
}

static void nothing_is_asked_of_a_store_that_was_not_compared(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(store) struct store *store = NULL;
    assert_done(store_new(fixture->url, "lcg50", NULL, &store, err));
    AUTO(request) struct request request = request_of("alice");
    struct wish wish = wish_for(&no_ports);
    assert_refused(store, &request, &wish, FAULT_DEPENDENCY, "still to be compared");
    assert_nothing_leased(fixture);
}

static void an_emptied_store_allocates_nothing(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct wish wish = wish_for(&no_ports);
    flush(fixture);
    assert_refused(fixture->store, &request, &wish, FAULT_DEPENDENCY, "has lost data");
    assert_nothing_leased(fixture);
    assert_fault(FAULT_DEPENDENCY, store_check(fixture->store, err));
    assert_true(watermark_is_doubted(fixture->store->mark));
}

/* Or a request that has ended would be said to be called off. */
static void an_emptied_store_promises_no_cancellation(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    char word[CANCEL_WORD_SIZE];
    enum cancel unused;
    flush(fixture);
    assert_fault(FAULT_DEPENDENCY,
                 store_cancel(fixture->store, request.user, request.id, &unused, word, err));
}

static void a_store_that_is_behind_allocates_nothing(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct wish wish = wish_for(&no_ports);
    assert_done(store_check(fixture->store, err));
    assert_done(store_check(fixture->store, err));
    set_seq(fixture, "1");
    assert_refused(fixture->store, &request, &wish, FAULT_DEPENDENCY, "has lost data");
    assert_nothing_leased(fixture);
}

static void what_one_process_has_seen_counts_for_all(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(store) struct store *other = NULL;
    assert_done(store_new(fixture->url, "lcg50", fixture->store->mark, &other, err));
    watermark_settle(fixture->store->mark, fixture->store->generation);
    store_begin(other);
    assert_done(store_check(fixture->store, err));
    assert_done(store_check(fixture->store, err));
    set_seq(fixture, "1");
    assert_fault(FAULT_DEPENDENCY, store_check(other, err));
}

/* It may have read what is not so any more. */
static void an_attempt_of_an_earlier_generation_goes_no_further(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(store) struct store *keeper = NULL;
    AUTO(request) struct request request = request_of("alice");
    struct wish wish = wish_for(&no_ports);
    struct reservation reservation = {0};
    assert_done(store_reserve(fixture->store, &request, &wish, &reservation, err));
    flush(fixture);
    assert_done(store_new(fixture->url, "lcg50", fixture->store->mark, &keeper, err));
    fixture_open(keeper);
    json_auto_t *container = container_of(&reservation);
    assert_fault(FAULT_DEPENDENCY, store_bind(fixture->store, &request, container, err));

    watermark_settle(fixture->store->mark, keeper->generation);
    store_begin(fixture->store);
    assert_fault(FAULT_CONFLICT, store_bind(fixture->store, &request, container, err));
}

static void the_store_that_is_known_is_the_same(void **state)
{
    const struct fixture *fixture = *state;
    uint64_t generation = fixture->store->generation;
    assert_done(store_check(fixture->store, err));
    struct opening opening = open_as(fixture->store, generation, store_seq(fixture->store));
    assert_true(opening.is_same);
    assert_true(opening.generation == generation);
}

static void an_emptied_store_is_of_a_new_generation_and_holds_nothing(void **state)
{
    const struct fixture *fixture = *state;
    uint64_t generation = fixture->store->generation;
    flush(fixture);
    struct opening opening = open_as(fixture->store, generation, 41);
    assert_false(opening.is_same);
    assert_true(opening.generation != generation && opening.generation != GENERATION_UNKNOWN);
    assert_int_equal(opening.holds, 0);
    store_trust(fixture->store, opening.generation);
    assert_done(store_check(fixture->store, err));
    assert_true(store_seq(fixture->store) > 41); /* no seq is counted twice */
}

static void a_store_that_is_behind_says_what_it_holds(void **state)
{
    const struct fixture *fixture = *state;
    uint64_t generation = fixture->store->generation;
    set_seq(fixture, "7");
    struct opening opening = open_as(fixture->store, generation, 9);
    assert_false(opening.is_same);
    assert_true(opening.generation != generation);
    assert_int_equal(opening.holds, 7);
}

/* What another server has begun anew is not begun anew again. */
static void another_servers_generation_is_taken_over(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(store) struct store *other = fixture_store(fixture, "lcg51");
    uint64_t before = other->generation;
    flush(fixture);
    fixture_open(fixture->store);
    struct opening opening = open_as(other, before, 5);
    assert_false(opening.is_same);
    assert_true(opening.generation == fixture->store->generation);
    assert_int_equal(opening.holds, 0);
    store_trust(other, opening.generation);
    assert_done(store_check(other, err));
    assert_done(store_check(fixture->store, err));
}

static void submitters_get_their_functions_when_others_are_there(void **state)
{
    static const char older[] = "#!lua name=dcm_1\n"
                                "redis.register_function('dcm_1_old', function() return 1 end)\n";
    const struct fixture *fixture = *state;
    json_auto_t *libraries = NULL;
    assert_done(
        redis_link_text(fixture->link, NULL, err, "FUNCTION", "LOAD", "REPLACE", older, NULL));
    assert_done(store_provide(fixture->store, err));
    assert_done(redis_link_text(fixture->link, &libraries, err, "FUNCTION", "LIST", "LIBRARYNAME",
                                QUEUE_LIBRARY, NULL));
    char *text = json_dumps(libraries, JSON_COMPACT);
    assert_non_null(strstr(text, "dcm_1_queue"));
    assert_null(strstr(text, "dcm_1_old"));
    free(text);
}

/* The name tells the content: another version's library is another one, and stays. */
static void workers_of_two_versions_each_have_their_functions(void **state)
{
    const struct fixture *fixture = *state;
    char other[160];
    json_auto_t *libraries = NULL;
    snprintf(other, sizeof(other),
             "#!lua name=dcm_0123456789ab\n"
             "redis.register_function('dcm_0123456789ab_check', function() return 1 end)\n");
    assert_done(redis_link_text(fixture->link, NULL, err, "FUNCTION", "FLUSH", NULL));
    assert_done(redis_link_text(fixture->link, NULL, err, "FUNCTION", "LOAD", other, NULL));
    assert_done(store_check(fixture->store, err));
    assert_done(redis_link_text(fixture->link, &libraries, err, "FUNCTION", "LIST", NULL));
    char *text = json_dumps(libraries, JSON_COMPACT);
    assert_non_null(strstr(text, store_library));
    assert_non_null(strstr(text, "dcm_0123456789ab_check"));
    free(text);
}

#define TEST(name) cmocka_unit_test_setup(name, fixture_empty)

static enum claim claim_of(const struct fixture *fixture, const struct request *request,
                           enum standing standing)
{
    enum claim claim = CLAIM_MISMATCH;
    json_auto_t *unused = NULL;
    assert_done(store_claim(fixture->store, request, HASH, standing, &claim, &unused, err));
    return claim;
}

/* The loss, whenever it was, is longer ago by so much. */
static void let_pass(const struct fixture *fixture, const char *milliseconds)
{
    assert_done(redis_link_text(fixture->link, NULL, err, "HINCRBY", KEY_GENERATION, "since",
                                milliseconds, NULL));
}

static void join(const struct fixture *fixture, const char *server)
{
    assert_done(redis_link_text(fixture->link, NULL, err, "SADD", KEY_SERVERS, server, NULL));
}

/* As if it had been made a minute ago (RFC 9562, section 5.7: the first 48 bits). */
static struct request old_request(void)
{
    struct request request = request_of("alice");
    char made[16];
    snprintf(made, sizeof(made), "%012llx",
             (unsigned long long)identifier_milliseconds(request.id) - 60000);
    memcpy(request.id, made, 8);
    memcpy(request.id + 9, made + 8, 4);
    return request;
}

static void what_another_may_have_done_before_the_loss_waits(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request old = old_request();
    flush(fixture);
    fixture_open(fixture->store);
    AUTO(request) struct request new = request_of("alice");
    assert_int_equal(claim_of(fixture, &old, STANDING_NEW), CLAIM_EARLY);
    assert_int_equal(claim_of(fixture, &new, STANDING_NEW), CLAIM_OURS);
    let_pass(fixture, "-10000"); /* and yet it is older than the loss */
    assert_int_equal(claim_of(fixture, &old, STANDING_NEW), CLAIM_OURS);
}

static void a_loss_that_is_still_to_come_holds_up_nothing(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = old_request();
    let_pass(fixture, "3600000"); /* the store's clock was set back */
    assert_int_equal(claim_of(fixture, &request, STANDING_NEW), CLAIM_OURS);
}

/* As it would by an EXPIRE of all keys of the call. */
static void the_set_of_servers_does_not_end(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    json_auto_t *left = NULL;
    join(fixture, "lcg50");
    assert_int_equal(claim_of(fixture, &request, STANDING_NEW), CLAIM_OURS);
    assert_done(redis_link_text(fixture->link, &left, err, "TTL", KEY_SERVERS, NULL));
    assert_int_equal(json_integer_value(left), -1);
}

static void what_is_in_the_journal_here_was_done_by_no_other(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request known = old_request();
    AUTO(request) struct request begun = old_request();
    flush(fixture);
    fixture_open(fixture->store);
    assert_int_equal(claim_of(fixture, &known, STANDING_KNOWN), CLAIM_OURS);
    assert_int_equal(claim_of(fixture, &begun, STANDING_BEGUN), CLAIM_OURS);
}

/* Whose generation it still is: only the other server will see that it has come back old. */
static void a_store_that_was_restarted_may_be_old_where_there_are_others(void **state)
{
    struct fixture *fixture = *state;
    AUTO(request) struct request alone = old_request();
    AUTO(request) struct request old = old_request();
    fixture_restart(fixture);
    fixture_open(fixture->store);
    let_pass(fixture, "-10000");
    join(fixture, "lcg50");
    assert_int_equal(claim_of(fixture, &alone, STANDING_NEW), CLAIM_OURS);
    sleep_ms(2);
    AUTO(request) struct request new = request_of("alice");
    join(fixture, "lcg51");
    assert_int_equal(claim_of(fixture, &old, STANDING_NEW), CLAIM_EARLY);
    assert_int_equal(claim_of(fixture, &new, STANDING_NEW), CLAIM_OURS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_asked_of_a_store_that_was_not_compared),
        TEST(an_emptied_store_allocates_nothing),
        TEST(an_emptied_store_promises_no_cancellation),
        TEST(a_store_that_is_behind_allocates_nothing),
        TEST(what_one_process_has_seen_counts_for_all),
        TEST(an_attempt_of_an_earlier_generation_goes_no_further),
        TEST(the_store_that_is_known_is_the_same),
        TEST(an_emptied_store_is_of_a_new_generation_and_holds_nothing),
        TEST(a_store_that_is_behind_says_what_it_holds),
        TEST(another_servers_generation_is_taken_over),
        TEST(what_another_may_have_done_before_the_loss_waits),
        TEST(a_loss_that_is_still_to_come_holds_up_nothing),
        TEST(the_set_of_servers_does_not_end),
        TEST(what_is_in_the_journal_here_was_done_by_no_other),
        TEST(a_store_that_was_restarted_may_be_old_where_there_are_others),
        TEST(submitters_get_their_functions_when_others_are_there),
        TEST(workers_of_two_versions_each_have_their_functions),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
