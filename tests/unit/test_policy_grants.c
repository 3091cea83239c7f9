/* The policy's grants of single options, and those that end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "tests/unit/granting.h"
#include "worker/policy.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define MIB (INT64_C(1) << 20)

static int check(const json_t *policy, const char *user, int64_t now, const char *args,
                 const char *port, struct error *err)
{
    struct policy_grant grant;
    struct ports ports = {0};
    json_auto_t *asked = json_loads(args, 0, NULL);

    assert_non_null(asked);
    if (port)
        assert_int_equal(ports_parse(port, &ports, err), 0);
    return policy_check_create(policy, user, now, asked, &ports, &grant, err);
}

static void assert_denied(const json_t *policy, const char *user, const char *args,
                          const char *port, const char *rule)
{
    struct error err = {0};

    assert_int_equal(check(policy, user, NOW, args, port, &err), -1);
    assert_int_equal(err.fault, FAULT_DENIED);
    assert_string_equal(err.rule, rule);
    assert_non_null(strstr(err.text, "ask the administrator"));
}

/* What may be asked for, the grant that allows it, and the name of its rule. */
static const struct option {
    const char *asked;
    const char *grant;
    const char *rule;
} options[] = {
    {"\"restart\":\"always\"", "\"restart\":[\"on-failure\",\"always\"]", "restart"},
    {"\"mounts\":[{\"source\":\"/data/a\",\"target\":\"/a\"}]", "\"mounts\":[\"/data/a:rw\"]",
     "mounts"},
    {"\"mounts\":[{\"source\":\"/data/a\",\"target\":\"/a\",\"read_only\":true}]",
     "\"mounts\":[\"/data/a:ro\"]", "mounts"},
    {"\"devices\":[\"/dev/fuse\"]", "\"devices\":[\"/dev/fuse\"]", "devices"},
    {"\"capabilities\":[\"NET_ADMIN\"]", "\"capabilities\":[\"NET_RAW\",\"NET_ADMIN\"]",
     "capabilities"},
    {"\"env\":{\"TZ\":\"UTC\"}", "\"env\":[\"TZ\"]", "env"},
    {"\"env\":{\"APP_MODE\":\"x\",\"APP_A\":\"\"}", "\"env\":[\"APP_*\"]", "env"},
    {"\"shm_size\":1073741824", "\"shm_size\":\"1g\"", "shm_size"},
    {"\"gpus\":2", "\"gpus\":2", "gpus"},
};

static void each_option_is_refused_without_a_grant_and_allowed_with_it(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(options); i++) {
        struct error err = {0};
        char args[256], rule[64];
        json_auto_t *with = granting(options[i].grant);
        json_auto_t *without = granting("");
        snprintf(args, sizeof(args), "{\"image\":\"debian-ssh\",%s}", options[i].asked);
        snprintf(rule, sizeof(rule), "defaults.%s", options[i].rule);
        assert_denied(without, "alice", args, NULL, rule);
        assert_denied(with, "bob", args, NULL, rule);
        if (check(with, "alice", NOW, args, NULL, &err))
            fail_msg("%s with %s: %s", args, options[i].grant, err.text);
    }
}

static void an_extra_grant_counts_until_it_ends_and_is_named_afterwards(void **state)
{
    static const char until[] = "2026-11-24T01:30:00+01:00"; /* half an hour from now */
    (void)state;

    for (size_t i = 0; i < COUNT(options); i++) {
        struct error err = {0};
        char args[256], extra[512], rule[64];
        snprintf(args, sizeof(args), "{\"image\":\"debian-ssh\",%s}", options[i].asked);
        snprintf(extra, sizeof(extra),
                 "\"extra\":[{\"gpus\":0},{\"until\":\"%s\",\"reason\":\"a demo\",%s}]", until,
                 options[i].grant);
        json_auto_t *policy = granting(extra);
        if (check(policy, "alice", NOW, args, NULL, &err))
            fail_msg("%s with %s: %s", args, extra, err.text);
        assert_int_equal(check(policy, "alice", NOW + 1799999, args, NULL, &err), 0);
        assert_int_equal(check(policy, "alice", NOW + 1800000, args, NULL, &err), -1);
        snprintf(rule, sizeof(rule), "users.alice.extra.1.%s", options[i].rule);
        assert_string_equal(err.rule, rule);
        assert_non_null(strstr(err.text, "has ended"));
    }
}

