/* What is granted, as `limits` and `images` list it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "common/count.h"
#include "schemas/grant.h"
#include "tests/unit/granting.h"
#include "worker/policy.h"

#include <cmocka.h> /* last: it defines a macro fail() */

/* Is exactly this among what is granted to the user? */
static bool grants(const json_t *policy, const char *user, int64_t now, const char *text)
{
    json_auto_t *all = policy_grants(policy, user, now);
    json_auto_t *wanted = json_loads(text, 0, NULL);
    bool found = false;

    assert_non_null(wanted);
    for (size_t i = 0; i < json_array_size(all); i++)
        found = found || json_equal(json_array_get(all, i), wanted);
    return found;
}

static void everything_granted_is_listed_with_its_rule(void **state)
{
    static const char *const rows[] = {
        "{\"what\":\"containers\",\"most\":1,\"rule\":\"defaults.containers\"}",
        "{\"what\":\"memory\",\"part\":\"each\",\"most\":1073741824,"
        "\"rule\":\"defaults.memory.each\"}",
        /* No usual is granted: what each may have decides. */
        "{\"what\":\"memory\",\"part\":\"usual\",\"most\":1073741824,"
        "\"rule\":\"defaults.memory.each\"}",
        "{\"what\":\"memory\",\"part\":\"total\",\"most\":0,\"rule\":\"defaults.memory.total\"}",
        "{\"what\":\"millicpus\",\"part\":\"each\",\"most\":2500,"
        "\"rule\":\"users.alice.cpus.each\"}",
        "{\"what\":\"life\",\"most\":null,\"rule\":\"defaults.life\"}",
        "{\"what\":\"shm_size\",\"most\":0,\"rule\":\"defaults.shm_size\"}",
        "{\"what\":\"images\",\"item\":\"debian-ssh\",\"rule\":\"defaults.images\"}",
        "{\"what\":\"ports\",\"item\":\"443\",\"rule\":\"users.alice.ports\"}",
    };
    json_auto_t *policy = granting("\"cpus\":{\"each\":\"2.5\"},\"ports\":[\"443\",\"80\"]");
    json_auto_t *all = policy_grants(policy, "alice", NOW);
    struct error err = {0};
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        if (!grants(policy, "alice", NOW, rows[i]))
            fail_msg("%s is not listed", rows[i]);
    for (size_t i = 0; i < json_array_size(all); i++)
        if (grant_check(json_array_get(all, i), &err))
            fail_msg("%zu: %s", i, err.text);
    assert_false(grants(policy, "*", NOW, rows[4]));
    assert_true(grants(policy, "*", NOW, rows[0]));
}

static void what_ends_is_listed_with_its_end_until_then(void **state)
{
    static const char number[] =
        "{\"what\":\"gpus\",\"most\":4,\"rule\":\"users.alice.extra.0.gpus\","
        "\"until\":\"2026-11-24T00:30:00.000Z\"}";
    static const char after[] = "{\"what\":\"gpus\",\"most\":2,\"rule\":\"users.alice.gpus\"}";
    static const char item[] =
        "{\"what\":\"env\",\"item\":\"TZ\",\"rule\":\"users.alice.extra.0.env\","
        "\"until\":\"2026-11-24T00:30:00.000Z\"}";
    json_auto_t *policy =
        granting("\"gpus\":2,\"extra\":[{\"until\":\"2026-11-24T01:30:00+01:00\",\"gpus\":4,"
                 "\"env\":[\"TZ\"]}]");
    int64_t end = NOW + 1800000;
    (void)state;

    assert_true(grants(policy, "alice", end - 1, number));
    assert_true(grants(policy, "alice", end - 1, item));
    assert_false(grants(policy, "alice", end - 1, after));
    assert_true(grants(policy, "alice", end, after));
    assert_false(grants(policy, "alice", end, item));
    assert_int_equal(policy_next_end(policy, NOW), end);
    assert_int_equal(policy_next_end(policy, end), INT64_MAX);
}

/* Of what several layers grant alike, the one is named that ends last. */
static void what_ends_is_not_named_beside_what_stays(void **state)
{
    json_auto_t *policy =
        granting("\"gpus\":2,\"env\":[\"LANG\"],\"extra\":["
                 "{\"until\":\"2026-11-24T01:00:00Z\",\"gpus\":2,\"env\":[\"TZ\",\"LANG\"],\"shm_"
                 "size\":\"1g\"},"
                 "{\"until\":\"2026-11-24T02:00:00Z\",\"env\":[\"TZ\"],\"shm_size\":\"1g\"}]");
    (void)state;

    assert_true(grants(policy, "alice", NOW,
                       "{\"what\":\"gpus\",\"most\":2,\"rule\":\"users.alice.gpus\"}"));
    assert_true(grants(policy, "alice", NOW,
                       "{\"what\":\"env\",\"item\":\"LANG\",\"rule\":\"users.alice.env\"}"));
    assert_true(grants(policy, "alice", NOW,
                       "{\"what\":\"env\",\"item\":\"TZ\",\"rule\":\"users.alice.extra.1.env\","
                       "\"until\":\"2026-11-24T02:00:00.000Z\"}"));
    assert_true(grants(policy, "alice", NOW,
                       "{\"what\":\"shm_size\",\"most\":1073741824,"
                       "\"rule\":\"users.alice.extra.1.shm_size\","
                       "\"until\":\"2026-11-24T02:00:00.000Z\"}"));
}

static void who_is_suspended_reads_that(void **state)
{
    json_auto_t *policy = granting("\"gpus\":2");
    static const char row[] = "{\"what\":\"suspended\",\"rule\":\"suspended\"}";
    (void)state;

    assert_false(grants(policy, "bob", NOW, row));
    json_object_set_new(policy, "suspended", json_pack("[s]", "bob"));
    assert_true(grants(policy, "bob", NOW, row));
    assert_false(grants(policy, "alice", NOW, row));
    json_auto_t *people = policy_people(policy);
    assert_non_null(json_object_get(people, "bob"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_granted_is_listed_with_its_rule),
        cmocka_unit_test(what_ends_is_listed_with_its_end_until_then),
        cmocka_unit_test(what_ends_is_not_named_beside_what_stays),
        cmocka_unit_test(who_is_suspended_reads_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
