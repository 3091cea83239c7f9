#include "schemas/policy_document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/auto.h"
#include "common/count.h"

/* last: its fail() is a macro */
#include <cmocka.h>

/* The example of docs/protocol.md. */
static const char example[] =
    "{\"v\":1,\n"
    " \"publishers\":{\"dcm-gate\":{\"users\":[\"*\"]}},\n"
    " \"defaults\":{\"images\":[\"debian-ssh\"]},\n"
    " \"groups\":{\"students\":{\"members\":[\"alice\"],\"containers\":4,\n"
    "     \"memory\":{\"usual\":\"512m\",\"each\":\"1g\",\"total\":\"2g\"},\n"
    "     \"cpus\":{\"usual\":\"0.5\",\"each\":\"1\",\"total\":\"2\"},\n"
    "     \"pids\":{\"usual\":256,\"each\":512,\"total\":1024},\n"
    "     \"ports\":[\"80\",\"8000-8999\",\"53/udp\"],\"addresses\":[\"10.0.0.2\"]}},\n"
    " \"users\":{\"alice\":{\"uid\":2001,\"containers\":8,\n"
    "     \"extra\":[{\"until\":\"2026-12-24T18:00:00+01:00\",\"reason\":\"thesis\","
    "\"memory\":{\"each\":\"16g\"}}]}}}\n";

static void check_accepted(const char *text)
{
    struct error err = {0};
    json_auto_t *policy = NULL;
    if (policy_document_decode(text, strlen(text), &policy, &err))
        fail_msg("%s is refused: %s", text, err.text);
    assert_true(json_is_object(policy));
}