/* Every option of the table is in there, so that a new row of the policy's tables has to be. */
static void with_verdicts_each_thing_asked_for_has_its_own(void **state)
{
    static const char args[] =
        "{\"image\":\"debian-ssh\",\"memory\":2147483648,\"pids\":9,\"restart\":\"no\","
        "\"mounts\":[{\"source\":\"/data/a\",\"target\":\"/a\",\"read_only\":true}],"
        "\"devices\":[\"/dev/fuse\"],\"capabilities\":[\"NET_ADMIN\"],\"env\":{\"TZ\":\"UTC\"},"
        "\"shm_size\":1073741824,\"gpus\":2,\"ttl\":90}";
    static const char expected[] =
        "[[\"image debian-ssh\",true,\"defaults.images\"],"
        "[\"memory 2g\",false,\"defaults.memory.each\"],"
        "[\"cpus 1 (the usual)\",true,\"defaults.cpus.each\"],"
        "[\"pids 9\",true,\"defaults.pids.each\"],"
        "[\"host port 80/tcp\",true,\"defaults.ports\"],"
        "[\"publishing on the address 10.0.0.9\",false,\"defaults.addresses\"],"
        "[\"life 90s\",true,\"users.alice.life\"],"
        "[\"shm_size 1g\",true,\"users.alice.shm_size\"],"
        "[\"gpus 2\",false,\"users.alice.extra.0.gpus\"],"
        "[\"the restart policy no\",true,null],"
        "[\"the mount /data/a:ro\",true,\"users.alice.mounts\"],"
        "[\"the device /dev/fuse\",false,\"defaults.devices\"],"
        "[\"the capability NET_ADMIN\",false,\"defaults.capabilities\"],"
        "[\"the variable TZ\",true,\"users.alice.env\"]]";
    json_auto_t *policy =
        granting("\"life\":\"2m\",\"shm_size\":\"1g\",\"mounts\":[\"/data/a:rw\"],\"env\":[\"TZ\"],"
                 "\"extra\":[{\"until\":\"2020-01-01T00:00:00Z\",\"gpus\":2}]");
    json_auto_t *asked = json_loads(args, 0, NULL), *wanted = json_loads(expected, 0, NULL);
    AUTO(verdicts) struct verdicts verdicts = {0};
    struct policy_grant grant = {0};
    struct ports ports = {0};
    struct error err = {0};
    (void)state;

    assert_non_null(asked);
    assert_int_equal(ports_parse("10.0.0.9:80:80", &ports, &err), 0);
    verdicts_begin(&verdicts, false);
    assert_int_equal(
        policy_judge_create(policy, "alice", NOW, asked, &ports, &verdicts, &grant, &err), 0);
    assert_int_equal(grant.memory, 2048 * MIB);
    assert_int_equal(json_array_size(verdicts.list), json_array_size(wanted));
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        const json_t *verdict = json_array_get(verdicts.list, i);
        const json_t *rule = json_object_get(verdict, "rule");
        json_auto_t *found =
            json_pack("[O, O, O]", json_object_get(verdict, "what"),
                      json_object_get(verdict, "allowed"), rule ? rule : json_null());
        if (!json_equal(found, json_array_get(wanted, i)))
            fail_msg("%zu is %s", i, json_dumps(found, 0));
    }
}

static void who_is_suspended_reads_all_the_other_verdicts_too(void **state)
{
    json_auto_t *policy = granting("");
    json_auto_t *asked = json_loads("{\"image\":\"debian-ssh\"}", 0, NULL);
    AUTO(verdicts) struct verdicts verdicts = {0};
    struct policy_grant grant;
    struct ports ports = {0};
    struct error err = {0};
    (void)state;

    json_object_set_new(policy, "suspended", json_pack("[s]", "alice"));
    verdicts_begin(&verdicts, false);
    assert_int_equal(
        policy_judge_create(policy, "alice", NOW, asked, &ports, &verdicts, &grant, &err), 0);
    assert_true(verdicts.refused);
    assert_int_equal(json_array_size(verdicts.list), 5);
    assert_true(json_is_false(json_object_get(json_array_get(verdicts.list, 0), "allowed")));
    assert_true(flag_at(json_array_get(verdicts.list, 1), "allowed"));
}

