#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/count.h"
#include "schemas/policy_document.h"
#include "worker/policy.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define MIB (INT64_C(1) << 20)
#define NOW INT64_C(1795478400000) /* 2026-11-24T00:00:00Z */

static const char document[] =
    "{\"v\":1,"
    "\"publishers\":{\"dcm-gate\":{\"users\":[\"*\"]},\"slurm\":{\"users\":[\"bob\"]}},"
    "\"defaults\":{\"images\":[\"debian-ssh\"],\"containers\":1,"
    "  \"memory\":{\"usual\":\"256m\",\"each\":\"512m\",\"total\":\"1g\"}},"
    "\"groups\":{"
    "  \"students\":{\"members\":[\"alice\"],\"images\":[\"r-base:4.3\"],\"containers\":4,"
    "    \"memory\":{\"usual\":\"1g\",\"each\":\"1g\",\"total\":\"2g\"},"
    "    \"cpus\":{\"usual\":\"0.5\",\"each\":\"1\",\"total\":\"2\"},"
    "    \"pids\":{\"each\":512,\"total\":1024},\"ports\":[\"80\",\"8000-8999\",\"53/udp\"]},"
    "  \"staff\":{\"members\":[\"alice\",\"carol\"],\"containers\":2,"
    "    \"memory\":{\"each\":\"2g\",\"total\":\"1g\"}}},"
    "\"users\":{\"alice\":{\"uid\":2001,\"containers\":3,\"images\":[\"cuda:latest\"]},"
    "  \"dave\":{\"containers\":0},"
    "  \"erin\":{\"memory\":{\"each\":\"64m\"},\"cpus\":{\"each\":\"1\"},\"pids\":{\"each\":9}}}}";

static int set_up(void **state)
{
    struct error err = {0};
    json_t *policy = NULL;

    if (policy_document_decode(document, strlen(document), &policy, &err))
        fail_msg("%s", err.text);
    *state = policy;
    return 0;
}

static int tear_down(void **state)
{
    json_decref(*state);
    return 0;
}

/* Would alice, or whoever, be granted a container with these arguments and ports? */
static int check(const json_t *policy, const char *user, const char *args, const char *port,
                 struct policy_grant *ret_grant, struct error *err)
{
    struct ports ports = {0};
    json_t *parsed = json_loads(args, 0, NULL);

    assert_non_null(parsed);
    if (port)
        assert_int_equal(ports_parse(port, &ports, err), 0);
    int status = policy_check_create(policy, user, NOW, parsed, &ports, ret_grant, err);
    json_decref(parsed);
    return status;
}

static void assert_denied(const json_t *policy, const char *user, const char *args,
                          const char *port, const char *rule)
{
    struct policy_grant grant = {.memory = 42};
    struct error err = {0};

    assert_int_equal(check(policy, user, args, port, &grant, &err), -1);
    assert_int_equal(err.fault, FAULT_DENIED);
    assert_string_equal(err.rule, rule);
    assert_non_null(strstr(err.text, "ask the administrator"));
    assert_int_equal(grant.memory, 42);
}

static void a_publisher_speaks_only_for_the_users_it_lists(void **state)
{
    struct error err = {0};

    assert_int_equal(policy_check_publisher(*state, "dcm-gate", "alice", &err), 0);
    assert_int_equal(policy_check_publisher(*state, "slurm", "bob", &err), 0);
    assert_int_equal(policy_check_publisher(*state, "slurm", "alice", &err), -1);
    assert_int_equal(err.fault, FAULT_DENIED);
    assert_string_equal(err.rule, "publishers.slurm.users");
}

static void an_unknown_publisher_and_none_at_all_are_refused(void **state)
{
    struct error err = {0};

    assert_int_equal(policy_check_publisher(*state, "mallory", "alice", &err), -1);
    assert_int_equal(err.fault, FAULT_DENIED);
    assert_string_equal(err.rule, "publishers");
    assert_int_equal(policy_check_publisher(*state, "", "alice", &err), -1);
    assert_int_equal(err.fault, FAULT_DENIED);
    assert_non_null(strstr(err.text, "user-id"));
}

