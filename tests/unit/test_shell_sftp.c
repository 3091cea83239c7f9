#include "submitter/shell_sftp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define INIT "\0\0\0\x05\x01\0\0\0\x03"
#define VERSION "\0\0\0\x05\x02\0\0\0\x03"
#define REALPATH "\0\0\0\x0a\x10\0\0\0\x07\0\0\0\x01."
#define REFUSED "\0\0\0\x13\x65\0\0\0\x07\0\0\0\x03\0\0\0\x02no\0\0\0\0"

/* Texts with their NULs, without the last one. */
#define BYTES(text) (text), sizeof(text) - 1

static void assert_answer(const char *asked, size_t asked_length, const char *expected,
                          size_t expected_length)
{
    char copy[64];
    char *answer = NULL;
    size_t length = 0;

    memcpy(copy, asked, asked_length);
    FILE *in = fmemopen(copy, asked_length, "r");
    FILE *out = open_memstream(&answer, &length);
    sftp_refuse(in, out, "no");
    fclose(in);
    fclose(out);
    assert_int_equal(length, expected_length);
    assert_memory_equal(answer, expected, expected_length);
    free(answer);
}

static void a_client_is_greeted_and_then_refused_with_the_sentence(void **state)
{
    (void)state;
    assert_answer(BYTES(INIT REALPATH), BYTES(VERSION REFUSED));
    assert_answer(BYTES(INIT REALPATH REALPATH), BYTES(VERSION REFUSED REFUSED));
}

static void an_older_client_is_spoken_to_in_its_version(void **state)
{
    (void)state;
    assert_answer(BYTES("\0\0\0\x05\x01\0\0\0\x02"), BYTES("\0\0\0\x05\x02\0\0\0\x02"));
}

static void what_is_no_packet_ends_it(void **state)
{
    (void)state;
    assert_answer(BYTES(INIT "GET / HTTP/1.1"), BYTES(VERSION));
    assert_answer(BYTES(INIT "\0\0\0\x04\x10\0\0\0"), BYTES(VERSION)); /* too short for an id */
    assert_answer(BYTES(INIT "\xff\xff\xff\xff\x10\0\0\0\x01"), BYTES(VERSION));
    assert_answer(BYTES(INIT "\0\0\0\x0a\x10\0\0\0\x07\0"), BYTES(VERSION)); /* cut off */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_is_greeted_and_then_refused_with_the_sentence),
        cmocka_unit_test(an_older_client_is_spoken_to_in_its_version),
        cmocka_unit_test(what_is_no_packet_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
