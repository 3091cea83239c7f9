#include "schemas/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/count.h"

typedef int parser(const char *text, int64_t *ret_value, struct error *err);

static void check_value(parser *parse, const char *text, int64_t expected)
{
    struct error err = {0};
    int64_t value = -1;
    if (parse(text, &value, &err))
        fail_msg("\"%s\" is refused: %s", text, err.text);
    if (value != expected)
        fail_msg("\"%s\" is %lld", text, (long long)value);
}

static void check_refusal(parser *parse, const char *text)
{
    struct error err = {0};
    int64_t value = -42;
    if (!parse(text, &value, &err))
        fail_msg("\"%s\" is accepted", text);
    assert_int_equal(err.fault, FAULT_INVALID);
    assert_int_equal(value, -42); /* untouched */
}

static void refuse_all(parser *parse, const char *const *texts)
{
    for (; *texts; texts++)
        check_refusal(parse, *texts);
}
#define refuses(parse, ...) refuse_all(parse, (const char *const[]){__VA_ARGS__, NULL})

static void durations_have_a_unit(void **state)
{
    (void)state;
    check_value(duration_parse, "0s", 0);
    check_value(duration_parse, "30s", 30);
    check_value(duration_parse, "10m", 600);
    check_value(duration_parse, "8h", 28800);
    check_value(duration_parse, "007d", 604800);
    check_value(duration_parse, "3650d", 315360000);
    check_value(duration_parse, "315360000s", 315360000);
    refuses(duration_parse, "", "10", "s", "1w", "1M", "1 h", " 1h", "1h ", "1h30m", "-1s", "+1s",
            "1.5h", "3651d", "315360001s", "99999999999999999999d", "18446744073709551616s");
}

static void sizes_are_powers_of_1024(void **state)
{
    (void)state;
    check_value(size_parse, "0", 0);
    check_value(size_parse, "1", 1);
    check_value(size_parse, "1k", 1024);
    check_value(size_parse, "512m", 536870912);
    check_value(size_parse, "2g", INT64_C(2) << 30);
    check_value(size_parse, "8192t", INT64_C(1) << 53);
    check_value(size_parse, "9007199254740992", INT64_C(1) << 53);
    refuses(size_parse, "", "m", "512M", "512mb", "512mib", "1.5g", "-1", "+1", " 1", "1 ", "1\n",
            "0x10", "8193t", "9007199254740993", "9223372036854775808", "18446744073709551617");
}

static void processors_have_at_most_three_places(void **state)
{
    (void)state;
    check_value(cpus_parse, "0", 0);
    check_value(cpus_parse, "0.5", 500);
    check_value(cpus_parse, "0.05", 50);
    check_value(cpus_parse, "0.001", 1);
    check_value(cpus_parse, "2", 2000);
    check_value(cpus_parse, "1.25", 1250);
    check_value(cpus_parse, "1024", 1024000);
    check_value(cpus_parse, "1024.000", 1024000);
    refuses(cpus_parse, "", ".", ".5", "1.", "0.0001", "01", "00.5", "0,5", "1e3", "-1", "+1", " 1",
            "1 ", "1.5x", "1024.001", "1025", "10000", "99999999999999999999");
}

static void check_timestamp(const char *text, int64_t expected)
{
    char again[TIMESTAMP_SIZE];
    check_value(timestamp_parse, text, expected);
    assert_true(timestamp_is_valid(text));
    timestamp_format(expected, again);
    assert_string_equal(again, text);
}

static void timestamps_come_back_the_same(void **state)
{
    (void)state;
    check_timestamp("1970-01-01T00:00:00.000Z", 0);
    check_timestamp("2001-09-09T01:46:40.000Z", INT64_C(1000000000000));
    check_timestamp("2028-02-29T23:59:59.999Z", INT64_C(1835481599999));
    check_timestamp("9999-12-31T23:59:59.999Z", INT64_C(253402300799999));
}