static void check_refused(const char *text, const char *message)
{
    struct error err = {0};
    json_t *policy = NULL;
    if (!policy_document_decode(text, strlen(text), &policy, &err))
        fail_msg("%s is accepted", text);
    assert_int_equal(err.fault, FAULT_INVALID);
    if (strncmp(err.text, message, strlen(message)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", err.text, message);
    assert_null(policy);
}

static void the_example_is_a_policy(void **state)
{
    (void)state;
    check_accepted(example);
}

static void every_part_but_the_version_may_be_left_out(void **state)
{
    (void)state;
    check_accepted("{\"v\":1}");
    check_accepted("{\"v\":1,\"users\":{\"alice\":{}}}");
    check_refused("{}", "v: missing");
    check_refused("{\"v\":2}", "v: must be 1");
}

static void a_syntax_error_says_line_and_column(void **state)
{
    (void)state;
    check_refused("{\"v\":1,\n \"users\":{,}}", "2:11: ");
    check_refused("{\"v\":1,\n\"users\":{\"alice\":{},\n\"alice\":{}}}",
                  "3:7: duplicate object key");
    check_refused("", "1:0: ");
}

static void a_misspelt_part_is_refused_by_its_path(void **state)
{
    (void)state;
    check_refused("{\"v\":1,\"user\":{}}", "user: unknown field");
    check_refused("{\"v\":1,\"users\":{\"alice\":{\"image\":[]}}}",
                  "users.alice.image: unknown field");
    check_refused("{\"v\":1,\"groups\":{\"g\":{\"memory\":{\"max\":\"1g\"}}}}",
                  "groups.g.memory.max: unknown field");
    check_refused("{\"v\":1,\"defaults\":{\"uid\":2000}}", "defaults.uid: unknown field");
    check_refused("{\"v\":1,\"defaults\":{\"members\":[]}}", "defaults.members: unknown field");
    check_refused("{\"v\":1,\"users\":{\"alice\":{\"members\":[]}}}",
                  "users.alice.members: unknown");
    check_refused("{\"v\":1,\"groups\":{\"g\":{\"uid\":2000}}}", "groups.g.uid: unknown field");
}

static void names_follow_their_rules(void **state)
{
    (void)state;
    check_refused("{\"v\":1,\"users\":{\"Alice\":{}}}",
                  "users.Alice: the name must be a user name");
    check_refused("{\"v\":1,\"users\":{\"*\":{}}}", "users.*: the name must be");
    check_refused("{\"v\":1,\"groups\":{\"a b\":{}}}", "groups.a b: the name must be a group name");
    check_refused("{\"v\":1,\"publishers\":{\"a*\":{\"users\":[]}}}",
                  "publishers.a*: the name must be");
    check_refused("{\"v\":1,\"groups\":{\"g\":{\"members\":[\"*\"]}}}", "groups.g.members[0]: ");
}

static void only_a_publishers_users_can_be_everyone(void **state)
{
    (void)state;
    check_accepted("{\"v\":1,\"publishers\":{\"Batch.1\":{\"users\":[\"alice\",\"*\"]}}}");
    check_accepted("{\"v\":1,\"publishers\":{\"x\":{\"users\":[]}}}");
    check_refused("{\"v\":1,\"publishers\":{\"x\":{}}}", "publishers.x.users: missing");
    check_refused("{\"v\":1,\"publishers\":{\"x\":{\"users\":[\"a*\"]}}}",
                  "publishers.x.users[0]: ");
}

static void check_grant(const char *grant, const char *message)
{
    char text[256];
    snprintf(text, sizeof(text), "{\"v\":1,\"defaults\":{%s}}", grant);
    if (message)
        check_refused(text, message);
    else
        check_accepted(text);
}

static void sizes_have_no_more_digits_than_stay_below_2_to_53(void **state)
{
    static const char *const right[] = {
        "0", "1", "4m", "999999999999999", "999999999999k", "999999999m", "999999g", "999t"};
    static const char *const wrong[] = {
        "",   "m",    "1024t", "1000000g", "1000000000m", "1000000000000k", "1000000000000000",
        "1G", "1.5g", "1 g",   "1gb",      "-1",          "1g\\n"};
    char grant[96];
    (void)state;
    for (size_t i = 0; i < COUNT(right); i++) {
        snprintf(grant, sizeof(grant), "\"memory\":{\"each\":\"%s\"}", right[i]);
        check_grant(grant, NULL);
    }
    for (size_t i = 0; i < COUNT(wrong); i++) {
        snprintf(grant, sizeof(grant), "\"memory\":{\"each\":\"%s\"}", wrong[i]);
        check_grant(grant, "defaults.memory.each: must be a size");
    }
    check_grant("\"memory\":{\"each\":1073741824}", "defaults.memory.each: ");
}

static void grants_have_bounds(void **state)
{
    (void)state;
    check_grant("\"containers\":0", NULL);
    check_grant("\"containers\":-1", "defaults.containers: ");
    check_grant("\"containers\":true", "defaults.containers: ");
    check_grant("\"cpus\":{\"each\":\"1024\"}", NULL);
    check_grant("\"cpus\":{\"each\":\"1024.5\"}", "defaults.cpus.each: ");
    check_grant("\"cpus\":{\"each\":1}", "defaults.cpus.each: ");
    check_grant("\"pids\":{\"total\":4194304}", NULL);
    check_grant("\"pids\":{\"total\":4194305}", "defaults.pids.total: ");
    check_grant("\"ports\":[\"1-65535/udp\"]", NULL);
    check_grant("\"ports\":[\"80\",\"9000-8000\"]", "defaults.ports[1]: ");
    check_grant("\"images\":[\"debian-ssh:12\"]", NULL);
    check_grant("\"images\":[\"docker.io/debian\"]", "defaults.images[0]: ");
    check_grant("\"images\":[\"*\"]", "defaults.images[0]: ");
}

static void no_user_is_given_a_uid_of_the_system(void **state)
{
    (void)state;
    check_accepted("{\"v\":1,\"users\":{\"alice\":{\"uid\":1000}}}");
    check_accepted("{\"v\":1,\"users\":{\"alice\":{\"uid\":4294967294}}}");
    check_refused("{\"v\":1,\"users\":{\"alice\":{\"uid\":0}}}", "users.alice.uid: ");
    check_refused("{\"v\":1,\"users\":{\"alice\":{\"uid\":999}}}", "users.alice.uid: ");
    check_refused("{\"v\":1,\"users\":{\"alice\":{\"uid\":4294967295}}}", "users.alice.uid: ");
}

/* A file of its own with this content, which read_file removes again. */
static int read_file(const char *content, size_t length, json_t **ret_policy, struct error *err,
                     char path[32])
{
    snprintf(path, 32, "/tmp/dcm-policy-XXXXXX");
    AUTO(fd) int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, length), length);
    int failed = policy_document_read(path, ret_policy, err);
    unlink(path);
    return failed;
}

