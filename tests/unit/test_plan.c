/*
 * data/image.json is an image that sets whatever an image can; data/container.json is what Docker
 * 20.10.24 made of it and of the plan below, started.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/count.h"
#include "common/members.h"
#include "tests/unit/usual_plan.h"

#include <cmocka.h> /* last: it defines a macro fail() */

static const struct ports ports = {.count = 3,
                                   .list = {{"127.0.0.1", 8080, 80, "tcp"},
                                            {"127.0.0.1", 5353, 53, "udp"},
                                            {"127.0.0.1", 8081, 80, "tcp"}}};

struct fixture {
    json_t *image;
    json_t *container;
    json_t *labels;
    struct container_plan plan;
};

static json_t *load(const char *path)
{
    json_t *value = json_load_file(path, 0, NULL);
    assert_non_null(value);
    return value;
}

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){
        .image = load(DCM_TEST_DATA "/image.json"),
        .container = load(DCM_TEST_DATA "/container.json"),
        .labels = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "dcm.v", "1", "dcm.kind", "container",
                            "dcm.user", "alice", "dcm.name", "container2635", "dcm.request",
                            "0193a1b2-0000-7000-8000-000000000001", "dcm.mac", "k1:00"),
    };
    fixture.plan = usual_plan;
    fixture.plan.image_id = text_at(fixture.image, "Id");
    fixture.plan.image = fixture.image;
    fixture.plan.labels = fixture.labels;
    fixture.plan.ports = &ports;
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    json_decref(fixture->image);
    json_decref(fixture->container);
    json_decref(fixture->labels);
    return 0;
}

/* Is this what stands at a path such as "HostConfig.LogConfig.Type"? */
static void assert_json(json_t *value, const char *path, const char *expected)
{
    json_t *wanted = json_loads(expected, JSON_DECODE_ANY, NULL);
    char name[64];

    assert_non_null(wanted);
    while (*path) {
        size_t length = strcspn(path, ".");
        snprintf(name, sizeof(name), "%.*s", (int)length, path);
        value = json_object_get(value, name);
        path += length + (path[length] == '.');
    }
    if (!json_equal(value, wanted))
        print_error("%s is not what follows\n", expected);
    assert_true(json_equal(value, wanted));
    json_decref(wanted);
}

static void the_body_overrides_everything_that_an_image_can_set(void **state)
{
    struct fixture *fixture = *state;
    json_t *body = plan_body(&fixture->plan);

    assert_json(body, "User", "\"0:0\"");
    assert_json(body, "Entrypoint", "[\"/usr/sbin/dcm-init\"]");
    assert_json(body, "Cmd", "[]");
    assert_json(body, "Healthcheck", "{\"Test\":[\"NONE\"]}");
    assert_json(body, "WorkingDir", "\"/\"");
    assert_json(body, "StopSignal", "\"SIGTERM\"");
    assert_json(body, "ExposedPorts",
                "{\"22/tcp\":{},\"80/tcp\":{},\"53/udp\":{},\"9999/tcp\":{}}");
    json_decref(body);
}

static void harmless_variables_of_the_image_stay_and_the_others_go(void **state)
{
    struct fixture *fixture = *state;
    json_t *body = plan_body(&fixture->plan);

    assert_json(body, "Env",
                "[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\","
                "\"DCM_USER=alice\",\"DCM_UID=2001\",\"NVIDIA_VISIBLE_DEVICES=void\","
                "\"LD_PRELOAD\",\"LANG=C.UTF-8\",\"GOOD=yes\",\"HOME\",\"BASH_ENV\",\"HOSTNAME\"]");
    json_decref(body);
}

static void a_variable_that_only_looks_like_a_withheld_one_stays(void **state)
{
    struct fixture *fixture = *state;
    json_t *env = json_object_get(json_object_get(fixture->image, "Config"), "Env");
    static const char tail[] = ",\"HOMEPAGE=x\",\"OLD_LD_=y\",\"EDITOR=vi\",\"PATHS=a=b\"";
    char expected[512];

    json_array_clear(env);
    json_array_append_new(env, json_string("HOMEPAGE=x"));
    json_array_append_new(env, json_string("OLD_LD_=y"));
    json_array_append_new(env, json_string("EDITOR=vi"));
    json_array_append_new(env, json_string("PATHS=a=b"));
    json_t *body = plan_body(&fixture->plan);
    snprintf(expected, sizeof(expected),
             "[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\","
             "\"DCM_USER=alice\",\"DCM_UID=2001\",\"NVIDIA_VISIBLE_DEVICES=void\"%s]",
             tail);
    assert_json(body, "Env", expected);
    json_decref(body);
}

