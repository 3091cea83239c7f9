/* Containers that wait for an address: for which, and whose user has stopped them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tests/unit/journal_fixture.h"
#include "worker/journal_waits.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define ONE "10.0.0.1"
#define OTHER "10.0.0.2"

/* Full ids, of one letter each. */
static const char *id_of(char letter)
{
    static char id[ENGINE_ID_SIZE];

    memset(id, letter, sizeof(id) - 1);
    return id;
}

static void note(struct journal *journal, char letter, const char *address)
{
    assert_int_equal(waits_note(journal, id_of(letter), "alice", "web", address, NULL), 0);
}

/* expected: NULL where there is no row. */
static void assert_waits(struct journal *journal, char letter, const char *expected)
{
    struct wait wait = {0};
    bool found = !expected;

    assert_int_equal(waits_find(journal, id_of(letter), &wait, &found, NULL), 0);
    assert_int_equal(found, expected != NULL);
    assert_string_equal(wait.address, expected ? expected : "");
    assert_string_equal(wait.user, expected ? "alice" : "");
}

static void assert_awaited(struct journal *journal, const char *first, const char *second)
{
    json_auto_t *addresses = NULL;
    json_auto_t *expected = json_pack("[s*, s*]", first, second);

    assert_int_equal(waits_addresses(journal, &addresses, NULL), 0);
    assert_true(json_equal(addresses, expected));
}

static size_t count_of(struct journal *journal, const char *address, size_t most)
{
    struct wait waits[4] = {0};
    size_t count = 99;

    assert_int_equal(waits_for(journal, address, waits, most, &count, NULL), 0);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(waits[i].address, address);
    return count;
}

static void what_waits_is_found_by_its_address(void **state)
{
    struct journal *journal = open_journal(state);

    assert_waits(journal, 'a', NULL);
    note(journal, 'a', ONE);
    note(journal, 'b', ONE);
    note(journal, 'c', OTHER);
    assert_waits(journal, 'a', ONE);
    assert_awaited(journal, ONE, OTHER);
    assert_int_equal(count_of(journal, ONE, 4), 2);
    assert_int_equal(count_of(journal, ONE, 1), 1);
    note(journal, 'a', OTHER); /* the next that it lacks */
    assert_int_equal(count_of(journal, OTHER, 4), 2);
    journal_close(journal);
}

static void its_users_word_ends_the_waiting_and_is_kept(void **state)
{
    struct journal *journal = open_journal(state);

    note(journal, 'a', ONE);
    note(journal, 'a', WAITS_NO_MORE);
    journal_close(journal);
    journal = open_journal(state);
    assert_waits(journal, 'a', WAITS_NO_MORE);
    assert_awaited(journal, NULL, NULL);
    assert_int_equal(waits_forget(journal, id_of('a'), NULL), 0);
    assert_waits(journal, 'a', NULL);
    assert_int_equal(waits_forget(journal, id_of('a'), NULL), 0); /* nothing there is success */
    journal_close(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(what_waits_is_found_by_its_address),
        JOURNAL_TEST(its_users_word_ends_the_waiting_and_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
