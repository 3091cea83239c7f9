#include "schemas/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* last: it defines a macro fail() */

static void digest_of(const char *text, char ret_digest[DIGEST_SIZE])
{
    json_auto_t *document = json_loads(text, 0, NULL);
    assert_non_null(document);
    json_digest(document, ret_digest);
}

/* As `printf '{"v":1}' | sha256sum` has it. */
static void it_is_the_sha_256_of_the_compact_text(void **state)
{
    char digest[DIGEST_SIZE];
    (void)state;
    digest_of("{ \"v\" : 1 }", digest);
    assert_string_equal(digest, "afbf9d0f3560b0fd7795e81c42a0a79ee6b6fc67e064f77826aee642cad28d91");
}

static void order_and_spacing_do_not_count(void **state)
{
    char one[DIGEST_SIZE], other[DIGEST_SIZE];
    (void)state;
    digest_of("{\"v\":1,\"users\":{\"alice\":{},\"bob\":{}}}", one);
    digest_of("{\"users\": {\"bob\": {},\n \"alice\": {}}, \"v\": 1}", other);
    assert_string_equal(one, other);
}

static void whatever_differs_differs(void **state)
{
    char one[DIGEST_SIZE], other[DIGEST_SIZE];
    (void)state;
    digest_of("{\"v\":1,\"images\":[\"a\",\"b\"]}", one);
    digest_of("{\"v\":1,\"images\":[\"b\",\"a\"]}", other);
    assert_string_not_equal(one, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_sha_256_of_the_compact_text),
        cmocka_unit_test(order_and_spacing_do_not_count),
        cmocka_unit_test(whatever_differs_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
