#include "schemas/fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/count.h"

static bool is_even(const char *text)
{
    return strlen(text) % 2 == 0;
}

static const char *const colours[] = {"red", "green", NULL};
static const struct field inner_fields[] = {
    {.name = "n", .kind = FIELD_INTEGER, .required = true, .least = -1, .most = 3},
};
static const struct shape inner_shape = {inner_fields, 1};
static const struct field inner_item = {.kind = FIELD_OBJECT, .shape = &inner_shape};
static const struct field even_item = {
    .kind = FIELD_TEXT, .well_formed = is_even, .expects = "even"};

static const struct field fields[] = {
    {.name = "id", .kind = FIELD_TEXT, .required = true, .least = 1, .most = 3},
    {.name = "even", .kind = FIELD_TEXT, .well_formed = is_even, .expects = "of even length"},
    {.name = "colour", .kind = FIELD_TEXT, .choices = colours},
    {.name = "one", .kind = FIELD_INTEGER, .least = 1, .most = 1},
    {.name = "big", .kind = FIELD_INTEGER, .least = 0, .most = INT64_MAX},
    {.name = "flag", .kind = FIELD_BOOLEAN, .nullable = true},
    {.name = "inner", .kind = FIELD_OBJECT, .shape = &inner_shape},
    {.name = "any", .kind = FIELD_OBJECT},
    {.name = "list", .kind = FIELD_LIST, .least = 1, .most = 2, .item = &inner_item},
    {.name = "map",
     .kind = FIELD_MAP,
     .most = 2,
     .key_well_formed = is_even,
     .expects = "even",
     .item = &even_item},
};
static const struct shape shape = SHAPE(fields);

static int check(const char *text, struct error *err)
{
    json_auto_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    return fields_check(value, &shape, "", err);
}

static void check_accepted(const char *text)
{
    struct error err = {0};
    if (check(text, &err))
        fail_msg("%s is refused: %s", text, err.text);
}

static void check_refused(const char *text, const char *message)
{
    struct error err = {0};
    if (!check(text, &err))
        fail_msg("%s is accepted", text);
    assert_string_equal(err.text, message);
    assert_int_equal(err.fault, FAULT_INVALID);
}

static void what_the_table_lists_is_accepted(void **state)
{
    (void)state;
    check_accepted("{\"id\":\"a\"}");
    check_accepted(
        "{\"id\":\"abc\",\"even\":\"ab\",\"colour\":\"green\",\"one\":1,"
        "\"big\":9223372036854775807,\"flag\":true,\"inner\":{\"n\":-1},\"any\":{\"x\":1},"
        "\"list\":[{\"n\":3},{\"n\":0}],\"map\":{\"ab\":\"\",\"\":\"cd\"}}");
}

static void only_what_may_be_null_may_be_null(void **state)
{
    (void)state;
    check_accepted("{\"id\":\"a\",\"flag\":null}");
    check_refused("{\"id\":null}", "id: must be text");
    check_refused("{\"id\":\"a\",\"inner\":null}", "inner: must be an object");
}

static void every_kind_refuses_the_others(void **state)
{
    (void)state;
    check_refused("[]", "the document must be an object");
    check_refused("{\"id\":1}", "id: must be text");
    check_refused("{\"id\":\"a\",\"even\":[]}", "even: must be of even length");
    check_refused("{\"id\":\"a\",\"colour\":true}", "colour: must be text");
    check_refused("{\"id\":\"a\",\"one\":true}", "one: must be a whole number");
    check_refused("{\"id\":\"a\",\"one\":1.0}", "one: must be a whole number");
    check_refused("{\"id\":\"a\",\"one\":\"1\"}", "one: must be a whole number");
    check_refused("{\"id\":\"a\",\"flag\":1}", "flag: must be true or false");
    check_refused("{\"id\":\"a\",\"inner\":[]}", "inner: must be an object");
    check_refused("{\"id\":\"a\",\"any\":[]}", "any: must be an object");
    check_refused("{\"id\":\"a\",\"list\":{}}", "list: must be a list");
    check_refused("{\"id\":\"a\",\"map\":[]}", "map: must be an object");
}

static void bounds_are_inclusive(void **state)
{
    (void)state;
    check_refused("{\"id\":\"\"}", "id: must be 1 to 3 characters long");
    check_refused("{\"id\":\"abcd\"}", "id: must be 1 to 3 characters long");
    check_refused("{\"id\":\"a\",\"one\":2}", "one: must be 1");
    check_refused("{\"id\":\"a\",\"big\":-1}",
                  "big: must be a whole number from 0 to 9223372036854775807");
    check_refused("{\"id\":\"a\",\"list\":[]}", "list: must be a list of 1 to 2 items");
    check_refused("{\"id\":\"a\",\"list\":[{\"n\":1},{\"n\":1},{\"n\":1}]}",
                  "list: must be a list of 1 to 2 items");
    check_refused("{\"id\":\"a\",\"map\":{\"ab\":\"\",\"cd\":\"\",\"ef\":\"\"}}",
                  "map: must have at most 2 members");
}

