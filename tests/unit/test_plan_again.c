/* data/container.json is a container that Docker 20.10.24 made of a plan. It is made anew here. */
#include "worker/plan_again.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/members.h"
#include "tests/unit/usual_plan.h"

#include <cmocka.h> /* last: it defines a macro fail() */

static const struct ports ports = {.count = 1, .list = {{"127.0.0.1", 9090, 90, "tcp"}}};

struct fixture {
    json_t *image, *labels, *present;
    struct container_plan plan;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){
        .image = json_pack("{s:s, s:{s:{s:{}, s:{}}, s:{s:s, s:s}}}", "Id", "sha256:11", "Config",
                           "ExposedPorts", "80/tcp", "9999/tcp", "Labels", "dcm.kind", "changes",
                           "dcm.odd", "x"),
        .labels = json_pack("{s:s, s:s}", "dcm.kind", "container", "dcm.user", "alice"),
        .present = json_load_file(DCM_TEST_DATA "/container.json", 0, NULL),
    };
    fixture.plan = usual_plan;
    fixture.plan.image = fixture.image;
    fixture.plan.labels = fixture.labels;
    fixture.plan.ports = &ports;
    assert_non_null(fixture.image);
    assert_non_null(fixture.present);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    json_decref(fixture->image);
    json_decref(fixture->labels);
    json_decref(fixture->present);
    return 0;
}

/* What the engine would show of a container of this body: the present one with what changed. */
static json_t *made_of(const struct fixture *fixture, json_t *body)
{
    json_t *made = json_deep_copy(fixture->present);
    json_t *host = json_object_get(body, "HostConfig");
    json_t *config = json_object_get(made, "Config");
    const char *const changed[] = {"Image", "Labels", "ExposedPorts"};

    for (size_t i = 0; i < 3; i++)
        json_object_set(config, changed[i], json_object_get(body, changed[i]));
    json_object_set(made, "Image", json_object_get(body, "Image"));
    json_object_set(json_object_get(made, "HostConfig"), "PortBindings",
                    json_object_get(host, "PortBindings"));
    json_object_set(json_object_get(made, "NetworkSettings"), "Ports",
                    json_object_get(host, "PortBindings"));
    return made;
}

static void ports_image_and_labels_are_new_and_all_else_stays(void **state)
{
    const struct fixture *fixture = *state;
    json_t *body = plan_again_body(&fixture->plan, fixture->present);
    json_t *host = json_deep_copy(json_object_get(fixture->present, "HostConfig"));
    json_t *bindings = json_loads("{\"22/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"2635\"}],"
                                  "\"90/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"9090\"}]}",
                                  0, NULL);
    json_t *labels =
        json_pack("{s:s, s:s, s:s}", "dcm.kind", "container", "dcm.user", "alice", "dcm.odd", "");

    json_object_set_new(host, "PortBindings", bindings);
    assert_true(json_equal(json_object_get(body, "HostConfig"), host));
    assert_string_equal(text_at(body, "Image"), "sha256:11");
    assert_true(json_equal(json_object_get(body, "Labels"), labels));
    assert_int_equal(json_object_size(json_object_get(body, "ExposedPorts")), 4);
    const char *const kept[] = {"Env", "Entrypoint", "User", "Healthcheck", "StopSignal"};
    for (size_t i = 0; i < 5; i++)
        assert_true(
            json_equal(json_object_get(body, kept[i]),
                       json_object_get(json_object_get(fixture->present, "Config"), kept[i])));
    assert_null(json_object_get(body, "Hostname"));
    json_decref(labels);
    json_decref(host);
    json_decref(body);
}

static void the_bound_of_the_disk_is_the_policys_of_now(void **state)
{
    struct fixture *fixture = *state;
    struct container_plan plan = fixture->plan;
    json_t *before = json_deep_copy(fixture->present);
    json_object_set_new(json_object_get(before, "HostConfig"), "StorageOpt",
                        json_pack("{s:s}", "size", "1073741824"));
    json_t *unbounded = plan_again_body(&plan, before);
    plan.disk = 5LL << 30;
    json_t *bounded = plan_again_body(&plan, before);
    json_t *wanted = json_pack("{s:s}", "size", "5368709120");

    assert_null(json_object_get(json_object_get(unbounded, "HostConfig"), "StorageOpt"));
    assert_true(
        json_equal(json_object_get(json_object_get(bounded, "HostConfig"), "StorageOpt"), wanted));
    json_decref(wanted);
    json_decref(bounded);
    json_decref(unbounded);
    json_decref(before);
}

static void what_the_engine_makes_of_it_passes_and_a_difference_does_not(void **state)
{
    const struct fixture *fixture = *state;
    json_t *body = plan_again_body(&fixture->plan, fixture->present);
    json_t *made = made_of(fixture, body);
    struct error err = {0};

    if (plan_again_verify(&fixture->plan, fixture->present, made, &err))
        fail_msg("%s", err.text);
    assert_int_equal(plan_again_verify(&fixture->plan, fixture->present, fixture->present, &err),
                     -1);
    json_object_set_new(json_object_get(made, "HostConfig"), "Privileged", json_true());
    assert_int_equal(plan_again_verify(&fixture->plan, fixture->present, made, &err), -1);
    assert_int_equal(err.fault, FAULT_ENGINE);
    assert_non_null(strstr(err.text, "Privileged"));
    json_decref(made);
    json_decref(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ports_image_and_labels_are_new_and_all_else_stays, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_bound_of_the_disk_is_the_policys_of_now, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            what_the_engine_makes_of_it_passes_and_a_difference_does_not, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