static void an_empty_policy_grants_nothing(void **state)
{
    json_t *empty = json_pack("{s:i}", "v", 1);
    struct policy_limits limits;
    struct error err = {0};
    (void)state;

    assert_int_equal(policy_check_publisher(empty, "dcm-gate", "alice", &err), -1);
    assert_int_equal(policy_check_image(empty, "alice", NOW, "debian-ssh", &err), -1);
    assert_denied(empty, "alice", "{\"image\":\"debian-ssh\"}", NULL, "defaults.containers");
    policy_limits(empty, "alice", NOW, &limits);
    assert_int_equal(limits.containers, 0);
    assert_int_equal(limits.memory.each, 0);
    assert_int_equal(limits.uid, 0);
    assert_string_equal(limits.memory.rule, "defaults.memory");
    json_decref(empty);
}

static void later_layers_replace_and_the_largest_group_counts(void **state)
{
    struct policy_limits limits;

    policy_limits(*state, "alice", NOW, &limits);
    assert_int_equal(limits.containers, 3); /* her own, though less than a group's */
    assert_string_equal(limits.containers_rule, "users.alice.containers");
    assert_int_equal(limits.memory.each, 2048 * MIB);  /* staff */
    assert_int_equal(limits.memory.total, 2048 * MIB); /* students */
    assert_int_equal(limits.memory.usual, 1024 * MIB);
    assert_string_equal(limits.memory.rule, "groups.students.memory");
    assert_int_equal(limits.millicpus.usual, 500);
    assert_int_equal(limits.uid, 2001);
}

static void a_group_does_not_count_for_those_outside_it(void **state)
{
    struct policy_limits limits;

    policy_limits(*state, "bob", NOW, &limits);
    assert_int_equal(limits.containers, 1);
    assert_string_equal(limits.containers_rule, "defaults.containers");
    assert_int_equal(limits.memory.total, 1024 * MIB);
    assert_int_equal(limits.millicpus.each, 0);
    assert_int_equal(limits.uid, 0);
}

static void who_names_no_limits_gets_the_usual(void **state)
{
    struct policy_grant grant;
    struct error err = {0};

    assert_int_equal(check(*state, "alice", "{\"image\":\"debian-ssh\"}", NULL, &grant, &err), 0);
    assert_int_equal(grant.memory, 1024 * MIB);
    assert_int_equal(grant.millicpus, 500);
    assert_int_equal(grant.pids, 512); /* no usual: each */
}

static void the_usual_is_never_more_than_what_each_may_have(void **state)
{
    struct policy_grant grant;
    struct error err = {0};

    assert_int_equal(check(*state, "erin", "{\"image\":\"debian-ssh\"}", NULL, &grant, &err), 0);
    assert_int_equal(grant.memory, 64 * MIB); /* usual is 256m in the defaults */
}

static void one_container_may_have_no_more_than_each(void **state)
{
    struct policy_grant grant;
    struct error err = {0};

    assert_int_equal(check(*state, "alice",
                           "{\"image\":\"debian-ssh\",\"memory\":2147483648,\"millicpus\":1000}",
                           NULL, &grant, &err),
                     0);
    assert_int_equal(grant.memory, 2048 * MIB);
    assert_int_equal(grant.millicpus, 1000);
    assert_denied(*state, "alice", "{\"image\":\"debian-ssh\",\"memory\":2147483649}", NULL,
                  "groups.staff.memory.each");
    assert_denied(*state, "alice", "{\"image\":\"debian-ssh\",\"millicpus\":1001}", NULL,
                  "groups.students.cpus.each");
    assert_denied(*state, "erin", "{\"image\":\"debian-ssh\",\"pids\":10}", NULL,
                  "users.erin.pids.each");
}

static void a_limit_that_nobody_grants_refuses(void **state)
{
    assert_denied(*state, "bob", "{\"image\":\"debian-ssh\"}", NULL, "defaults.cpus.each");
    assert_denied(*state, "dave", "{\"image\":\"debian-ssh\"}", NULL, "users.dave.containers");
}

