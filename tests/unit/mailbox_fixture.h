/* A mailbox over the store of the tests, and what a worker does meanwhile. */
#ifndef DCM_TESTS_MAILBOX_FIXTURE_H
#define DCM_TESTS_MAILBOX_FIXTURE_H

#include "submitter/mailbox.h"
#include "tests/unit/store_fixture.h"

#define STORED(test) cmocka_unit_test_setup(test, fixture_empty)

/* The caller's to free. */
struct mailbox *mailbox_of(const struct fixture *fixture);
/* What the record of alice's request says. */
void assert_state(struct mailbox *mailbox, const char *id, const char *expected);
/* As the worker lcg50. */
void claim(struct fixture *fixture, const struct request *request);
void finish(struct fixture *fixture, const struct request *request);

#endif
