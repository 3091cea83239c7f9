#include "schemas/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/count.h"

/* Texts of which every one, or none, is to be well-formed. */
static void check_all(bool (*well_formed)(const char *), bool expected, const char *const *texts)
{
    for (; *texts; texts++)
        if (well_formed(*texts) != expected)
            fail_msg("\"%s\" is %swell-formed", *texts, expected ? "not " : "");
}
#define accepts(well_formed, ...)                                                                  \
    check_all(well_formed, true, (const char *const[]){__VA_ARGS__, NULL})
#define refuses(well_formed, ...)                                                                  \
    check_all(well_formed, false, (const char *const[]){__VA_ARGS__, "", " ", "\n", NULL})

#define HEX64 "6f55ae927db0776f269f12af4c7a205ba1f647f41854b8fd9f1fc328c90fade7"
#define FULL_ID "sha256:6f55ae927db0776f269f12af4c7a205ba1f647f41854b8fd9f1fc328c90fade7"

static void nothing_is_no_name(void **state)
{
    static bool (*const rules[])(const char *) = {
        name_is_user,      name_is_container, name_is_container_own,   name_is_container_reference,
        name_is_image,     name_is_image_id,  name_is_image_reference, name_is_server,
        name_is_engine_id, name_is_address,   name_is_publisher,
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rules); i++)
        assert_false(rules[i](NULL));
}

/* The longest name that begins with `beginning`, and one that is longer by one. */
static void check_most(bool (*well_formed)(const char *), const char *beginning, size_t most)
{
    char text[256] = "";
    size_t begun = (size_t)snprintf(text, sizeof(text), "%s", beginning);
    memset(text + begun, 'a', most - begun);
    assert_true(well_formed(text));
    text[most] = 'a';
    assert_false(well_formed(text));
}

static void each_name_has_a_greatest_length(void **state)
{
    (void)state;
    check_most(name_is_user, "", 31);
    check_most(name_is_container, "", 32);
    check_most(name_is_container_own, "container1", 32);
    check_most(name_is_container_reference, "", 32);
    check_most(name_is_image, "a/b/", 128);
    check_most(name_is_image, "a:", 128);
    check_most(name_is_image_id, "", 64);
    check_most(name_is_image_id, "sha256:", 71);
    check_most(name_is_server, "a.", 63);
    check_most(name_is_publisher, "", 63);
    check_most(name_is_engine_id, "", 64);
}

static void users_have_lower_case_names_with_single_separators(void **state)
{
    (void)state;
    accepts(name_is_user, "a", "alice", "a1", "a-b", "a_b-c1");
    refuses(name_is_user, "1a", "_a", "-a", "a-", "a_", "a--b", "a-_b", "Alice", "a.b", "a b",
            "a\n", "al\xc3\xa4", "*", "../a", "a/b", "a:b");
}

static void containers_begin_with_a_letter(void **state)
{
    (void)state;
    accepts(name_is_container, "a", "web-1.test_a", "container2635", "a..");
    refuses(name_is_container, "1a", ".a", "A", "a/b", "a\n", "a b");
}

static void container_with_a_number_is_reserved(void **state)
{
    (void)state;
    accepts(name_is_container_own, "container", "containers", "container1a", "container-1",
            "contain1");
    refuses(name_is_container_own, "container0", "container2635", "container65536999", "Web");
}

static void a_container_is_named_by_name_or_port(void **state)
{
    (void)state;
    accepts(name_is_container_reference, "web", "container2635", "1", "2635", "65535");
    refuses(name_is_container_reference, "0", "65536", "022", "99999", "100000", "+1", "-1", "1 ",
            "2635\n", "Web", HEX64);
}

