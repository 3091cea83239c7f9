/* What the tests of requests in the store look at: record, list and stream. */
#ifndef DCM_TESTS_REQUEST_FIXTURE_H
#define DCM_TESTS_REQUEST_FIXTURE_H

#include "schemas/keys.h"
#include "tests/unit/store_fixture.h"
#include "worker/store_requests.h"

#define RETENTION_MS ((int64_t)REQUEST_RETENTION_S * 1000)
#define OTHER_HASH "b3f1b3f1b3f1b3f1b3f1b3f1b3f1b3f1b3f1b3f1b3f1b3f1b3f1b3f1b3f1b3f1"

#define REQUEST_TEST(name) cmocka_unit_test_setup(name, fixture_empty)

/* A record's field as text, "" if it is not there. */
void read_field(const struct fixture *fixture, const struct request *request, const char *field,
                char ret_text[1024]);
void assert_field(const struct fixture *fixture, const struct request *request, const char *field,
                  const char *expected);
/* An integer that Redis answers to a command on one of the request's keys. */
long ask_number(const struct fixture *fixture, const char *command, const struct request *request,
                enum user_key which);

/* The stream's entries. New reference. */
json_t *read_stream(const struct fixture *fixture, const struct request *request);
/* The event of one of them, checked against its schema. New reference. */
json_t *event_at(const json_t *entries, size_t index);
void assert_phase(const json_t *entries, size_t index, const char *phase);

/* As the gate asks for it. The reply is the state that is there. */
void assert_queue(const struct fixture *fixture, const struct request *request, const char *state);
enum claim claim_of(struct store *store, const struct request *request, const char *hash,
                    json_t **ret_result);
void end_as_done(struct store *store, const struct request *request);
void assert_cancel(struct store *store, const struct request *request, enum cancel expected,
                   const char *word);

#endif
