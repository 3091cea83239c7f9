/* What granted options make of a create body, and that the engine's container is held to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/count.h"
#include "common/members.h"
#include "tests/unit/usual_plan.h"

#include <cmocka.h> /* last: it defines a macro fail() */

struct fixture {
    json_t *image, *labels, *options;
    struct container_plan plan;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){
        .image = json_load_file(DCM_TEST_DATA "/image.json", 0, NULL),
        .labels = json_pack("{s:s, s:s}", "dcm.kind", "container", "dcm.user", "alice"),
    };
    fixture.plan = usual_plan;
    fixture.plan.image = fixture.image;
    fixture.plan.labels = fixture.labels;
    assert_non_null(fixture.image);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    json_decref(fixture->image);
    json_decref(fixture->labels);
    json_decref(fixture->options);
    return 0;
}

static json_t *body_with(struct fixture *fixture, const char *options)
{
    json_decref(fixture->options);
    fixture->options = json_loads(options, 0, NULL);
    assert_non_null(fixture->options);
    fixture->plan.options = fixture->options;
    json_t *body = plan_body(&fixture->plan);
    assert_non_null(body);
    return body;
}

#define USUAL_CAPABILITIES                                                                         \
    "\"CAP_AUDIT_WRITE\",\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\",\"CAP_FOWNER\",\"CAP_FSETID\","        \
    "\"CAP_KILL\",\"CAP_NET_BIND_SERVICE\",\"CAP_SETGID\",\"CAP_SETPCAP\",\"CAP_SETUID\","         \
    "\"CAP_SYS_CHROOT\""

#define BIND(source, target, read_only)                                                            \
    "{\"Type\":\"bind\",\"Source\":\"" source "\",\"Target\":\"" target                            \
    "\",\"ReadOnly\":" read_only ",\"BindOptions\":{\"Propagation\":\"rprivate\"}}"
#define USUAL_MOUNTS                                                                               \
    BIND("/srv/dcm/alice/root", "/root", "false")                                                  \
    "," BIND("/srv/dcm/alice/home", "/home/alice", "false") "," BIND("/etc/dcm/keys/alice",        \
                                                                     "/etc/dcm/keys", "true")

/* A field of HostConfig that some option decides: without that option, and with it. */
static const struct option {
    const char *field;
    const char *usual;
    const char *asked;
    const char *given;
} options[] = {
    {"CapAdd", "[" USUAL_CAPABILITIES "]", "{\"capabilities\":[\"NET_ADMIN\"]}",
     "[" USUAL_CAPABILITIES ",\"CAP_NET_ADMIN\"]"},
    {"Devices", "[]", "{\"devices\":[\"/dev/fuse\",\"/dev/net/tun\"]}",
     "[{\"PathOnHost\":\"/dev/fuse\",\"PathInContainer\":\"/dev/"
     "fuse\",\"CgroupPermissions\":\"rw\"},"
     "{\"PathOnHost\":\"/dev/net/tun\",\"PathInContainer\":\"/dev/net/tun\","
     "\"CgroupPermissions\":\"rw\"}]"},
    {"Mounts", "[" USUAL_MOUNTS "]",
     "{\"mounts\":[{\"source\":\"/data/a\",\"target\":\"/a\"},"
     "{\"source\":\"/data/b\",\"target\":\"/b\",\"read_only\":true}]}",
     "[" USUAL_MOUNTS "," BIND("/data/a", "/a", "false") "," BIND("/data/b", "/b", "true") "]"},
    {"ShmSize", "67108864", "{\"shm_size\":1073741824}", "1073741824"},
    {"RestartPolicy", "{\"Name\":\"unless-stopped\"}", "{\"restart\":\"on-failure\"}",
     "{\"Name\":\"on-failure\"}"},
    {"RestartPolicy", "{\"Name\":\"unless-stopped\"}", "{\"restart\":\"no\"}", "{\"Name\":\"no\"}"},
};

static void assert_host(json_t *body, const char *field, const char *expected)
{
    json_auto_t *wanted = json_loads(expected, JSON_DECODE_ANY, NULL);

    assert_non_null(wanted);
    if (!json_equal(json_object_get(json_object_get(body, "HostConfig"), field), wanted))
        fail_msg("%s is not %s", field, expected);
}

static void each_option_changes_its_field_and_no_other(void **state)
{
    for (size_t i = 0; i < COUNT(options); i++) {
        json_auto_t *without = body_with(*state, "{}");
        json_auto_t *with = body_with(*state, options[i].asked);
        assert_host(without, options[i].field, options[i].usual);
        assert_host(with, options[i].field, options[i].given);
        json_object_set(json_object_get(with, "HostConfig"), options[i].field,
                        json_object_get(json_object_get(without, "HostConfig"), options[i].field));
        assert_true(json_equal(with, without));
    }
}

static void assert_environment(struct fixture *fixture, const char *asked, const char *expected)
{
    json_auto_t *body = body_with(fixture, asked);
    json_auto_t *wanted = json_loads(expected, 0, NULL);

    assert_non_null(wanted);
    if (!json_equal(json_object_get(body, "Env"), wanted))
        fail_msg("%s does not make %s", asked, expected);
}

