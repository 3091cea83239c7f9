#include "worker/addresses.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/auto.h"
#include "common/count.h"

#include <cmocka.h> /* last: it defines a macro fail() */

static char *configured[] = {(char[]){"10.0.0.1"}, (char[]){"10.0.0.2"}, NULL};

/* What a worker with those two and a file of this content goes by, as one text; NULL: with *err. */
static char *read_with_file(const char *content, struct error *err)
{
    char path[] = "/tmp/dcm-addresses-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, content, strlen(content)), (ssize_t)strlen(content));
    close(file);
    struct worker_config config = {.addresses = configured, .address_file = path};
    char **addresses = NULL;
    int status = addresses_read(&config, &addresses, err);
    unlink(path);
    char *text = status == 0 ? addresses_text(addresses) : NULL;
    addresses_free(addresses);
    return text;
}

static void without_a_file_the_configuration_counts(void **state)
{
    struct worker_config config = {.addresses = configured, .address_file = "/nonexistent/file"};
    struct error err = {0};
    char **addresses = NULL;
    (void)state;
    assert_int_equal(addresses_read(&config, &addresses, &err), 0);
    AUTO(string) char *text = addresses_text(addresses);
    assert_string_equal(text, "10.0.0.1 10.0.0.2");
    addresses_free(addresses);
}

static void a_file_counts_instead(void **state)
{
    struct error err = {0};
    (void)state;
    AUTO(string) char *text = read_with_file("# ours\naddresses = 10.0.0.3 10.0.0.1\n", &err);
    assert_string_equal(text, "10.0.0.3 10.0.0.1");
}

static void a_faulty_file_is_named_and_nothing_falls_back(void **state)
{
    static const struct {
        const char *content;
        const char *named;
    } faults[] = {
        {"addresses = 10.0.0.256\n", "10.0.0.256"},
        {"addresses = 10.0.0.1 ::1\n", "::1"},
        {"addresses =\n", "addresses"},
        {"", "addresses"},
        {"server = lab1\n", "server"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(faults); i++) {
        struct error err = {0};
        assert_null(read_with_file(faults[i].content, &err));
        assert_int_equal(err.fault, FAULT_INVALID);
        assert_non_null(strstr(err.text, faults[i].named));
        assert_non_null(strstr(err.text, "/tmp/dcm-addresses-"));
    }
}

static void a_file_that_cannot_be_read_is_no_missing_one(void **state)
{
    struct worker_config config = {.addresses = configured, .address_file = "/"};
    struct error err = {0};
    char **addresses = NULL;
    (void)state;
    assert_int_equal(addresses_read(&config, &addresses, &err), -1);
    assert_null(addresses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_the_configuration_counts),
        cmocka_unit_test(a_file_counts_instead),
        cmocka_unit_test(a_faulty_file_is_named_and_nothing_falls_back),
        cmocka_unit_test(a_file_that_cannot_be_read_is_no_missing_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
