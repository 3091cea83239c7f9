/* The policy's grants of single options, and those that end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "schemas/policy_document.h"
#include "worker/policy.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define MIB (INT64_C(1) << 20)
#define NOW INT64_C(1795478400000) /* 2026-11-24T00:00:00Z */

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

/* A policy under which everybody may have a container, and alice these grants. */
static json_t *granting(const char *grant)
{
    char text[1024];
    struct error err = {0};
    json_t *policy = NULL;

    snprintf(text, sizeof(text),
             "{\"v\":1,\"defaults\":{\"images\":[\"debian-ssh\"],\"containers\":1,"
             "\"memory\":{\"each\":\"1g\"},\"cpus\":{\"each\":\"1\"},\"pids\":{\"each\":9},"
             "\"ports\":[\"80\"]},\"users\":{\"alice\":{%s}}}",
             grant);
    if (policy_document_decode(text, strlen(text), &policy, &err))
        fail_msg("%s: %s", text, err.text);
    return policy;
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

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
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

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
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

    for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
        char args[256];
        json_auto_t *policy = granting(beyond[i].grant);
        snprintf(args, sizeof(args), "{\"image\":\"debian-ssh\",%s}", beyond[i].asked);
        assert_denied(policy, "alice", args, NULL, beyond[i].rule);
    }
}

static void not_to_be_restarted_needs_no_grant(void **state)
{
    json_auto_t *policy = granting("");
    struct error err = {0};
    (void)state;

    assert_int_equal(
        check(policy, "alice", NOW, "{\"image\":\"debian-ssh\",\"restart\":\"no\"}", NULL, &err),
        0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_option_is_refused_without_a_grant_and_allowed_with_it),
        cmocka_unit_test(an_extra_grant_counts_until_it_ends_and_is_named_afterwards),
        cmocka_unit_test(more_than_was_granted_is_refused),
        cmocka_unit_test(not_to_be_restarted_needs_no_grant),
        cmocka_unit_test(ports_go_to_granted_addresses_only),
        cmocka_unit_test(an_extra_number_adds_to_its_layer_and_never_takes_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