static void a_limit_that_has_ended_is_named_afterwards(void **state)
{
    static const char args[] = "{\"image\":\"debian-ssh\",\"memory\":2147483648}";
    json_auto_t *policy = granting("\"extra\":[{\"until\":\"2026-11-24T01:30:00+01:00\","
                                   "\"memory\":{\"each\":\"4g\"}}]");
    struct error err = {0};
    (void)state;

    assert_int_equal(check(policy, "alice", NOW, args, NULL, &err), 0);
    assert_int_equal(check(policy, "alice", NOW + 1800000, args, NULL, &err), -1);
    assert_string_equal(err.rule, "users.alice.extra.0.memory.each");
    assert_non_null(strstr(err.text, "has ended"));
    /* What no grant allowed, ever, is refused by the one that counts now. */
    assert_int_equal(check(policy, "alice", NOW + 1800000,
                           "{\"image\":\"debian-ssh\",\"memory\":8589934592}", NULL, &err),
                     -1);
    assert_string_equal(err.rule, "defaults.memory.each");
}

static void more_than_was_granted_is_refused(void **state)
{
    static const struct option beyond[] = {
        {"\"restart\":\"always\"", "\"restart\":[\"on-failure\"]", "defaults.restart"},
        {"\"mounts\":[{\"source\":\"/data/a\",\"target\":\"/a\"}]", "\"mounts\":[\"/data/a:ro\"]",
         "defaults.mounts"},
        {"\"mounts\":[{\"source\":\"/data/a/b\",\"target\":\"/a\",\"read_only\":true}]",
         "\"mounts\":[\"/data/a:rw\",\"/data/a/bc:rw\"]", "defaults.mounts"},
        {"\"mounts\":[{\"source\":\"/data\",\"target\":\"/a\",\"read_only\":true}]",
         "\"mounts\":[\"/data/a:rw\"]", "defaults.mounts"},
        {"\"mounts\":[{\"source\":\"/data/a\",\"target\":\"/a\"},"
         "{\"source\":\"/data/b\",\"target\":\"/b\"}]",
         "\"mounts\":[\"/data/a:rw\"]", "defaults.mounts"},
        {"\"capabilities\":[\"NET_RAW\",\"NET_ADMIN\"]", "\"capabilities\":[\"NET_RAW\"]",
         "defaults.capabilities"},
        {"\"env\":{\"APP_\":\"\"}", "\"env\":[\"APP_*\"]", "defaults.env"},
        {"\"env\":{\"APPLE\":\"\"}", "\"env\":[\"APP\",\"APP_*\"]", "defaults.env"},
        {"\"shm_size\":1073741825", "\"shm_size\":\"1g\"", "users.alice.shm_size"},
        {"\"gpus\":3", "\"gpus\":2", "users.alice.gpus"},
        {"\"ttl\":61", "\"life\":\"1m\"", "users.alice.life"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(beyond); i++) {
        char args[256];
        json_auto_t *policy = granting(beyond[i].grant);
        snprintf(args, sizeof(args), "{\"image\":\"debian-ssh\",%s}", beyond[i].asked);
        assert_denied(policy, "alice", args, NULL, beyond[i].rule);
    }
}

/* Who can write to the outer one could put a link in the place of the inner one. */
static void no_mount_lies_in_one_that_somebody_may_write_to(void **state)
{
    static const char args[] =
        "{\"image\":\"debian-ssh\",\"mounts\":[{\"source\":\"/data/a/b\",\"target\":\"/b\","
        "\"read_only\":true}]}";
    static const char alices[] = "\"mounts\":[\"/data/a/b:ro\"]";
    static const struct {
        const char *beside;
        const char *rule; /* NULL: harmless */
    } cases[] = {
        {"\"groups\":{\"g\":{\"mounts\":[\"/data/a:rw\"]}}", "groups.g.mounts"},
        {"\"groups\":{\"g\":{\"mounts\":[\"/x:ro\",\"/data:rw\"]}}", "groups.g.mounts"},
        {"\"groups\":{\"g\":{\"extra\":[{\"gpus\":1},{\"mounts\":[\"/data:rw\"],"
         "\"until\":\"2020-01-01T00:00:00Z\"}]}}",
         "groups.g.extra.1.mounts"},
        {"\"groups\":{\"g\":{\"mounts\":[\"/data:ro\",\"/data/a/b:rw\",\"/data/a/b/c:rw\","
         "\"/data/a/bb:rw\",\"/dat:rw\"]}}",
         NULL},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err = {0};
        json_auto_t *policy = granting(alices);
        char text[512];
        snprintf(text, sizeof(text), "{%s}", cases[i].beside);
        json_auto_t *beside = json_loads(text, 0, NULL);
        assert_non_null(beside);
        json_object_update(policy, beside);
        if (cases[i].rule)
            assert_denied(policy, "alice", args, NULL, cases[i].rule);
        else if (check(policy, "alice", NOW, args, NULL, &err))
            fail_msg("%s: %s", text, err.text);
    }
}

static void not_to_be_restarted_or_as_usual_needs_no_grant(void **state)
{
    static const char *const free[] = {"{\"image\":\"debian-ssh\",\"restart\":\"no\"}",
                                       "{\"image\":\"debian-ssh\",\"restart\":\"unless-stopped\"}"};
    json_auto_t *policy = granting("");
    struct error err = {0};
    (void)state;

    for (size_t i = 0; i < 2; i++)
        assert_int_equal(check(policy, "alice", NOW, free[i], NULL, &err), 0);
    assert_denied(policy, "alice", "{\"image\":\"debian-ssh\",\"restart\":\"on-failure\"}", NULL,
                  "defaults.restart");
}

static void ports_go_to_granted_addresses_only(void **state)
{
    static const char args[] = "{\"image\":\"debian-ssh\"}";
    json_auto_t *one = granting("\"addresses\":[\"10.0.0.2\"]");
    json_auto_t *all = granting("\"addresses\":[\"*\"]");
    struct error err = {0};
    (void)state;

    assert_int_equal(check(one, "alice", NOW, args, "10.0.0.2:80:80", &err), 0);
    assert_denied(one, "alice", args, "10.0.0.3:80:80", "defaults.addresses");
    assert_denied(one, "bob", args, "10.0.0.2:80:80", "defaults.addresses");
    assert_int_equal(check(all, "alice", NOW, args, "10.0.0.3:80:80", &err), 0);
    assert_int_equal(policy_check_address(one, "alice", NOW, "10.0.0.2", &err), 0);
    assert_int_equal(policy_check_address(one, "alice", NOW, "10.0.0.1", &err), -1);
    assert_int_equal(err.fault, FAULT_DENIED);
}

static void an_extra_number_adds_to_its_layer_and_never_takes_away(void **state)
{
    json_auto_t *policy = granting("\"containers\":3,\"life\":\"1d\",\"extra\":["
                                   "{\"containers\":2,\"memory\":{\"each\":\"2g\"}},"
                                   "{\"containers\":9,\"until\":\"2020-01-01T00:00:00Z\"},"
                                   "{\"life\":\"2d\"}]");
    struct policy_limits limits;
    (void)state;

    policy_limits(policy, "alice", NOW, &limits);
    assert_int_equal(limits.containers, 3);
    assert_int_equal(limits.memory.each, 2048 * MIB);
    assert_int_equal(limits.life, 2 * 86400);
    assert_string_equal(limits.life_rule, "users.alice.extra.2.life");
    policy_limits(policy, "bob", NOW, &limits);
    assert_int_equal(limits.life, 0);
}

static int check_life(const json_t *policy, const char *user, int seconds, struct error *err)
{
    json_auto_t *args = json_pack("{s:s, s:i}", "container", "web", "ttl", seconds);

    return policy_judge_life(policy, user, NOW, args, NULL, err);
}

static void
a_life_is_as_long_as_policy_says_and_without_a_word_of_it_as_long_as_one_likes(void **state)
{
    json_auto_t *policy = granting("\"life\":\"1h\"");
    struct error err = {0};
    (void)state;

    assert_int_equal(check_life(policy, "alice", 3600, &err), 0);
    assert_int_equal(check_life(policy, "alice", 3601, &err), -1);
    assert_int_equal(err.fault, FAULT_DENIED);
    assert_string_equal(err.rule, "users.alice.life");
    assert_int_equal(check_life(policy, "bob", 315360000, &err), 0);
    json_object_set_new(policy, "suspended", json_pack("[s]", "bob"));
    assert_int_equal(check_life(policy, "bob", 1, &err), -1);
    assert_string_equal(err.rule, "suspended");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_option_is_refused_without_a_grant_and_allowed_with_it),
        cmocka_unit_test(an_extra_grant_counts_until_it_ends_and_is_named_afterwards),
        cmocka_unit_test(with_verdicts_each_thing_asked_for_has_its_own),
        cmocka_unit_test(who_is_suspended_reads_all_the_other_verdicts_too),
        cmocka_unit_test(a_limit_that_has_ended_is_named_afterwards),
        cmocka_unit_test(more_than_was_granted_is_refused),
        cmocka_unit_test(no_mount_lies_in_one_that_somebody_may_write_to),
        cmocka_unit_test(not_to_be_restarted_or_as_usual_needs_no_grant),
        cmocka_unit_test(ports_go_to_granted_addresses_only),
        cmocka_unit_test(
            a_life_is_as_long_as_policy_says_and_without_a_word_of_it_as_long_as_one_likes),
        cmocka_unit_test(an_extra_number_adds_to_its_layer_and_never_takes_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