static void images_add_up_over_the_layers(void **state)
{
    struct error err = {0};

    assert_int_equal(policy_check_image(*state, "alice", NOW, "debian-ssh", &err), 0);
    assert_int_equal(policy_check_image(*state, "alice", NOW, "r-base:4.3", &err), 0);
    assert_int_equal(policy_check_image(*state, "alice", NOW, "cuda", &err), 0);
    assert_int_equal(policy_check_image(*state, "bob", NOW, "cuda", &err), -1);
    assert_int_equal(err.fault, FAULT_DENIED);
    assert_string_equal(err.rule, "defaults.images");
}

static void the_tag_latest_is_implied_and_no_other(void **state)
{
    static const char *const others[] = {"debian-ssh:old", "debian-ssh:lates", "debian-ss",
                                         "debian-sshd",    "r-base",           "r-base:latest",
                                         "debian-ssh:",    "latest",           ""};
    struct error err = {0};

    assert_int_equal(policy_check_image(*state, "alice", NOW, "debian-ssh:latest", &err), 0);
    for (size_t i = 0; i < COUNT(others); i++)
        assert_int_equal(policy_check_image(*state, "alice", NOW, others[i], &err), -1);
}

static void images_of_ones_own_are_denied_unless_granted(void **state)
{
    json_auto_t *granting =
        json_loads("{\"v\":1,\"defaults\":{\"images_kept\":2},"
                   "\"users\":{\"alice\":{\"image_bytes\":\"1g\",\"images_kept\":5}}}",
                   0, NULL);
    struct policy_limits limits;

    policy_limits(*state, "alice", NOW, &limits);
    assert_int_equal(limits.images_kept, 0);
    assert_int_equal(limits.image_bytes, 0);
    policy_limits(granting, "alice", NOW, &limits);
    assert_int_equal(limits.images_kept, 5);
    assert_int_equal(limits.image_bytes, 1 << 30);
    assert_string_equal(limits.images_kept_rule, "users.alice.images_kept");
    policy_limits(granting, "bob", NOW, &limits);
    assert_int_equal(limits.images_kept, 2);
    assert_int_equal(limits.image_bytes, 0);
    assert_string_equal(limits.image_bytes_rule, "defaults.image_bytes");
}

/* Without a word of the policy there is no bound; a bound of nothing is one. */
static void disk_and_storage_are_open_until_a_layer_bounds_them(void **state)
{
    json_auto_t *bounding = json_loads(
        "{\"v\":1,\"defaults\":{\"storage\":\"1g\",\"disk\":\"2g\"},\"users\":{"
        "\"alice\":{\"storage\":\"0\",\"disk\":\"0\"},"
        "\"carol\":{\"extra\":[{\"storage\":\"3g\",\"until\":\"2026-11-24T00:00:01Z\"}]}}}",
        0, NULL);
    struct policy_limits limits;

    policy_limits(*state, "alice", NOW, &limits);
    assert_int_equal(limits.storage.most, INT64_MAX);
    assert_string_equal(limits.storage.rule, "defaults.storage");
    assert_int_equal(limits.disk, 0);
    policy_limits(bounding, "bob", NOW, &limits);
    assert_int_equal(limits.storage.most, 1024 * MIB);
    assert_int_equal(limits.disk, 2048 * MIB);
    policy_limits(bounding, "alice", NOW, &limits);
    assert_int_equal(limits.storage.most, 0);
    assert_string_equal(limits.storage.rule, "users.alice.storage");
    assert_int_equal(limits.disk, 4096); /* 0 would be no bound to an engine */
    policy_limits(bounding, "carol", NOW, &limits);
    assert_int_equal(limits.storage.most, 3072 * MIB);
    policy_limits(bounding, "carol", NOW + 1000, &limits);
    assert_int_equal(limits.storage.most, 1024 * MIB);
}

static void what_is_granted_can_be_listed(void **state)
{
    json_auto_t *alices = policy_images(*state, "alice", NOW);
    json_auto_t *everybodys = policy_images(*state, "*", NOW);
    json_auto_t *people = policy_people(*state);

    assert_int_equal(json_array_size(alices), 3);
    assert_int_equal(json_array_size(everybodys), 1);
    assert_string_equal(json_string_value(json_array_get(everybodys, 0)), "debian-ssh");
    assert_non_null(json_object_get(people, "alice"));
    assert_null(json_object_get(people, "*"));
}