/* The image has LD_PRELOAD=…, LANG=C.UTF-8, GOOD=yes and others. */
static void variables_asked_for_come_before_the_images_and_are_named_to_the_init(void **state)
{
    assert_environment(*state, "{\"env\":{\"GOOD\":\"a=b\",\"TZ\":\"UTC\"}}",
                       "[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\","
                       "\"DCM_USER=alice\",\"DCM_UID=2001\",\"NVIDIA_VISIBLE_DEVICES=void\","
                       "\"GOOD=a=b\",\"TZ=UTC\",\"DCM_ENV=GOOD TZ\","
                       "\"LD_PRELOAD\",\"LANG=C.UTF-8\",\"HOME\",\"BASH_ENV\",\"HOSTNAME\"]");
}

/* And no image's, nor a user's: their names are reserved. */
static void the_engines_hook_is_told_of_as_many_gpus_as_are_granted(void **state)
{
    assert_environment(
        *state, "{\"gpus\":3}",
        "[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\","
        "\"DCM_USER=alice\",\"DCM_UID=2001\",\"NVIDIA_VISIBLE_DEVICES=0,1,2\","
        "\"LD_PRELOAD\",\"LANG=C.UTF-8\",\"GOOD=yes\",\"HOME\",\"BASH_ENV\",\"HOSTNAME\"]");
    struct fixture *fixture = *state;
    json_auto_t *most = body_with(fixture, "{\"gpus\":64}");
    const char *text = json_string_value(json_array_get(json_object_get(most, "Env"), 3));
    assert_string_equal(strrchr(text, ','), ",63");
}

static void gpus_are_asked_of_any_driver(void **state)
{
    json_auto_t *without = body_with(*state, "{}");
    json_auto_t *with = body_with(*state, "{\"gpus\":2}");

    assert_host(without, "DeviceRequests", "[]");
    assert_host(with, "DeviceRequests",
                "[{\"Driver\":\"\",\"Count\":2,\"Capabilities\":[[\"gpu\"]]}]");
}

static void a_variable_of_dcms_own_makes_no_body(void **state)
{
    struct fixture *fixture = *state;

    fixture->options = json_loads("{\"env\":{\"DCM_USER\":\"bob\"}}", 0, NULL);
    fixture->plan.options = fixture->options;
    assert_null(plan_body(&fixture->plan));
}

/* The container that an engine would make of this body. */
static json_t *made_of(const struct fixture *fixture, json_t *body)
{
    json_t *config = json_copy(body);
    json_t *mounts = json_array();
    size_t i;
    json_t *mount;

    json_object_set_new(config, "Hostname", json_string("0123456789ab"));
    json_array_foreach(json_object_get(json_object_get(body, "HostConfig"), "Mounts"), i, mount)
    {
        json_array_append_new(mounts,
                              json_pack("{s:s, s:O, s:O, s:b, s:s}", "Type", "bind", "Source",
                                        json_object_get(mount, "Source"), "Destination",
                                        json_object_get(mount, "Target"), "RW",
                                        !flag_at(mount, "ReadOnly"), "Propagation", "rprivate"));
    }
    json_t *host = json_deep_copy(json_object_get(body, "HostConfig"));
    json_object_set_new(host, "MaskedPaths", json_pack("[s]", "/proc/kcore"));
    json_object_set_new(host, "ReadonlyPaths", json_pack("[s]", "/proc/sys"));
    return json_pack("{s:s+++, s:s, s:o, s:o, s:o, s:{s:{s:{}}, s:O}, s:{s:b}}", "Name", "/dcm.",
                     fixture->plan.user, ".", fixture->plan.name, "Image", fixture->plan.image_id,
                     "Mounts", mounts, "Config", config, "HostConfig", host, "NetworkSettings",
                     "Networks", fixture->plan.network, "Ports",
                     json_object_get(host, "PortBindings"), "State", "Running", 1);
}

/* With the option planned but not made, and made but not planned. */
static void an_option_more_or_less_is_found(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < COUNT(options); i++) {
        struct error err = {0};
        json_auto_t *without = body_with(fixture, "{}");
        json_auto_t *made_without = made_of(fixture, without);
        if (plan_verify(&fixture->plan, made_without, &err))
            fail_msg("%s", err.text);
        json_auto_t *with = body_with(fixture, options[i].asked);
        json_auto_t *made_with = made_of(fixture, with);
        if (plan_verify(&fixture->plan, made_with, &err))
            fail_msg("%s: %s", options[i].asked, err.text);
        assert_int_equal(plan_verify(&fixture->plan, made_without, &err), -1);
        assert_int_equal(err.fault, FAULT_ENGINE);
        json_decref(body_with(fixture, "{}")); /* the plan without it */
        assert_int_equal(plan_verify(&fixture->plan, made_with, &err), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_option_changes_its_field_and_no_other, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            variables_asked_for_come_before_the_images_and_are_named_to_the_init, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(the_engines_hook_is_told_of_as_many_gpus_as_are_granted,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(gpus_are_asked_of_any_driver, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_variable_of_dcms_own_makes_no_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_option_more_or_less_is_found, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