static void a_file_is_read(void **state)
{
    struct error err = {0};
    char path[32];
    json_auto_t *policy = NULL;
    (void)state;
    assert_int_equal(read_file(example, strlen(example), &policy, &err, path), 0);
    assert_true(json_is_object(json_object_get(policy, "groups")));
}

static void a_wrong_file_is_named(void **state)
{
    struct error err = {0};
    char path[32];
    char expected[64];
    json_t *policy = NULL;
    (void)state;
    assert_int_equal(read_file("{\"v\":7}", 7, &policy, &err, path), -1);
    snprintf(expected, sizeof(expected), "%s: v: must be 1", path);
    assert_string_equal(err.text, expected);
    assert_int_equal(err.fault, FAULT_INVALID);
    assert_null(policy);
}

static void a_file_that_cannot_be_read_is_another_kind_of_fault(void **state)
{
    struct error err = {0};
    json_t *policy = NULL;
    (void)state;
    assert_int_equal(policy_document_read("/nonexistent/policy.json", &policy, &err), -1);
    assert_int_equal(err.fault, FAULT_DEPENDENCY);
    assert_non_null(strstr(err.text, "/nonexistent/policy.json: No such file"));
    assert_int_equal(policy_document_read("/", &policy, &err), -1);
    assert_int_equal(err.fault, FAULT_DEPENDENCY);
}

static void a_file_may_be_4_mib_long_and_no_longer(void **state)
{
    struct error err = {0};
    char path[32];
    json_auto_t *policy = NULL;
    json_t *none = NULL;
    AUTO(string) char *content = malloc(POLICY_MAX_BYTES + 1);
    (void)state;
    assert_non_null(content);
    int used = snprintf(content, POLICY_MAX_BYTES, "{\"v\":1}");
    memset(content + used, ' ', POLICY_MAX_BYTES + 1 - (size_t)used);
    assert_int_equal(read_file(content, POLICY_MAX_BYTES, &policy, &err, path), 0);
    assert_int_equal(read_file(content, POLICY_MAX_BYTES + 1, &none, &err, path), -1);
    assert_non_null(strstr(err.text, "longer than 4194304 bytes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_a_policy),
        cmocka_unit_test(every_part_but_the_version_may_be_left_out),
        cmocka_unit_test(a_syntax_error_says_line_and_column),
        cmocka_unit_test(a_misspelt_part_is_refused_by_its_path),
        cmocka_unit_test(names_follow_their_rules),
        cmocka_unit_test(only_a_publishers_users_can_be_everyone),
        cmocka_unit_test(sizes_have_no_more_digits_than_stay_below_2_to_53),
        cmocka_unit_test(grants_have_bounds),
        cmocka_unit_test(no_user_is_given_a_uid_of_the_system),
        cmocka_unit_test(a_file_is_read),
        cmocka_unit_test(a_wrong_file_is_named),
        cmocka_unit_test(a_file_that_cannot_be_read_is_another_kind_of_fault),
        cmocka_unit_test(a_file_may_be_4_mib_long_and_no_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
