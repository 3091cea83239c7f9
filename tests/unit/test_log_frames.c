#include "worker/log_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/count.h"

/* What the sink got: bytes by stream, in order, as "stdout:abc|stderr:d|". */
struct heard {
    char text[512];
    const char *stream;
    int patience; /* pieces until the sink ends the feeding; 0: never */
    int pieces;
};

static int hear(const char *stream, const void *data, size_t length, void *context)
{
    struct heard *heard = context;
    size_t used = strlen(heard->text);

    assert_true(length > 0);
    if (heard->stream != stream)
        snprintf(heard->text + used, sizeof(heard->text) - used, "%s%s:%.*s", used ? "|" : "",
                 stream, (int)length, (const char *)data);
    else
        snprintf(heard->text + used, sizeof(heard->text) - used, "%.*s", (int)length,
                 (const char *)data);
    heard->stream = stream;
    return ++heard->pieces == heard->patience;
}

static const unsigned char two_frames[] = "\1\0\0\0\0\0\0\6hello\n"
                                          "\2\0\0\0\0\0\0\4err\n";
#define TWO_FRAMES_LENGTH (sizeof(two_frames) - 1)
#define TWO_FRAMES_TEXT "stdout:hello\n|stderr:err\n"

static void whole_frames_are_told_by_their_stream(void **state)
{
    struct log_frames frames = {0};
    struct heard heard = {0};

    (void)state;
    assert_int_equal(log_frames_feed(&frames, two_frames, TWO_FRAMES_LENGTH, hear, &heard, NULL),
                     0);
    assert_string_equal(heard.text, TWO_FRAMES_TEXT);
    assert_true(log_frames_are_whole(&frames));
}

static void frames_may_be_split_anywhere(void **state)
{
    (void)state;
    for (size_t first = 0; first <= TWO_FRAMES_LENGTH; first++) {
        for (size_t second = first; second <= TWO_FRAMES_LENGTH; second++) {
            struct log_frames frames = {0};
            struct heard heard = {0};
            log_frames_feed(&frames, two_frames, first, hear, &heard, NULL);
            log_frames_feed(&frames, two_frames + first, second - first, hear, &heard, NULL);
            log_frames_feed(&frames, two_frames + second, TWO_FRAMES_LENGTH - second, hear, &heard,
                            NULL);
            assert_string_equal(heard.text, TWO_FRAMES_TEXT);
            assert_true(log_frames_are_whole(&frames));
        }
    }
}

static void a_frame_cut_short_is_noticed(void **state)
{
    (void)state;
    for (size_t length = 1; length < TWO_FRAMES_LENGTH; length++) {
        struct log_frames frames = {0};
        struct heard heard = {0};
        log_frames_feed(&frames, two_frames, length, hear, &heard, NULL);
        assert_int_equal(log_frames_are_whole(&frames), length == LOG_FRAME_HEADER + 6);
    }
}

static void an_empty_frame_tells_nothing(void **state)
{
    static const unsigned char empty[] = "\1\0\0\0\0\0\0\0";
    struct log_frames frames = {0};
    struct heard heard = {0};

    (void)state;
    assert_int_equal(log_frames_feed(&frames, empty, LOG_FRAME_HEADER, hear, &heard, NULL), 0);
    assert_int_equal(heard.pieces, 0);
    assert_true(log_frames_are_whole(&frames));
    log_frames_feed(&frames, two_frames, TWO_FRAMES_LENGTH, hear, &heard, NULL);
    assert_string_equal(heard.text, TWO_FRAMES_TEXT);
}

static void lengths_are_big_endian_in_four_bytes(void **state)
{
    static const unsigned char header[] = "\1\0\0\0\x80\2\3\4";
    struct log_frames frames = {0};
    struct heard heard = {0};

    (void)state;
    assert_int_equal(log_frames_feed(&frames, header, LOG_FRAME_HEADER, hear, &heard, NULL), 0);
    assert_true(frames.left == 0x80020304U);
}

static void the_sink_ends_the_feeding(void **state)
{
    struct log_frames frames = {0};
    struct heard heard = {.patience = 1};

    (void)state;
    assert_int_equal(log_frames_feed(&frames, two_frames, TWO_FRAMES_LENGTH, hear, &heard, NULL),
                     1);
    assert_string_equal(heard.text, "stdout:hello\n");
}

static void bytes_that_are_no_frame_are_refused(void **state)
{
    static const char *const wrong[] = {"\4\0\0\0\0\0\0\1x", "\1\1\0\0\0\0\0\1x",
                                        "plain text, as of a terminal"};

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct log_frames frames = {0};
        struct heard heard = {0};
        struct error err = {0};
        assert_int_equal(log_frames_feed(&frames, wrong[i], 9, hear, &heard, &err), -1);
        assert_int_equal(err.fault, FAULT_ENGINE);
        assert_int_equal(heard.pieces, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_frames_are_told_by_their_stream),
        cmocka_unit_test(frames_may_be_split_anywhere),
        cmocka_unit_test(a_frame_cut_short_is_noticed),
        cmocka_unit_test(an_empty_frame_tells_nothing),
        cmocka_unit_test(lengths_are_big_endian_in_four_bytes),
        cmocka_unit_test(the_sink_ends_the_feeding),
        cmocka_unit_test(bytes_that_are_no_frame_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
