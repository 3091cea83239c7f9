/* Requests in the store: record, list and stream (schemas/store/10_requests.lua). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "schemas/keys.h"
#include "schemas/result.h"
#include "worker/store_private.h"
#include "worker/store_requests.h"

/* One function call about one request; `call` points into the rest. */
struct request_call {
    struct store_call call;
    size_t argc;
    char record[KEY_SIZE];
    char requests[KEY_SIZE];
    char events[KEY_SIZE];
    char told[KEY_SIZE];
    char submitted[24];
    char retention[24];
    char made[24];
};

static void add(struct request_call *call, const char *text)
{
    call->call.arguments[call->argc++] = text;
}

static void call_begin(struct request_call *call, const char *function,
                       const struct request *request)
{
    key_of_user(call->record, KEY_REQUEST, request->user, request->id);
    key_of_user(call->requests, KEY_REQUESTS, request->user, NULL);
    key_of_user(call->events, KEY_EVENTS, request->user, request->id);
    key_of_user(call->told, KEY_TOLD, request->user, NULL);
    snprintf(call->submitted, sizeof(call->submitted), "%" PRId64, request->submitted);
    snprintf(call->retention, sizeof(call->retention), "%d", REQUEST_RETENTION_S);

    call->argc = 0;
    call->call = (struct store_call){
        .function = function, .keys = {call->record, call->requests, call->events, call->told}};
}

/* What a record says of a request besides its result. */
static void add_request(struct request_call *call, const struct store *store,
                        const struct request *request, const char *hash)
{
    add(call, request->id);
    add(call, store->server);
    add(call, op_name(request->op));
    add(call, hash);
    add(call, call->submitted);
}

static int check_words(const struct request_call *call, const json_t *reply, struct error *err)
{
    if (!json_is_string(json_array_get(reply, 0)))
        return fail(err, FAULT_INTERNAL, "the store's %s gave no answer", call->call.function);
    return 0;
}

/* The answer is a list: a word, and what goes with it. */
static int send(struct store *store, const struct request_call *call, json_t **ret_reply,
                struct error *err)
{
    json_auto_t *reply = NULL;
    if (store_call(store, &call->call, &reply, err) || check_words(call, reply, err))
        return -1;
    *ret_reply = TAKE(reply);
    return 0;
}

static const char *word_of(const json_t *reply, size_t index)
{
    const char *word = json_string_value(json_array_get(reply, index));
    return word ? word : "";
}

/* New event's text, or NULL with *err filled. The caller's to free. */
static char *progress_text(const struct request *request, enum phase phase, struct error *err)
{
    char *event = event_progress(request->id, phase);
    if (!event)
        fail(err, FAULT_INTERNAL, "out of memory");
    return event;
}

static const char *const claim_words[] = {
    [CLAIM_OURS] = "ours",           [CLAIM_ENDED] = "ended",         [CLAIM_MISMATCH] = "mismatch",
    [CLAIM_ELSEWHERE] = "elsewhere", [CLAIM_CANCELLED] = "cancelled", [CLAIM_EARLY] = "early",
};

/* What stands in the record may be a publisher's, and no result. */
static json_t *read_result(const struct store *store, const struct request *request,
                           const char *text)
{
    struct error fault = {0};
    json_t *result = NULL;
    if (result_decode(text, &result, &fault) == 0)
        return result;
    result = result_new(request);
    fail(&fault, FAULT_UNKNOWN, "it has ended, and what the store holds of it is no result");
    result_set_failed(result, store->server, &fault);
    return result;
}

static int read_claim(const struct store *store, const struct request *request, const json_t *reply,
                      enum claim *ret_claim, json_t **ret_result, struct error *err)
{
    size_t claim = 0;
    while (strcmp(claim_words[claim], word_of(reply, 0)) != 0)
        if (++claim == COUNT(claim_words))
            return fail(err, FAULT_INTERNAL, "the store calls a claim \"%s\"", word_of(reply, 0));
    if (claim == CLAIM_ENDED)
        *ret_result = read_result(store, request, word_of(reply, 1));
    *ret_claim = (enum claim)claim;
    return 0;
}

int store_claim(struct store *store, const struct request *request, const char *hash,
                enum standing standing, enum claim *ret_claim, json_t **ret_result,
                struct error *err)
{
    static const char *const standings[] = {
        [STANDING_NEW] = "new", [STANDING_KNOWN] = "known", [STANDING_BEGUN] = "begun"};
    json_auto_t *result = result_new(request);
    result_set_running(result, store->server);
    AUTO(string) char *result_json = store_text(result, err);
    AUTO(string) char *event = progress_text(request, PHASE_PLACED, err);
    if (!result_json || !event)
        return -1;

