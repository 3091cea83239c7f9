#include "schemas/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"

/* last: its fail() is a macro */
#include <cmocka.h>

#define ID "0193a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"

/* Through text, as the store passes it on. */
static json_t *pass(json_t *event)
{
    struct error err = {0};
    json_t *decoded = NULL;
    AUTO(string) char *text = json_dumps(event, JSON_COMPACT);
    assert_non_null(text);
    assert_true(strlen(text) <= EVENT_MAX_BYTES);
    if (event_decode(text, &decoded, &err))
        fail_msg("%s is refused: %s", text, err.text);
    json_decref(event);
    return decoded;
}

static void progress_says_its_phase(void **state)
{
    (void)state;
    for (int i = 0; i < PHASE_COUNT; i++) {
        AUTO(string) char *text = event_progress(ID, (enum phase)i);
        json_auto_t *event = pass(json_loads(text, 0, NULL));
        assert_string_equal(text_at(event, "kind"), "progress");
        assert_string_equal(text_at(event, "request"), ID);
        assert_string_equal(text_at(event, "phase"), phase_name((enum phase)i));
    }
    assert_string_equal(phase_name(PHASE_CREATING), "creating");
}

static void check_output(const void *bytes, size_t length)
{
    const char *stream = NULL;
    unsigned char *data = NULL;
    size_t got = 0;
    json_auto_t *event = pass(event_output(ID, "stderr", bytes, length));
    assert_int_equal(event_output_data(event, &stream, &data, &got, NULL), 0);
    assert_string_equal(stream, "stderr");
    assert_int_equal(got, length);
    if (length > 0)
        assert_memory_equal(data, bytes, length);
    free(data);
}

static void output_comes_back_byte_for_byte(void **state)
{
    unsigned char bytes[256];
    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(255 - i);
    for (size_t length = 0; length <= sizeof(bytes); length++)
        check_output(bytes, length);
}

static void the_largest_piece_of_output_fits(void **state)
{
    static unsigned char bytes[EVENT_OUTPUT_MAX + 1];
    (void)state;
    memset(bytes, 0xff, sizeof(bytes));
    check_output(bytes, EVENT_OUTPUT_MAX);
    assert_null(event_output(ID, "stdout", bytes, EVENT_OUTPUT_MAX + 1));
}

/* RFC 4648, section 10. */
static void base64_is_the_standards(void **state)
{
    static const struct {
        const char *text, *base64;
    } known[] = {{"", ""},
                 {"f", "Zg=="},
                 {"fo", "Zm8="},
                 {"foo", "Zm9v"},
                 {"foob", "Zm9vYg=="},
                 {"fooba", "Zm9vYmE="},
                 {"foobar", "Zm9vYmFy"}};
    (void)state;
    for (size_t i = 0; i < COUNT(known); i++) {
        json_auto_t *event = event_output(ID, "stdout", known[i].text, strlen(known[i].text));
        assert_string_equal(text_at(event, "data"), known[i].base64);
    }
}

static void check_refused(const char *rest, const char *message)
{
    char text[512];
    struct error err = {0};
    json_t *event = NULL;
    snprintf(text, sizeof(text),
             "{\"v\":1,\"request\":\"" ID "\",\"at\":\"2026-11-23T21:00:00.123Z\"%s}", rest);
    if (!event_decode(text, &event, &err))
        fail_msg("%s is accepted", text);
    assert_int_equal(err.fault, FAULT_INVALID);
    if (strncmp(err.text, message, strlen(message)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", err.text, message);
    assert_null(event);
}

static void each_kind_has_its_own_fields(void **state)
{
    (void)state;
    check_refused("", "kind: must be one of progress, output");
    check_refused(",\"kind\":\"warning\"", "kind: must be one of progress, output");
    check_refused(",\"kind\":\"progress\"", "phase: missing");
    check_refused(",\"kind\":\"progress\",\"phase\":\"running\"", "phase: must be one of");
    check_refused(",\"kind\":\"progress\",\"phase\":\"done\",\"data\":\"\"", "data: unknown field");
    check_refused(",\"kind\":\"output\",\"stream\":\"stdout\"", "data: missing");
    check_refused(",\"kind\":\"output\",\"stream\":\"stdin\",\"data\":\"\"",
                  "stream: must be one of stdout, stderr");
    check_refused(",\"kind\":\"output\",\"stream\":\"stdout\",\"data\":\"\",\"phase\":\"done\"",
                  "phase: unknown field");
}

static void what_no_encoder_writes_is_no_base64(void **state)
{
    static const char *const wrong[] = {
        "A",    "AA",       "AAA",      "AA=",         "A===",    "====",  "=AAA", "AA=A", "AAAA=",
        "AA-_", "AAA A===", "AA==AAAA", "AAAA\\nAAAA", "AAAA\\n", " AAAA", "AB==", "AAF=",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char rest[128];
        snprintf(rest, sizeof(rest), ",\"kind\":\"output\",\"stream\":\"stdout\",\"data\":\"%s\"",
                 wrong[i]);
        check_refused(rest, "data: must be base64");
    }
}

static void progress_holds_no_output(void **state)
{
    struct error err = {0};
    const char *stream = NULL;
    unsigned char *data = NULL;
    size_t length = 42;
    AUTO(string) char *text = event_progress(ID, PHASE_DONE);
    json_auto_t *event = json_loads(text, 0, NULL);
    (void)state;
    assert_int_equal(event_output_data(event, &stream, &data, &length, &err), -1);
    assert_int_equal(err.fault, FAULT_INVALID);
    assert_null(data);
    assert_int_equal(length, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(progress_says_its_phase),
        cmocka_unit_test(output_comes_back_byte_for_byte),
        cmocka_unit_test(the_largest_piece_of_output_fits),
        cmocka_unit_test(base64_is_the_standards),
        cmocka_unit_test(each_kind_has_its_own_fields),
        cmocka_unit_test(what_no_encoder_writes_is_no_base64),
        cmocka_unit_test(progress_holds_no_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
