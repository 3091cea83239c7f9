#include "worker/verdicts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"

#include <cmocka.h> /* last: it defines a macro fail() */

static void without_verdicts_the_first_refusal_is_a_failure(void **state)
{
    struct error err = {.fault = FAULT_DENIED, .text = "no"};
    (void)state;

    assert_int_equal(verdict_allowed(NULL, "defaults.images", "image %s", "a"), 0);
    assert_int_equal(verdict_refused(NULL, &err, "image %s", "a"), -1);
}

static void with_verdicts_all_is_taken_down_in_order(void **state)
{
    struct error err = {.fault = FAULT_DENIED, .rule = "defaults.ports", .text = "not granted"};
    struct error missing = {.fault = FAULT_NOT_FOUND, .text = "there is none"};
    AUTO(verdicts) struct verdicts verdicts = {0};
    (void)state;

    verdicts_begin(&verdicts, false);
    assert_int_equal(verdict_allowed(&verdicts, "defaults.images", "image %s", "a"), 0);
    assert_int_equal(verdict_allowed(&verdicts, "", "container %s", "web"), 0);
    assert_false(verdicts.refused);
    assert_int_equal(verdict_refused(&verdicts, &err, "port %d", 80), 0);
    assert_int_equal(verdict_refused(&verdicts, &missing, "image b"), 0);
    verdict_heard("containers in all", "defaults.containers", NULL, &verdicts);
    verdict_heard("memory in all", "ignored", &err, &verdicts);
    assert_true(verdicts.refused);
    json_auto_t *expected = json_loads(
        "[{\"what\":\"image a\",\"allowed\":true,\"rule\":\"defaults.images\"},"
        "{\"what\":\"container web\",\"allowed\":true},"
        "{\"what\":\"port 80\",\"allowed\":false,\"rule\":\"defaults.ports\","
        "\"message\":\"not granted\"},"
        "{\"what\":\"image b\",\"allowed\":false,\"message\":\"there is none\"},"
        "{\"what\":\"containers in all\",\"allowed\":true,\"rule\":\"defaults.containers\"},"
        "{\"what\":\"memory in all\",\"allowed\":false,\"rule\":\"defaults.ports\","
        "\"message\":\"not granted\"}]",
        0, NULL);
    assert_true(json_equal(verdicts.list, expected));
}

static void an_outage_is_no_verdict(void **state)
{
    static const enum fault faults[] = {FAULT_DEPENDENCY, FAULT_INTERNAL};
    AUTO(verdicts) struct verdicts verdicts = {0};
    (void)state;

    verdicts_begin(&verdicts, false);
    for (size_t i = 0; i < COUNT(faults); i++) {
        struct error err = {.fault = faults[i], .text = "away"};
        assert_int_equal(verdict_refused(&verdicts, &err, "image a"), -1);
    }
    assert_int_equal(json_array_size(verdicts.list), 0);
    assert_false(verdicts.refused);
}

/* What has no room is counted, and a refusal among it still refuses. */
static void there_is_an_end_to_what_is_taken_down(void **state)
{
    char what[301];
    struct error err = {.fault = FAULT_DENIED, .text = "no"};
    AUTO(verdicts) struct verdicts verdicts = {0};
    size_t made = 0;
    (void)state;

    memset(what, 'x', sizeof(what) - 1);
    what[sizeof(what) - 1] = '\0';
    verdicts_begin(&verdicts, false);
    for (; verdicts.omitted == 0; made++)
        verdict_allowed(&verdicts, "r", "%s", what);
    assert_in_range(json_dumpb(verdicts.list, NULL, 0, JSON_COMPACT), VERDICTS_BYTES - 400,
                    VERDICTS_BYTES + 1);
    assert_int_equal(json_array_size(verdicts.list), made - 1);
    assert_false(verdicts.refused);
    verdict_refused(&verdicts, &err, "%s", what);
    assert_int_equal(verdicts.omitted, 2);
    assert_true(verdicts.refused);
}

static void a_real_request_ends_with_its_first_refusal_and_knows_what_allowed_the_rest(void **state)
{
    AUTO(verdicts) struct verdicts verdicts = {0};
    struct error err = {.fault = FAULT_DENIED, .text = "no", .rule = "defaults.ports"};
    (void)state;

    verdicts_begin(&verdicts, true);
    assert_int_equal(verdict_allowed(&verdicts, "defaults.images", "image %s", "a"), 0);
    assert_int_equal(verdict_refused(&verdicts, &err, "port %d", 80), -1);
    assert_false(verdicts.refused);
    assert_int_equal(json_array_size(verdicts.list), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_real_request_ends_with_its_first_refusal_and_knows_what_allowed_the_rest),
        cmocka_unit_test(without_verdicts_the_first_refusal_is_a_failure),
        cmocka_unit_test(with_verdicts_all_is_taken_down_in_order),
        cmocka_unit_test(an_outage_is_no_verdict),
        cmocka_unit_test(there_is_an_end_to_what_is_taken_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
