#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/count.h"
#include "common/members.h"
#include "worker/labels.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define ENGINE "ABCD:EFGH"

/* Read a keyring of these lines, in a file of this mode. */
static int read_keys(const char *lines, mode_t mode, struct keyring **ret_keyring,
                     struct error *err)
{
    char path[] = "/tmp/dcm-keyring-XXXXXX";
    int file = mkstemp(path);

    assert_true(file >= 0);
    assert_int_equal(write(file, lines, strlen(lines)), (ssize_t)strlen(lines));
    assert_int_equal(fchmod(file, mode), 0);
    close(file);
    int status = keyring_read(path, ret_keyring, err);
    unlink(path);
    return status;
}

static struct keyring *keys(const char *lines)
{
    struct keyring *keyring = NULL;
    struct error err = {0};

    if (read_keys(lines, 0600, &keyring, &err))
        fail_msg("%s", err.text);
    return keyring;
}

static const struct labels alices = {
    .kind = "container", .user = "alice", .name = "web", .request = "0193"};

static void what_is_signed_verifies(void **state)
{
    struct keyring *keyring = keys("k1:" KEY_A "\n");
    const struct labels anything = {0};
    const struct labels some = {.kind = "container", .name = "web"};
    json_t *labels = labels_sign(keyring, ENGINE, &alices);
    (void)state;

    assert_true(labels_verify(keyring, ENGINE, labels, &alices));
    assert_true(labels_verify(keyring, ENGINE, labels, &anything));
    assert_true(labels_verify(keyring, ENGINE, labels, &some));
    assert_string_equal(text_at(labels, "dcm.v"), "1");
    assert_string_equal(text_at(labels, "dcm.user"), "alice");
    json_decref(labels);
    keyring_free(keyring);
}

/* Computed with another implementation: Python's hmac over
 * "12:dcm labels 1,9:ABCD:EFGH,8:dcm.kind,9:container,…5:dcm.v,1:1,". */
static void the_mac_is_the_one_that_others_compute(void **state)
{
    struct keyring *keyring = keys("k1:" KEY_A "\n");
    json_t *labels = labels_sign(keyring, ENGINE, &alices);
    (void)state;

    assert_string_equal(text_at(labels, "dcm.mac"),
                        "k1:a2d8ca7bdd05c447c5c3f25c902d521059c6e5aa6af5bb10a888d1c9aceb7de7");
    json_decref(labels);
    keyring_free(keyring);
}

static void no_label_can_be_changed_added_or_left_out(void **state)
{
    static const struct {
        const char *name;
        const char *value; /* NULL: left out */
    } changes[] = {
        {"dcm.user", "bob"},  {"dcm.kind", "image"}, {"dcm.name", "web2"}, {"dcm.request", NULL},
        {"dcm.request", ""},  {"dcm.extra", "x"},    {"dcm.v", "2"},       {"dcm.v", NULL},
        {"dcm.mac", NULL},    {"dcm.mac", ""},       {"dcm.mac", "k1:"},   {"dcm.mac", "k1"},
        {"dcm.mac", "k2:00"}, {"dcm.mac", ":"},
    };
    struct keyring *keyring = keys("k1:" KEY_A "\n");
    const struct labels anything = {0};
    (void)state;

    for (size_t i = 0; i < COUNT(changes); i++) {
        json_t *labels = labels_sign(keyring, ENGINE, &alices);
        if (changes[i].value)
            json_object_set_new(labels, changes[i].name, json_string(changes[i].value));
        else
            json_object_del(labels, changes[i].name);
        if (labels_verify(keyring, ENGINE, labels, &anything))
            fail_msg("%s=%s verified", changes[i].name, changes[i].value);
        json_decref(labels);
    }
    keyring_free(keyring);
}

static void what_was_granted_is_signed_too(void **state)
{
    struct keyring *keyring = keys("k1:" KEY_A "\n");
    const struct labels granted = {
        .kind = "container", .user = "alice", .name = "web", .options = "{\"gpus\":1}"};
    const struct labels anything = {0};
    json_t *labels = labels_sign(keyring, ENGINE, &granted);
    (void)state;

    assert_true(labels_verify(keyring, ENGINE, labels, &granted));
    assert_string_equal(text_at(labels, "dcm.options"), "{\"gpus\":1}");
    json_object_set_new(labels, "dcm.options", json_string("{}"));
    assert_false(labels_verify(keyring, ENGINE, labels, &anything));
    json_object_del(labels, "dcm.options");
    assert_false(labels_verify(keyring, ENGINE, labels, &anything));
    json_decref(labels);
    keyring_free(keyring);
}

static void text_cannot_move_from_one_label_to_the_next(void **state)
{
    struct keyring *keyring = keys("k1:" KEY_A "\n");
    const struct labels anything = {0};
    const struct labels crafted = {.kind = "container", .user = "a,8:dcm.name,1:b"};
    const struct labels other = {.kind = "container", .user = "a", .name = "b"};
    json_t *labels = labels_sign(keyring, ENGINE, &crafted);
    json_t *wanted = labels_sign(keyring, ENGINE, &other);
    (void)state;

    json_object_set(wanted, "dcm.mac", json_object_get(labels, "dcm.mac"));
    assert_false(labels_verify(keyring, ENGINE, wanted, &anything));
    json_decref(labels);
    json_decref(wanted);
    keyring_free(keyring);
}

