/* What a container has, as it is judged again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "common/auto.h"
#include "common/count.h"
#include "worker/granted.h"

#include <cmocka.h> /* last: it defines a macro fail() */

static json_t *container(const char *label)
{
    json_t *inspected =
        json_pack("{s:{s:{s:s}}, s:{s:I, s:I, s:i, s:i}}", "Config", "Labels", "dcm.user", "alice",
                  "HostConfig", "Memory", (json_int_t)(64 << 20), "NanoCpus",
                  (json_int_t)1500000000, "PidsLimit", 128, "ShmSize", 5);
    json_t *labels = json_object_get(json_object_get(inspected, "Config"), "Labels");

    assert_non_null(inspected);
    if (label)
        json_object_set_new(labels, "dcm.options", json_string(label));
    return inspected;
}

static void assert_args(const json_t *inspected, const char *expected)
{
    struct error err = {0};
    json_auto_t *args = NULL;
    json_auto_t *wanted = json_loads(expected, 0, NULL);

    if (granted_args(inspected, &args, &err))
        fail_msg("%s", err.text);
    assert_non_null(wanted);
    assert_true(json_equal(args, wanted));
}

static void limits_are_the_engines_and_options_the_labels(void **state)
{
    json_auto_t *with = container("{\"restart\":\"always\",\"shm_size\":1073741824}");
    json_auto_t *without = container(NULL);
    json_auto_t *overwritten = container("");
    (void)state;

    assert_args(with, "{\"memory\":67108864,\"millicpus\":1500,\"pids\":128,"
                      "\"restart\":\"always\",\"shm_size\":1073741824}");
    assert_args(without, "{\"memory\":67108864,\"millicpus\":1500,\"pids\":128}");
    assert_args(overwritten, "{\"memory\":67108864,\"millicpus\":1500,\"pids\":128}");
    assert_null(granted_text(without));
}

static void what_is_written_is_read_again(void **state)
{
    struct error err = {0};
    json_auto_t *options = json_pack("{s:i, s:s}", "shm_size", 1 << 20, "restart", "no");
    json_auto_t *none = json_object();
    AUTO(string) char *text = NULL;
    AUTO(string) char *nothing = NULL;
    (void)state;

    assert_int_equal(granted_write(options, &text, &err), 0);
    assert_string_equal(text, "{\"restart\":\"no\",\"shm_size\":1048576}");
    json_auto_t *inspected = container(text);
    assert_string_equal(granted_text(inspected), text);
    assert_args(inspected, "{\"memory\":67108864,\"millicpus\":1500,\"pids\":128,"
                           "\"restart\":\"no\",\"shm_size\":1048576}");
    assert_int_equal(granted_write(none, &nothing, &err), 0);
    assert_null(nothing);
}

static void what_cannot_be_judged_is_not_passed_over(void **state)
{
    static const char *const damaged[] = {"x", "[]", "{\"restart\":\"no\",\"privileged\":true}",
                                          "{\"memory\":1}",
                                          "{\"restart\":\"a\",\"restart\":\"b\"}"};
    (void)state;

    for (size_t i = 0; i < COUNT(damaged); i++) {
        struct error err = {0};
        json_t *args = NULL;
        json_auto_t *inspected = container(damaged[i]);
        assert_int_equal(granted_args(inspected, &args, &err), -1);
        assert_int_equal(err.fault, FAULT_INTERNAL);
        assert_null(args);
    }
    struct error err = {0};
    json_t *args = NULL;
    json_auto_t *inspected = container(NULL);
    json_object_del(json_object_get(inspected, "HostConfig"), "Memory");
    assert_int_equal(granted_args(inspected, &args, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_the_engines_and_options_the_labels),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(what_cannot_be_judged_is_not_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