static void a_time_that_does_not_exist_is_refused(void **state)
{
    (void)state;
    refuses(timestamp_parse, "", "2026-02-29T00:00:00.000Z", "2100-02-29T00:00:00.000Z",
            "2026-04-31T00:00:00.000Z", "2026-13-01T00:00:00.000Z", "2026-00-01T00:00:00.000Z",
            "2026-01-00T00:00:00.000Z", "2026-01-01T24:00:00.000Z", "2026-01-01T00:60:00.000Z",
            "2026-12-31T23:59:60.000Z", "1969-12-31T23:59:59.999Z", "0000-01-01T00:00:00.000Z");
}

static void other_ways_to_write_a_time_are_refused(void **state)
{
    (void)state;
    refuses(timestamp_parse, "2026-11-23T21:00:00Z", "2026-11-23T21:00:00.123456Z",
            "2026-11-23T21:00:00.123+00:00", "2026-11-23t21:00:00.123z", "2026-11-23 21:00:00.123Z",
            "2026-11-23T21:00:00.123Z\n", " 2026-11-23T21:00:00.123Z", "+026-11-23T21:00:00.123Z");
    assert_false(timestamp_is_valid(NULL));
}

static void a_time_out_of_range_is_written_as_the_nearest(void **state)
{
    char text[TIMESTAMP_SIZE];
    (void)state;
    timestamp_format(INT64_MIN, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    timestamp_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

static void now_is_after_this_was_written(void **state)
{
    (void)state;
    assert_true(timestamp_now() > INT64_C(1700000000000));
    assert_true(timestamp_now() < INT64_C(253402300799999));
}

static void check_duration(int64_t seconds, const char *expected)
{
    char text[24];
    duration_format(seconds, text, sizeof(text));
    assert_string_equal(text, expected);
}

static void durations_are_shown_in_the_largest_whole_unit(void **state)
{
    (void)state;
    check_duration(-5, "0s");
    check_duration(0, "0s");
    check_duration(59, "59s");
    check_duration(60, "1m");
    check_duration(3599, "59m");
    check_duration(10801, "3h");
    check_duration(172800, "2d");
    check_duration(INT64_MAX, "106751991167300d");
}

static void what_is_written_reads_as_the_same_number(void **state)
{
    static const struct {
        int64_t number;
        const char *size, *cpus;
    } rows[] = {
        {0, "0", "0"},
        {1, "1", "0.001"},
        {10, "10", "0.01"},
        {500, "500", "0.5"},
        {1000, "1000", "1"},
        {1024, "1k", "1.024"},
        {1024000, "1000k", "1024"},
        {1610612736, "1536m", NULL},
        {INT64_C(4) << 30, "4g", NULL},
        {INT64_C(1) << 53, "8192t", NULL},
    };
    char text[24];
    int64_t number = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_format(rows[i].number, text, sizeof(text));
        assert_string_equal(text, rows[i].size);
        assert_int_equal(size_parse(text, &number, NULL), 0);
        assert_int_equal(number, rows[i].number);
        if (!rows[i].cpus)
            continue;
        cpus_format(rows[i].number, text, sizeof(text));
        assert_string_equal(text, rows[i].cpus);
        assert_int_equal(cpus_parse(text, &number, NULL), 0);
        assert_int_equal(number, rows[i].number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_have_a_unit),
        cmocka_unit_test(sizes_are_powers_of_1024),
        cmocka_unit_test(processors_have_at_most_three_places),
        cmocka_unit_test(timestamps_come_back_the_same),
        cmocka_unit_test(a_time_that_does_not_exist_is_refused),
        cmocka_unit_test(other_ways_to_write_a_time_are_refused),
        cmocka_unit_test(a_time_out_of_range_is_written_as_the_nearest),
        cmocka_unit_test(now_is_after_this_was_written),
        cmocka_unit_test(durations_are_shown_in_the_largest_whole_unit),
        cmocka_unit_test(what_is_written_reads_as_the_same_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