static void an_image_id_is_no_granted_name(void **state)
{
    assert_denied(*state, "alice", "{\"image\":\"sha256:0123456789ab\"}", NULL, "defaults.images");
    assert_denied(*state, "alice", "{\"image\":\"0123456789ab\"}", NULL, "defaults.images");
}

static void every_port_has_to_be_granted_with_its_protocol(void **state)
{
    static const struct {
        const char *port;
        int status;
    } cases[] = {
        {"80:8080", 0},         {"8000:80", 0},          {"8999:80", 0},      {"53/udp", 0},
        {"8000-8002:80-82", 0}, {"7999:80", -1},         {"9000:80", -1},     {"80:80/udp", -1},
        {"53/tcp", -1},         {"8998-9000:80-82", -1}, {"8080:22/udp", -1},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct policy_grant grant;
        struct error err = {0};
        int status =
            check(*state, "alice", "{\"image\":\"debian-ssh\"}", cases[i].port, &grant, &err);
        if (status != cases[i].status)
            fail_msg("%s: %d %s", cases[i].port, status, err.text);
        if (status)
            assert_string_equal(err.rule, "defaults.ports");
    }
}

static void whoever_is_suspended_is_granted_nothing(void **state)
{
    struct policy_grant grant;
    struct error err = {0};

    json_object_set_new(*state, "suspended", json_pack("[s]", "alice"));
    assert_int_equal(check(*state, "alice", "{\"image\":\"debian-ssh\"}", NULL, &grant, &err), -1);
    assert_int_equal(err.fault, FAULT_DENIED);
    assert_string_equal(err.rule, "suspended");
    assert_int_equal(policy_check_image(*state, "alice", NOW, "debian-ssh", &err), -1);
    assert_int_equal(policy_check_image(*state, "bob", NOW, "debian-ssh", &err), 0);
}

static void an_extra_grant_of_a_group_is_its_members_alone(void **state)
{
    struct error err = {0};
    json_t *extra = json_loads("[{\"images\":[\"lab\"],\"reason\":\"course\"}]", 0, NULL);

    json_object_set_new(json_object_get(json_object_get(*state, "groups"), "staff"), "extra",
                        extra);
    assert_int_equal(policy_check_image(*state, "carol", NOW, "lab", &err), 0);
    assert_int_equal(policy_check_image(*state, "bob", NOW, "lab", &err), -1);
}

static void a_suspended_user_gets_nothing_for_images_of_his_own_either(void **state)
{
    struct policy_grant grant;
    struct error err = {0};

    json_object_set_new(*state, "suspended", json_pack("[s]", "alice"));
    assert_int_equal(check(*state, "alice", "{}", NULL, &grant, &err), -1);
    assert_string_equal(err.rule, "suspended");
}

#define POLICY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POLICY_TEST(a_publisher_speaks_only_for_the_users_it_lists),
        POLICY_TEST(an_unknown_publisher_and_none_at_all_are_refused),
        POLICY_TEST(an_empty_policy_grants_nothing),
        POLICY_TEST(later_layers_replace_and_the_largest_group_counts),
        POLICY_TEST(a_group_does_not_count_for_those_outside_it),
        POLICY_TEST(who_names_no_limits_gets_the_usual),
        POLICY_TEST(the_usual_is_never_more_than_what_each_may_have),
        POLICY_TEST(one_container_may_have_no_more_than_each),
        POLICY_TEST(a_limit_that_nobody_grants_refuses),
        POLICY_TEST(images_add_up_over_the_layers),
        POLICY_TEST(the_tag_latest_is_implied_and_no_other),
        POLICY_TEST(an_image_id_is_no_granted_name),
        POLICY_TEST(images_of_ones_own_are_denied_unless_granted),
        POLICY_TEST(what_is_granted_can_be_listed),
        POLICY_TEST(every_port_has_to_be_granted_with_its_protocol),
        POLICY_TEST(whoever_is_suspended_is_granted_nothing),
        POLICY_TEST(an_extra_grant_of_a_group_is_its_members_alone),
        POLICY_TEST(a_suspended_user_gets_nothing_for_images_of_his_own_either),
        POLICY_TEST(disk_and_storage_are_open_until_a_layer_bounds_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