static void images_have_a_path_and_perhaps_a_tag(void **state)
{
    (void)state;
    accepts(name_is_image, "debian", "debian:12", "tools/debian-ssh:12.4_b", "a/b/c", "a.b",
            "a.b:c", "tools/a.b", "12a", "2024/7", "a:_X", "localhost", "localhost:1", "sha256a:1");
    refuses(name_is_image, "Debian", "a//b", "/a", "a/", "a:", ":a", "a:b:c", "a:-b", "a__b",
            "a._b", "a.", "-a", "a@b", "a b", "a\n", "a:b\n", "../a", "a/../b", "a?b", "a#b",
            "a%2e");
}

static void images_name_no_registry(void **state)
{
    (void)state;
    refuses(name_is_image, "docker.io/library/debian", "localhost/debian", "localhost:5000/debian",
            "10.0.0.1/debian");
}

static void image_names_are_no_numbers_and_no_ids(void **state)
{
    (void)state;
    refuses(name_is_image, "1", "123456789012", "12:latest", "sha256", FULL_ID, "sha256:a");
    accepts(name_is_image_id, "6f55ae927db0", HEX64, FULL_ID, "123456789012");
    refuses(name_is_image_id, "6f55ae927db", "6F55AE927DB0", "sha256:", "sha512:6f55ae927db0",
            "sha256:6f55ae927db", "sha256:sha256:6f55ae927db0", "6f55ae927db0\n");
    accepts(name_is_image_reference, "debian", "6f55ae927db0", FULL_ID);
    refuses(name_is_image_reference, "1", "sha256:latest", "Debian");
}

static void servers_have_names_like_hosts(void **state)
{
    (void)state;
    accepts(name_is_server, "lcg50", "5", "a-b", "a--b", "a.b.c", "lcg50.example.org");
    refuses(name_is_server, "-a", "a-", "a-.b", "a.-b", ".a", "a.", "a..b", "A", "a_b", "a/b",
            "a\n");
}

static void engine_ids_are_whole(void **state)
{
    (void)state;
    accepts(name_is_engine_id, HEX64);
    refuses(name_is_engine_id, "6f55ae927db0", FULL_ID, "6f55ae927db0\n");
}

static void addresses_are_written_in_one_way(void **state)
{
    (void)state;
    accepts(name_is_address, "0.0.0.0", "10.0.0.1", "255.255.255.255");
    refuses(name_is_address, "10.0.1", "10.0.0.0.1", "10.0.0.256", "10.0.0.01", "10.0.0.1.",
            ".10.0.0.1", " 10.0.0.1", "10.0.0.1\n", "0x7f.0.0.1", "::1", "lcg50", "10..0.1");
}

static void publishers_are_accounts_of_the_broker(void **state)
{
    (void)state;
    accepts(name_is_publisher, "dcm-gate", "Batch.1", "9_x");
    refuses(name_is_publisher, "-a", "_a", ".a", "a b", "a/b", "a\n", "a*");
}

static void the_tag_latest_is_implied(void **state)
{
    (void)state;
    assert_int_equal(name_image_length("debian"), 6);
    assert_int_equal(name_image_length("debian:latest"), 6);
    assert_int_equal(name_image_length("debian:latest2"), 14);
    assert_int_equal(name_image_length("debian:12"), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_no_name),
        cmocka_unit_test(each_name_has_a_greatest_length),
        cmocka_unit_test(users_have_lower_case_names_with_single_separators),
        cmocka_unit_test(containers_begin_with_a_letter),
        cmocka_unit_test(container_with_a_number_is_reserved),
        cmocka_unit_test(a_container_is_named_by_name_or_port),
        cmocka_unit_test(images_have_a_path_and_perhaps_a_tag),
        cmocka_unit_test(images_name_no_registry),
        cmocka_unit_test(the_tag_latest_is_implied),
        cmocka_unit_test(image_names_are_no_numbers_and_no_ids),
        cmocka_unit_test(servers_have_names_like_hosts),
        cmocka_unit_test(engine_ids_are_whole),
        cmocka_unit_test(addresses_are_written_in_one_way),
        cmocka_unit_test(publishers_are_accounts_of_the_broker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
