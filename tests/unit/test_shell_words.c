#include "submitter/shell_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/count.h"

#define WORDS_MOST 5

static void each_line_splits_as_a_shell_would(void **state)
{
    static const struct {
        const char *line, *words[WORDS_MOST];
    } rows[] = {
        {"", {NULL}},
        {" \t\n ", {NULL}},
        {"ps", {"ps"}},
        {"  stop  a\tb \n", {"stop", "a", "b"}},
        {"a 'b c'd", {"a", "b cd"}},
        {"'' \"\"", {"", ""}},
        {"\"a'b\" 'c\"d'", {"a'b", "c\"d"}},
        {"a\\ b \\\\ \\'", {"a b", "\\", "'"}},
        {"\"\\\"\\\\\\$\\`\\n\"", {"\"\\$`\\n"}},
        {"'\\n'", {"\\n"}},
        {"a\\\nb \"c\\\nd\"", {"ab", "cd"}},
        {"a b c d", {"a", "b", "c", "d"}},
        {"\xc3\xb8", {"\xc3\xb8"}},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct words words = {0};
        int count = 0;
        assert_int_equal(words_split(rows[i].line, &words, NULL), 0);
        for (; rows[i].words[count]; count++)
            assert_string_equal(words.texts[count], rows[i].words[count]);
        assert_int_equal(words.count, count);
        assert_null(words.texts[count]);
        words_clear(&words);
    }
}

static void nothing_is_expanded(void **state)
{
    struct words words = {0};
    (void)state;

    assert_int_equal(words_split("$(id) `id` $HOME *;|&<>#~", &words, NULL), 0);
    assert_int_equal(words.count, 4);
    assert_string_equal(words.texts[0], "$(id)");
    assert_string_equal(words.texts[3], "*;|&<>#~");
    words_clear(&words);
}

static void what_is_not_closed_is_refused(void **state)
{
    static const char *const lines[] = {"'",    "a 'b", "\"",    "a \"b\\\"",
                                        "\"\\", "\\",   "a b\\", "\"'"};
    (void)state;

    for (size_t i = 0; i < COUNT(lines); i++) {
        struct words words = {0};
        struct error err = {0};
        assert_int_equal(words_split(lines[i], &words, &err), -1);
        assert_int_equal(err.fault, FAULT_INVALID);
        assert_null(words.texts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_splits_as_a_shell_would),
        cmocka_unit_test(nothing_is_expanded),
        cmocka_unit_test(what_is_not_closed_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