    struct request_call call;
    json_auto_t *reply = NULL;
    call_begin(&call, "claim", request);
    call.call.keys[4] = KEY_SERVERS;
    snprintf(call.made, sizeof(call.made), "%" PRId64, identifier_milliseconds(request->id));
    add_request(&call, store, request, hash);
    add(&call, result_json);
    add(&call, event);
    add(&call, call.retention);
    add(&call, call.made);
    add(&call, standings[standing]);
    if (send(store, &call, &reply, err) ||
        read_claim(store, request, reply, ret_claim, ret_result, err))
        return -1;
    return *ret_claim == CLAIM_ELSEWHERE ? store_ask_holder(store, request, word_of(reply, 1), err)
                                         : 0;
}

int store_cancel(struct store *store, const char *user, const char *id, enum cancel *ret_cancel,
                 char ret_word[CANCEL_WORD_SIZE], struct error *err)
{
    static const char *const words[] = {
        [CANCEL_NOTED] = "noted", [CANCEL_BEGUN] = "begun", [CANCEL_ENDED] = "ended"};
    struct request target = {0};
    struct request_call call;
    json_auto_t *reply = NULL;
    snprintf(target.user, sizeof(target.user), "%s", user);
    snprintf(target.id, sizeof(target.id), "%s", id);
    call_begin(&call, "call_off", &target);
    add(&call, call.retention);
    if (send(store, &call, &reply, err))
        return -1;
    for (size_t i = 0; i < COUNT(words); i++) {
        if (strcmp(words[i], word_of(reply, 0)) != 0)
            continue;
        snprintf(ret_word, CANCEL_WORD_SIZE, "%s", word_of(reply, 1));
        *ret_cancel = (enum cancel)i;
        return 0;
    }
    return fail(err, FAULT_INTERNAL, "the store calls a cancellation \"%s\"", word_of(reply, 0));
}

static void event_call(struct request_call *call, const struct request *request, const char *event)
{
    call_begin(call, "event", request);
    add(call, event);
    add(call, call->retention);
}

int store_progress(struct store *store, const struct request *request, enum phase phase,
                   struct error *err)
{
    AUTO(string) char *event = progress_text(request, phase, err);
    struct request_call call;
    if (!event)
        return -1;
    event_call(&call, request, event);
    return store_tell(store, &call.call, err);
}

int store_output(struct store *store, const struct request *request, const char *stream,
                 const void *data, size_t length, struct error *err)
{
    const unsigned char *bytes = data;
    for (size_t done = 0, piece; done < length; done += piece) {
        piece = length - done < EVENT_OUTPUT_MAX ? length - done : EVENT_OUTPUT_MAX;
        json_auto_t *event = event_output(request->id, stream, bytes + done, piece);
        AUTO(string) char *text = store_text(event, err);
        struct request_call call;
        if (!text)
            return -1;
        event_call(&call, request, text);
        if (store_call_plain(store, &call.call, NULL, err))
            return -1;
    }
    return 0;
}

int store_followed(struct store *store, const struct request *request, bool *ret_followed,
                   struct error *err)
{
    char key[KEY_SIZE];
    key_of_user(key, KEY_FOLLOWER, request->user, request->id);
    json_auto_t *reply = NULL;
    if (redis_link_text(store->link, &reply, err, "EXISTS", key, NULL))
        return -1;
    *ret_followed = json_integer_value(reply) != 0;
    return 0;
}

int store_end(struct store *store, const struct request *request, const char *hash,
              const json_t *result, struct error *err)
{
    if (!result_is_final(result))
        return fail(err, FAULT_INTERNAL, "a request cannot end as %s", result_state(result));
    AUTO(string) char *result_json = store_text(result, err);
    AUTO(string) char *event = progress_text(request, PHASE_DONE, err);
    if (!result_json || !event)
        return -1;

    struct request_call call;
    json_auto_t *reply = NULL;
    call_begin(&call, "end", request);
    add_request(&call, store, request, hash);
    add(&call, result_state(result));
    add(&call, result_json);
    add(&call, event);
    add(&call, call.retention);
    if (send(store, &call, &reply, err))
        return -1;
    if (strcmp(word_of(reply, 0), "mismatch") == 0)
        return fail(err, FAULT_CONFLICT, "request %s was used before with another body",
                    request->id);
    if (strcmp(word_of(reply, 0), "elsewhere") == 0)
        return fail(err, FAULT_CONFLICT, "request %s is claimed by server %s", request->id,
                    word_of(reply, 1));
    return 0;
}
