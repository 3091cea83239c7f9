#include "schemas/parked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "schemas/request.h"

/* last: its fail() is a macro */
#include <cmocka.h>

#define ID "0193a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"

/* Through text, as the broker passes it on. */
static json_t *pass(const struct parked *parked)
{
    struct error err = {0};
    json_t *decoded = NULL;
    AUTO(string) char *text = parked_encode(parked);
    assert_non_null(text);
    if (parked_decode(text, strlen(text), &decoded, &err))
        fail_msg("%s is refused: %s", text, err.text);
    return decoded;
}

static struct parked usual(const char *body, size_t length, const json_t *attempts)
{
    return (struct parked){.id = ID,
                           .server = "lcg50",
                           .publisher = "dcm-gate",
                           .reason = "a reason",
                           .body = body,
                           .length = length,
                           .bytes = length,
                           .attempts = attempts};
}

static void it_comes_back_as_it_was_parked(void **state)
{
    json_auto_t *attempts = json_array();
    (void)state;
    json_array_append_new(attempts, parked_attempt("lcg50", 1000, 2000, "killed"));
    json_array_append_new(attempts, parked_attempt("lcg50", 3000, 0, ""));
    struct parked parked = usual("{}", 2, attempts);
    json_auto_t *decoded = pass(&parked);
    assert_string_equal(text_at(decoded, "body"), "{}");
    const json_t *read = json_object_get(decoded, "attempts");
    assert_int_equal(json_array_size(read), 2);
    assert_string_equal(text_at(json_array_get(read, 0), "ended"), "1970-01-01T00:00:02.000Z");
    assert_null(json_object_get(json_array_get(read, 1), "ended"));
    assert_null(json_object_get(json_array_get(read, 1), "end"));
}

static void a_body_that_is_no_text_is_left_out(void **state)
{
    static const char *const bodies[] = {"\xff\xfe", "\x1b[2J", "\x01"};
    json_auto_t *none = json_array();
    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct parked parked = usual(bodies[i], strlen(bodies[i]), none);
        json_auto_t *decoded = pass(&parked);
        assert_true(json_is_null(json_object_get(decoded, "body")));
    }
    struct parked nul = usual("a\0b", 3, none), gone = usual(NULL, 0, none);
    json_auto_t *first = pass(&nul), *second = pass(&gone);
    assert_true(json_is_null(json_object_get(first, "body")));
    assert_true(json_is_null(json_object_get(second, "body")));
}

static void whatever_stands_in_it_it_can_be_parked(void **state)
{
    char body[REQUEST_MAX_BYTES];
    json_auto_t *attempts = json_array();
    (void)state;
    memset(body, '"', sizeof body);
    for (int i = 0; i < 1000; i++)
        json_array_append_new(attempts, parked_attempt("lcg50", i, i, "killed"));
    struct parked parked = usual(body, sizeof body, attempts);
    parked.publisher = "\xff";
    parked.reason = "";
    json_auto_t *decoded = pass(&parked);
    const json_t *kept = json_object_get(decoded, "attempts");
    assert_int_equal(json_array_size(kept), PARKED_ATTEMPTS_MOST);
    assert_string_equal(text_at(json_array_get(kept, PARKED_ATTEMPTS_MOST - 1), "begun"),
                        "1970-01-01T00:00:00.999Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_comes_back_as_it_was_parked),
        cmocka_unit_test(a_body_that_is_no_text_is_left_out),
        cmocka_unit_test(whatever_stands_in_it_it_can_be_parked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