static void labels_of_the_image_are_overwritten_with_nothing(void **state)
{
    struct fixture *fixture = *state;
    json_t *of_image = json_object_get(json_object_get(fixture->image, "Config"), "Labels");

    json_object_set_new(of_image, "dcm.owner", json_string("mallory"));
    json_t *body = plan_body(&fixture->plan);
    json_t *labels = json_object_get(body, "Labels");
    assert_string_equal(text_at(labels, "dcm.owner"), "");
    assert_string_equal(text_at(labels, "maintainer"), "");
    assert_string_equal(text_at(labels, "dcm.user"), "alice");
    json_decref(body);
}

static void the_limits_the_mounts_and_the_ports_are_the_plans(void **state)
{
    struct fixture *fixture = *state;
    json_t *body = plan_body(&fixture->plan);

    assert_json(body, "HostConfig.Memory", "536870912");
    assert_json(body, "HostConfig.MemorySwap", "536870912");
    assert_json(body, "HostConfig.NanoCpus", "500000000");
    assert_json(body, "HostConfig.PidsLimit", "256");
    assert_json(body, "HostConfig.StorageOpt", "null");
    struct container_plan bounded = fixture->plan;
    bounded.disk = 10LL << 30;
    json_t *other = plan_body(&bounded);
    assert_json(other, "HostConfig.StorageOpt", "{\"size\":\"10737418240\"}");
    json_decref(other);
    assert_json(body, "HostConfig.CapDrop", "[\"ALL\"]");
    assert_json(body, "HostConfig.NetworkMode", "\"dcm.alice\"");
    assert_json(body, "HostConfig.PortBindings",
                "{\"22/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"2635\"}],"
                "\"80/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"8080\"},"
                "{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"8081\"}],"
                "\"53/udp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"5353\"}]}");
    assert_json(json_array_get(json_object_get(json_object_get(body, "HostConfig"), "Mounts"), 2),
                "",
                "{\"Type\":\"bind\",\"Source\":\"/etc/dcm/keys/alice\",\"Target\":"
                "\"/etc/dcm/keys\",\"ReadOnly\":true,\"BindOptions\":{\"Propagation\":"
                "\"rprivate\"}}");
    json_decref(body);
}

static void what_cannot_be_overridden_is_refused(void **state)
{
    static const struct {
        const char *image;
        const char *because;
    } refused[] = {
        {"{\"Os\":\"linux\",\"Config\":{\"Volumes\":{\"/data\":{}}}}", "declares volumes"},
        {"{\"Os\":\"linux\",\"Config\":{\"OnBuild\":[\"RUN x\"]}}", "ONBUILD"},
        {"{\"Os\":\"windows\",\"Config\":{}}", "not one for Linux"},
        {"{\"Config\":{}}", "not one for Linux"},
    };
    struct fixture *fixture = *state;
    struct error err = {0};

    assert_int_equal(plan_check_image(fixture->image, &err), 0);
    for (size_t i = 0; i < COUNT(refused); i++) {
        json_t *image = json_loads(refused[i].image, 0, NULL);
        assert_int_equal(plan_check_image(image, &err), -1);
        assert_int_equal(err.fault, FAULT_DENIED);
        assert_non_null(strstr(err.text, refused[i].because));
        json_decref(image);
    }
}

static void what_the_engine_makes_of_the_body_passes(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};

    if (plan_verify(&fixture->plan, fixture->container, &err))
        fail_msg("%s", err.text);
}

/* Something else than it was. */
static json_t *tampered(json_t *value)
{
    if (json_is_boolean(value))
        return json_boolean(!json_is_true(value));
    if (json_is_integer(value))
        return json_integer(json_integer_value(value) + 1);
    if (json_is_string(value))
        return json_string("tampered");
    if (json_object_size(value) > 0)
        return json_pack("{s:s}", "tampered", "x");
    return json_pack("[s]", "tampered");
}

/* Each field of a section in turn is changed and then put back. */
static void assert_every_change_is_found(struct fixture *fixture, const char *section,
                                         const char *const *ignored)
{
    json_t *fields = json_object_get(fixture->container, section);
    json_t *untouched = json_deep_copy(fields);
    const char *name;
    json_t *value;
    size_t found = 0;

    json_object_foreach(untouched, name, value)
    {
        struct error err = {0};
        const char *const *row = ignored;
        while (*row && strcmp(*row, name) != 0)
            row++;
        if (*row)
            continue;
        json_object_set_new(fields, name, tampered(value));
        if (plan_verify(&fixture->plan, fixture->container, &err) == 0)
            fail_msg("a change of %s.%s went unnoticed", section, name);
        assert_int_equal(err.fault, FAULT_ENGINE);
        assert_non_null(strstr(err.text, name));
        json_object_set(fields, name, value);
        found++;
    }
    assert_true(found > 15);
    json_decref(untouched);
}

static void every_changed_field_of_the_container_is_found(void **state)
{
    static const char *const ignored[] = {"Hostname", NULL};

    assert_every_change_is_found(*state, "Config", ignored);
}