static void length_counts_characters_and_not_bytes(void **state)
{
    (void)state;
    check_accepted("{\"id\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb3\"}"); /* 2, 3 and 4 bytes */
    check_refused("{\"id\":\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\"}",
                  "id: must be 1 to 3 characters long");
}

static void a_message_names_the_field_by_its_path(void **state)
{
    (void)state;
    check_refused("{}", "id: missing");
    check_refused("{\"id\":\"a\",\"inner\":{}}", "inner.n: missing");
    check_refused("{\"id\":\"a\",\"inner\":{\"n\":1,\"m\":1}}", "inner.m: unknown field");
    check_refused("{\"id\":\"a\",\"list\":[{\"n\":1},{\"n\":4}]}",
                  "list[1].n: must be a whole number from -1 to 3");
    check_refused("{\"id\":\"a\",\"map\":{\"ab\":\"c\"}}", "map.ab: must be even, not \"c\"");
    check_refused("{\"id\":\"a\",\"map\":{\"abc\":\"\"}}", "map.abc: the name must be even");
    check_refused("{\"id\":\"a\",\"colour\":\"blue\"}", "colour: must be one of red, green");
    check_refused("{\"id\":\"a\",\"even\":\"abc\"}", "even: must be of even length, not \"abc\"");
}

static void an_unknown_field_is_named_before_the_missing_one_that_it_was_to_be(void **state)
{
    (void)state;
    check_refused("{\"Id\":\"a\"}", "Id: unknown field");
    check_refused("{\"\":1}", "\"\": unknown field");
}

static void a_path_can_have_a_prefix(void **state)
{
    struct error err = {0};
    json_auto_t *value = json_object();
    (void)state;
    assert_int_equal(fields_check(value, &shape, "containers[3]", &err), -1);
    assert_string_equal(err.text, "containers[3].id: missing");
}

static void a_name_of_any_length_makes_a_message(void **state)
{
    struct error err = {0};
    char name[5000];
    (void)state;
    memset(name, 'x', sizeof(name));
    json_auto_t *value = json_object();
    json_object_set_new(value, "id", json_string("a"));
    json_object_setn_new(value, name, sizeof(name), json_null());
    assert_int_equal(fields_check(value, &shape, "", &err), -1);
    assert_non_null(strstr(err.text, "xxx: unknown field"));
}

static int parse(const char *bytes, size_t length, size_t most, struct error *err)
{
    json_t *value = NULL;
    int failed = json_from_bytes(bytes, length, most, &value, err);
    assert_true(failed ? value == NULL : value != NULL); /* untouched on failure */
    json_decref(value);
    return failed;
}

static void bytes_need_no_nul_at_their_end(void **state)
{
    struct error err = {0};
    (void)state;
    assert_int_equal(parse("{\"a\":1}garbage", 7, 100, &err), 0);
    assert_int_equal(parse("{\"a\":1}", 7, 7, &err), 0);
}

static void too_many_bytes_are_not_even_parsed(void **state)
{
    struct error err = {0};
    (void)state;
    assert_int_equal(parse("{{{{{{{{", 8, 7, &err), -1);
    assert_string_equal(err.text, "longer than 7 bytes");
    assert_int_equal(err.fault, FAULT_INVALID);
}

static void ill_formed_text_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        const char *place;
    } wrong[] = {
        {"", 0, "1:0: "},
        {"{\n \"a\":x}", 9, "2:6: "},
        {"{\"a\":1,\"a\":2}", 13, "1:10: duplicate"},
        {"{\"a\":1}x", 8, "1:8: "},
        {"{\"a\":1}\0", 8, "1:8: "},
        {"{\"a\":\"b\0\"}", 10, "1:"},
        {"{\"a\":\"\\u0000\"}", 14, "1:13: "},
        {"{\"\\u0000\":1}", 12, "1:"},
        {"{\"a\":\"\xff\"}", 9, "1:"},
        {"{\"a\":1e999}", 11, "1:10: "},
        {"{\"a\":9223372036854775808}", 25, "1:24: "},
        {"1", 1, "1:1: "},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct error err = {0};
        if (!parse(wrong[i].text, wrong[i].length, 1000, &err))
            fail_msg("%s is accepted", wrong[i].text);
        assert_int_equal(err.fault, FAULT_INVALID);
        if (strncmp(err.text, wrong[i].place, strlen(wrong[i].place)) != 0)
            fail_msg("\"%s\" does not begin with \"%s\"", err.text, wrong[i].place);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_table_lists_is_accepted),
        cmocka_unit_test(only_what_may_be_null_may_be_null),
        cmocka_unit_test(every_kind_refuses_the_others),
        cmocka_unit_test(bounds_are_inclusive),
        cmocka_unit_test(length_counts_characters_and_not_bytes),
        cmocka_unit_test(a_message_names_the_field_by_its_path),
        cmocka_unit_test(an_unknown_field_is_named_before_the_missing_one_that_it_was_to_be),
        cmocka_unit_test(a_path_can_have_a_prefix),
        cmocka_unit_test(a_name_of_any_length_makes_a_message),
        cmocka_unit_test(bytes_need_no_nul_at_their_end),
        cmocka_unit_test(too_many_bytes_are_not_even_parsed),
        cmocka_unit_test(ill_formed_text_is_refused_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
