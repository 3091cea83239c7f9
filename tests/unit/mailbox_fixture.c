#include "tests/unit/mailbox_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/auto.h"
#include "schemas/result.h"
#include "worker/store_requests.h"

struct mailbox *mailbox_of(const struct fixture *fixture)
{
    struct mailbox *mailbox = NULL;

    assert_done(mailbox_new(fixture->url, &mailbox, err));
    return mailbox;
}

void assert_state(struct mailbox *mailbox, const char *id, const char *expected)
{
    json_auto_t *result = NULL;

    assert_done(mailbox_record(mailbox, "alice", id, &result, err));
    assert_string_equal(result_state(result), expected);
}

void claim(struct fixture *fixture, const struct request *request)
{
    enum claim claim = CLAIM_ELSEWHERE;
    json_auto_t *result = NULL;
    char hash[REQUEST_HASH_SIZE];

    request_hash(request, hash);
    assert_done(store_claim(fixture->store, request, hash, STANDING_NEW, &claim, &result, err));
    assert_int_equal(claim, CLAIM_OURS);
}

void finish(struct fixture *fixture, const struct request *request)
{
    json_auto_t *result = result_new(request);
    char hash[REQUEST_HASH_SIZE];

    request_hash(request, hash);
    result_set_done(result, "lcg50");
    assert_done(store_end(fixture->store, request, hash, result, err));
}
