#include "tests/unit/request_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "schemas/event.h"
#include "schemas/result.h"

#include <cmocka.h>

void read_field(const struct fixture *fixture, const struct request *request, const char *field,
                char ret_text[1024])
{
    char key[KEY_SIZE];
    key_of_user(key, KEY_REQUEST, request->user, request->id);
    json_auto_t *value = NULL;
    assert_done(redis_link_text(fixture->link, &value, err, "HGET", key, field, NULL));
    snprintf(ret_text, 1024, "%s", json_is_string(value) ? json_string_value(value) : "");
}

void assert_field(const struct fixture *fixture, const struct request *request, const char *field,
                  const char *expected)
{
    char text[1024];
    read_field(fixture, request, field, text);
    assert_string_equal(text, expected);
}

long ask_number(const struct fixture *fixture, const char *command, const struct request *request,
                enum user_key which)
{
    char key[KEY_SIZE];
    key_of_user(key, which, request->user, which == KEY_REQUESTS ? NULL : request->id);
    json_auto_t *value = NULL;
    assert_done(redis_link_text(fixture->link, &value, err, command, key, NULL));
    return (long)json_integer_value(value);
}

json_t *read_stream(const struct fixture *fixture, const struct request *request)
{
    char key[KEY_SIZE];
    key_of_user(key, KEY_EVENTS, request->user, request->id);
    json_t *entries = NULL;
    assert_done(redis_link_read_stream(fixture->link, key, "0-0", 0, &entries, err));
    return entries;
}

json_t *event_at(const json_t *entries, size_t index)
{
    const json_t *fields = json_array_get(json_array_get(entries, index), 1);
    assert_string_equal(json_string_value(json_array_get(fields, 0)), "event");
    json_t *event = NULL;
    assert_done(event_decode(json_string_value(json_array_get(fields, 1)), &event, err));
    return event;
}

void assert_phase(const json_t *entries, size_t index, const char *phase)
{
    json_auto_t *event = event_at(entries, index);
    assert_string_equal(text_at(event, "phase"), phase);
}

void assert_queue(const struct fixture *fixture, const struct request *request, const char *state)
{
    char record[KEY_SIZE];
    char requests[KEY_SIZE];
    char events[KEY_SIZE];
    char submitted[24];
    key_of_user(record, KEY_REQUEST, request->user, request->id);
    key_of_user(requests, KEY_REQUESTS, request->user, NULL);
    key_of_user(events, KEY_EVENTS, request->user, request->id);
    snprintf(submitted, sizeof(submitted), "%lld", (long long)request->submitted);
    json_auto_t *result = result_new(request);
    AUTO(string) char *text = json_dumps(result, JSON_COMPACT);
    const char *argv[] = {"dcm_1_queue", "3",         record,        requests,
                          events,        request->id, request->user, op_name(request->op),
                          HASH,          submitted,   text,          "604800"};
    json_auto_t *reply = NULL;
    assert_done(redis_link_function(fixture->link, COUNT(argv), argv, &reply, err));
    assert_string_equal(json_string_value(reply), state);
}

enum claim claim_of(struct store *store, const struct request *request, const char *hash,
                    json_t **ret_result)
{
    enum claim claimed = CLAIM_MISMATCH;
    assert_done(store_claim(store, request, hash, STANDING_NEW, &claimed, ret_result, err));
    return claimed;
}

void end_as_done(struct store *store, const struct request *request)
{
    json_auto_t *result = result_new(request);
    result_set_done(result, "lcg50");
    assert_done(store_end(store, request, HASH, result, err));
}

void assert_cancel(struct store *store, const struct request *request, enum cancel expected,
                   const char *expected_word)
{
    char word[CANCEL_WORD_SIZE];
    enum cancel cancel = CANCEL_ENDED;
    assert_done(store_cancel(store, request->user, request->id, &cancel, word, err));
    assert_int_equal(cancel, expected);
    assert_string_equal(word, expected_word);
}
