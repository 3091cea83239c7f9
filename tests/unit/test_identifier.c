#include "schemas/identifier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/count.h"
#include "schemas/units.h"

/* last: its fail() is a macro */
#include <cmocka.h>

static void a_new_id_is_valid_and_carries_the_time(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        char id[IDENTIFIER_SIZE];
        int64_t before = timestamp_now();
        identifier_new(id);
        int64_t after = timestamp_now();
        assert_true(identifier_is_valid(id));
        assert_in_range(identifier_milliseconds(id), before, after);
    }
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, IDENTIFIER_SIZE);
}

static void new_ids_do_not_repeat(void **state)
{
    static char ids[2000][IDENTIFIER_SIZE];
    (void)state;
    for (size_t i = 0; i < 2000; i++)
        identifier_new(ids[i]);
    qsort(ids, 2000, IDENTIFIER_SIZE, compare);
    for (size_t i = 1; i < 2000; i++)
        assert_string_not_equal(ids[i - 1], ids[i]);
}

/* RFC 9562, appendix A.6. */
static void the_example_of_the_rfc_is_read(void **state)
{
    (void)state;
    assert_true(identifier_is_valid("017f22e2-79b0-7cc3-98c4-dc0c0c07398f"));
    assert_true(identifier_milliseconds("017f22e2-79b0-7cc3-98c4-dc0c0c07398f") == 0x017f22e279b0);
}

static void the_whole_range_of_times_is_read(void **state)
{
    (void)state;
    assert_true(identifier_milliseconds("00000000-0000-7000-8000-000000000000") == 0);
    assert_true(identifier_milliseconds("ffffffff-ffff-7fff-bfff-ffffffffffff") == 0xffffffffffff);
}

static void other_texts_are_no_ids(void **state)
{
    static const char *const wrong[] = {
        NULL,
        "",
        "017f22e2-79b0-4cc3-98c4-dc0c0c07398f",   /* version 4 */
        "017f22e2-79b0-7cc3-c8c4-dc0c0c07398f",   /* another variant */
        "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",   /* capitals */
        "017f22e279b07cc398c4dc0c0c07398f",       /* no hyphens */
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",    /* too short */
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",  /* too long */
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f\n", /* a line */
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "017f22e2x79b0-7cc3-98c4-dc0c0c07398f",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_false(identifier_is_valid(wrong[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_id_is_valid_and_carries_the_time),
        cmocka_unit_test(new_ids_do_not_repeat),
        cmocka_unit_test(the_example_of_the_rfc_is_read),
        cmocka_unit_test(the_whole_range_of_times_is_read),
        cmocka_unit_test(other_texts_are_no_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
