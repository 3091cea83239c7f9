/* Files that the settings for TLS name. What a peer has to show: tests/integration/test_tls.py. */
#include "common/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char *const missing = "/nonexistent/file.pem";
static char *const plain[] = {"amqp://host", NULL};
static char *const no_pem = "/proc/self/status";

/* Refused, with the setting's name in front. */
static void assert_refused(struct tls_settings settings, const char *setting)
{
    struct error err = {0};

    assert_int_equal(tls_configure(&settings, plain, NULL, &err), -1);
    assert_int_equal(err.fault, FAULT_INVALID);
    assert_true(strncmp(err.text, setting, strlen(setting)) == 0);
}

static void without_settings_the_systems_authorities_count(void **state)
{
    struct tls_settings settings = {NULL, NULL, NULL};
    char *const brokers[] = {"amqp://one", "amqps://two", NULL};

    (void)state;
    assert_int_equal(tls_configure(&settings, plain, "redis://host", NULL), 0);
    assert_int_equal(tls_configure(&settings, plain, "rediss://host", NULL), 0);
    assert_int_equal(tls_configure(&settings, brokers, NULL, NULL), 0);
}

static void a_file_that_cannot_be_used_is_named_with_its_setting(void **state)
{
    (void)state;
    assert_refused((struct tls_settings){missing, NULL, NULL}, "tls_ca: /nonexistent/file.pem");
    assert_refused((struct tls_settings){no_pem, NULL, NULL}, "tls_ca: /proc/self/status");
    assert_refused((struct tls_settings){NULL, missing, missing}, "tls_certificate: /nonexistent");
    assert_refused((struct tls_settings){NULL, no_pem, no_pem}, "tls_certificate: /proc");
}

static void a_certificate_needs_its_key_and_a_key_its_certificate(void **state)
{
    (void)state;
    assert_refused((struct tls_settings){NULL, missing, NULL}, "tls_certificate and tls_key");
    assert_refused((struct tls_settings){NULL, NULL, missing}, "tls_certificate and tls_key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_settings_the_systems_authorities_count),
        cmocka_unit_test(a_file_that_cannot_be_used_is_named_with_its_setting),
        cmocka_unit_test(a_certificate_needs_its_key_and_a_key_its_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
