#include "submitter/shell_complete.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/count.h"

static void the_words_before_say_what_may_follow(void **state)
{
    static const struct {
        const char *before;
        enum completes kind;
        const char *stem;
    } rows[] = {
        {"", COMPLETES_COMMAND, ""},
        {"st", COMPLETES_COMMAND, "st"},
        {"--json st", COMPLETES_COMMAND, "st"},
        {"stop ", COMPLETES_CONTAINER, ""},
        {"stop one tw", COMPLETES_CONTAINER, "tw"},
        {"rm -f on", COMPLETES_CONTAINER, "on"},
        {"stop --timeout 5s on", COMPLETES_CONTAINER, "on"},
        {"stop --timeout ", COMPLETES_NOTHING, ""},
        {"create -p ", COMPLETES_NOTHING, ""},
        {"create debian-ssh --na", COMPLETES_OPTION, "--na"},
        {"-", COMPLETES_OPTION, "-"},
        {"help cr", COMPLETES_COMMAND, "cr"},
        {"create deb", COMPLETES_IMAGE, "deb"},
        {"create debian-ssh 8", COMPLETES_NOTHING, "8"},
        {"rmi one tw", COMPLETES_IMAGE, "tw"},
        {"commit we", COMPLETES_CONTAINER, "we"},
        {"commit web na", COMPLETES_NOTHING, "na"},
        {"ping ", COMPLETES_NOTHING, ""},
        {"explain st", COMPLETES_COMMAND, "st"},
        {"explain stop one tw", COMPLETES_CONTAINER, "tw"},
        {"--json explain create deb", COMPLETES_IMAGE, "deb"},
        {"explain create debian-ssh --na", COMPLETES_OPTION, "--na"},
        {"explain nonsense ", COMPLETES_NOTHING, ""},
        {"nonsense --", COMPLETES_NOTHING, "--"},
        {"stop -- -", COMPLETES_NOTHING, "-"},
        {"stop 'on", COMPLETES_NOTHING, "'on"},
        {"stop 'one tw", COMPLETES_NOTHING, "tw"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct completion completion = completion_of(rows[i].before);
        assert_int_equal(completion.kind, rows[i].kind);
        assert_string_equal(completion.stem, rows[i].stem);
    }
}

static bool offers(const struct session *session, const char *before, const char *text)
{
    struct completion completion = completion_of(before);
    struct candidates candidates = {.stem = completion.stem};
    bool found = false;

    candidates_add_own(&candidates, session, &completion);
    for (size_t i = 0; i < candidates.count; i++)
        found = found || strcmp(candidates.texts[i], text) == 0;
    candidates_clear(&candidates);
    return found;
}

static void commands_and_options_come_from_the_tables(void **state)
{
    bool leave = false;
    const struct session prompt = {.leave = &leave, .withheld = TAKES(OPTION_CONFIG)};
    const struct session program = {0};
    (void)state;

    assert_true(offers(&prompt, "cr", "create"));
    assert_false(offers(&prompt, "cr", "ps"));
    assert_true(offers(&prompt, "explain ", "stop"));
    assert_false(offers(&prompt, "explain ", "ps"));
    assert_false(offers(&prompt, "explain ", "explain"));
    assert_true(offers(&prompt, "explain create --", "--memory"));
    assert_true(offers(&prompt, "create --", "--memory"));
    assert_false(offers(&prompt, "ps --", "--memory"));
    assert_true(offers(&prompt, "e", "exit"));
    assert_false(offers(&program, "e", "exit"));
    assert_false(offers(&prompt, "ps --", "--config"));
    assert_true(offers(&program, "ps --", "--config"));
}

static void candidates_share_their_beginning(void **state)
{
    struct candidates candidates = {.stem = "co"};
    (void)state;

    assert_int_equal(candidates_common(&candidates), 0);
    candidates_add(&candidates, "", "container1");
    candidates_add(&candidates, "", "web");
    assert_int_equal(candidates.count, 1);
    assert_int_equal(candidates_common(&candidates), strlen("container1"));
    candidates_add(&candidates, "", "container22");
    assert_int_equal(candidates_common(&candidates), strlen("container"));
    candidates_clear(&candidates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_words_before_say_what_may_follow),
        cmocka_unit_test(commands_and_options_come_from_the_tables),
        cmocka_unit_test(candidates_share_their_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
