/* A journal in a directory of the test's own, and what tests of it do all the time. */
#ifndef DCM_TESTS_JOURNAL_FIXTURE_H
#define DCM_TESTS_JOURNAL_FIXTURE_H

#include "worker/journal.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CONTAINER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

struct place {
    char directory[40];
    char path[64];
};
/* cmocka's set-up and tear-down; *state is the struct place. */
int journal_place_make(void **state);
int journal_place_remove(void **state);
#define JOURNAL_TEST(name)                                                                         \
    cmocka_unit_test_setup_teardown(name, journal_place_make, journal_place_remove)

/* Each of these fails the test when the journal fails. */
struct journal *open_journal(void *const *state);
void begin(struct journal *journal, const struct request *request);
void end(struct journal *journal, const struct request *request, const char *state);
struct journal_entry find(struct journal *journal, const char *id);
/* expected: the last digits of the ids, in their order. */
void assert_unfinished(struct journal *journal, const char *expected);

/* A ping of alice's; the number makes its id. The caller's to clear. */
struct request request_of(unsigned number);

#endif