static void another_engine_proves_nothing(void **state)
{
    struct keyring *keyring = keys("k1:" KEY_A "\n");
    json_t *labels = labels_sign(keyring, ENGINE, &alices);
    (void)state;

    assert_false(labels_verify(keyring, "WXYZ", labels, &alices));
    json_decref(labels);
    keyring_free(keyring);
}

static void what_is_expected_has_to_be_there(void **state)
{
    struct keyring *keyring = keys("k1:" KEY_A "\n");
    const struct labels bobs = {.user = "bob"};
    const struct labels without_request = {.kind = "network", .user = "alice"};
    json_t *labels = labels_sign(keyring, ENGINE, &alices);
    json_t *network = labels_sign(keyring, ENGINE, &without_request);
    (void)state;

    assert_false(labels_verify(keyring, ENGINE, labels, &bobs));
    assert_true(labels_verify(keyring, ENGINE, network, &without_request));
    assert_false(labels_verify(keyring, ENGINE, network, &alices));
    assert_false(labels_verify(keyring, ENGINE, NULL, &bobs));
    json_decref(labels);
    json_decref(network);
    keyring_free(keyring);
}

static void labels_that_are_not_ours_or_empty_do_not_count(void **state)
{
    struct keyring *keyring = keys("k1:" KEY_A "\n");
    json_t *labels = labels_sign(keyring, ENGINE, &alices);
    (void)state;

    json_object_set_new(labels, "maintainer", json_string("somebody"));
    json_object_set_new(labels, "dcm", json_string("x"));
    json_object_set_new(labels, "dcm.owner", json_string("")); /* an image's, overwritten */
    assert_true(labels_verify(keyring, ENGINE, labels, &alices));
    json_decref(labels);
    keyring_free(keyring);
}

static void the_newest_key_signs_and_every_key_verifies(void **state)
{
    struct keyring *old = keys("k1:" KEY_A "\n");
    struct keyring *both = keys("# since spring\nk2:" KEY_B "\n\nk1:" KEY_A "\n");
    struct keyring *new = keys("k2:" KEY_B);
    json_t *by_old = labels_sign(old, ENGINE, &alices);
    json_t *by_both = labels_sign(both, ENGINE, &alices);
    (void)state;

    char *ids = keyring_ids(both);
    assert_string_equal(ids, "k2 k1");
    free(ids);
    assert_true(labels_verify(both, ENGINE, by_old, &alices));
    assert_true(labels_verify(new, ENGINE, by_both, &alices));
    assert_false(labels_verify(old, ENGINE, by_both, &alices));
    assert_false(labels_verify(new, ENGINE, by_old, &alices));
    json_decref(by_old);
    json_decref(by_both);
    keyring_free(old);
    keyring_free(both);
    keyring_free(new);
}

static void an_ill_formed_keyring_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *lines;
        const char *because;
    } refused[] = {
        {"", "holds no key"},
        {"# nothing\n", "holds no key"},
        {KEY_A "\n", ":1: expected"},
        {"K1:" KEY_A "\n", ":1: expected"},
        {"abcdefghijklmnopq:" KEY_A "\n", ":1: expected"},
        {"k1:0011\n", ":1: the key has to be"},
        {"k1:" KEY_A "0\n", ":1: the key is not pairs"},
        {"k1:" KEY_A " \n", ":1: the key is not pairs"},
        {"k1:" KEY_A "\nk1:" KEY_B "\n", ":2: a key with this id"},
        {"k1:" KEY_A KEY_A KEY_A KEY_A "00\n", ":1: the key has to be"},
        {"k1:" KEY_A KEY_A KEY_A KEY_A KEY_A "\n", ":1: the line is too long"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(refused); i++) {
        struct keyring *keyring = NULL;
        struct error err = {0};
        assert_int_equal(read_keys(refused[i].lines, 0600, &keyring, &err), -1);
        assert_null(keyring);
        assert_int_equal(err.fault, FAULT_INTERNAL);
        if (!strstr(err.text, refused[i].because))
            fail_msg("%s: expected %s", err.text, refused[i].because);
        assert_null(strstr(err.text, "0a0b0c")); /* no error quotes a key */
    }
}

static void a_keyring_that_others_can_read_is_refused(void **state)
{
    struct keyring *keyring = NULL;
    struct error err = {0};
    (void)state;

    assert_int_equal(read_keys("k1:" KEY_A "\n", 0640, &keyring, &err), -1);
    assert_int_equal(err.fault, FAULT_INTERNAL);
    assert_non_null(strstr(err.text, "chmod 600"));
    assert_int_equal(keyring_read("/nonexistent/keyring", &keyring, &err), -1);
    assert_int_equal(err.fault, FAULT_INTERNAL);
    assert_int_equal(keyring_read("/tmp", &keyring, &err), -1);
    assert_null(keyring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_verifies),
        cmocka_unit_test(the_mac_is_the_one_that_others_compute),
        cmocka_unit_test(no_label_can_be_changed_added_or_left_out),
        cmocka_unit_test(what_was_granted_is_signed_too),
        cmocka_unit_test(text_cannot_move_from_one_label_to_the_next),
        cmocka_unit_test(another_engine_proves_nothing),
        cmocka_unit_test(what_is_expected_has_to_be_there),
        cmocka_unit_test(labels_that_are_not_ours_or_empty_do_not_count),
        cmocka_unit_test(the_newest_key_signs_and_every_key_verifies),
        cmocka_unit_test(an_ill_formed_keyring_is_refused_with_its_line),
        cmocka_unit_test(a_keyring_that_others_can_read_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