static void every_changed_field_of_its_host_side_is_found(void **state)
{
    /* These are the engine's defaults; that Masked and Readonly paths are there is tested below. */
    static const char *const ignored[] = {"Runtime", "ConsoleSize", "MaskedPaths", "ReadonlyPaths",
                                          NULL};

    assert_every_change_is_found(*state, "HostConfig", ignored);
}

/* Put a value at a path whose numbers are places in lists. */
static void put(json_t *root, const char *path, const char *text)
{
    char name[64];

    for (;;) {
        size_t length = strcspn(path, ".");
        snprintf(name, sizeof(name), "%.*s", (int)length, path);
        if (path[length] == '\0')
            break;
        root = json_is_array(root) ? json_array_get(root, (size_t)(name[0] - '0'))
                                   : json_object_get(root, name);
        assert_non_null(root);
        path += length + 1;
    }
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    assert_int_equal(json_is_array(root) ? json_array_insert_new(root, 0, value)
                                         : json_object_set_new(root, name, value),
                     0);
}

static void other_differences_are_found_too(void **state)
{
    static const struct {
        const char *path;
        const char *value;
    } changes[] = {
        {"Name", "\"/dcm.alice.other\""},
        {"Image", "\"sha256:0000\""},
        {"Mounts", "[]"},
        {"Mounts.0", "{\"Type\":\"bind\",\"Source\":\"/\",\"Destination\":\"/host\"}"},
        {"Mounts.0.Source", "\"/srv/dcm/bob/root\""},
        {"Mounts.0.Destination", "\"/mnt\""},
        {"Mounts.0.Propagation", "\"rshared\""},
        {"Mounts.2.RW", "true"},
        {"HostConfig.MaskedPaths", "[]"},
        {"HostConfig.ReadonlyPaths", "null"},
        {"HostConfig.NewInALaterEngine", "\"something\""},
        {"HostConfig.LogConfig.Config.max-size", "\"10g\""},
        {"HostConfig.LogConfig.Config.labels", "\"x\""},
        {"HostConfig.RestartPolicy.MaximumRetryCount", "1"},
        {"Config.Healthcheck.Test", "[\"CMD\",\"x\"]"},
        {"Config.Labels.maintainer", "\"me\""},
        {"Config.Labels.another", "\"\""},
        {"Config.ExposedPorts.7/tcp", "{}"},
        {"NetworkSettings.Networks", "{\"dcm.bob\":{}}"},
        {"NetworkSettings.Networks.bridge", "{}"},
        {"NetworkSettings.Ports", "{}"},
        {"NetworkSettings.Ports.22/tcp", "null"},
        {"NetworkSettings.Ports.9999/tcp", "[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"9999\"}]"},
        {"NetworkSettings.Ports.80/tcp.0", "{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"80\"}"},
        {"NetworkSettings.Ports.80/tcp.0.HostIp", "\"0.0.0.0\""},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < COUNT(changes); i++) {
        json_t *changed = json_deep_copy(fixture->container);
        struct error err = {0};
        put(changed, changes[i].path, changes[i].value);
        if (plan_verify(&fixture->plan, changed, &err) == 0)
            fail_msg("%s = %s went unnoticed", changes[i].path, changes[i].value);
        assert_int_equal(err.fault, FAULT_ENGINE);
        json_decref(changed);
    }
}

static void a_stopped_container_publishes_no_ports_and_passes(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};

    put(fixture->container, "State.Running", "false");
    put(fixture->container, "NetworkSettings.Ports", "{}");
    assert_int_equal(plan_verify(&fixture->plan, fixture->container, &err), 0);
}

static void an_empty_answer_is_a_difference(void **state)
{
    struct fixture *fixture = *state;
    json_t *empty = json_object();
    struct error err = {0};

    assert_int_equal(plan_verify(&fixture->plan, empty, &err), -1);
    assert_int_equal(err.fault, FAULT_ENGINE);
    json_decref(empty);
}

#define PLAN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAN_TEST(the_body_overrides_everything_that_an_image_can_set),
        PLAN_TEST(harmless_variables_of_the_image_stay_and_the_others_go),
        PLAN_TEST(a_variable_that_only_looks_like_a_withheld_one_stays),
        PLAN_TEST(labels_of_the_image_are_overwritten_with_nothing),
        PLAN_TEST(the_limits_the_mounts_and_the_ports_are_the_plans),
        PLAN_TEST(what_cannot_be_overridden_is_refused),
        PLAN_TEST(what_the_engine_makes_of_the_body_passes),
        PLAN_TEST(every_changed_field_of_the_container_is_found),
        PLAN_TEST(every_changed_field_of_its_host_side_is_found),
        PLAN_TEST(other_differences_are_found_too),
        PLAN_TEST(a_stopped_container_publishes_no_ports_and_passes),
        PLAN_TEST(an_empty_answer_is_a_difference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
