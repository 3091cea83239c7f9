#include "submitter/gate_answer.h"

#include <stdio.h>

#include "common/count.h"
#include "common/members.h"
#include "schemas/fields.h"
#include "submitter/gate_ask.h"
#include "submitter/gate_packet.h"

static json_t *encode_confirmed(const struct gate_answer *answer)
{
    (void)answer;
    return json_pack("{s:b}", "confirmed", 1);
}

static json_t *encode_result(const struct gate_answer *answer)
{
    return json_pack("{s:O}", "result", answer->value);
}

/* The cursor stands only where there is one: in what answers `events`. */
static const char *cursor_or_none(const struct gate_answer *answer)
{
    return answer->cursor[0] ? answer->cursor : NULL;
}

static json_t *encode_item(const struct gate_answer *answer)
{
    return json_pack("{s:O, s:s*}", "item", answer->value, "cursor", cursor_or_none(answer));
}

static json_t *encode_end(const struct gate_answer *answer)
{
    return json_pack("{s:b, s:s*}", "end", 1, "cursor", cursor_or_none(answer));
}

/* Out of reach before or after the publishing, and a record that is lost, have one code for users;
 * the other end of the socket has to know the difference. */
static json_t *words_of(const struct error *error)
{
    const char *rule = error->rule[0] ? error->rule : NULL;
    json_t *doubt = error->fault == FAULT_UNCONFIRMED ? json_true() : NULL;
    json_t *goes_on = error->fault == FAULT_UNFINISHED ? json_true() : NULL;

    return json_pack("{s:{s:s, s:s, s:s*}, s:o*, s:o*}", "error", "code", fault_code(error->fault),
                     "message", error->text, "rule", rule, "unconfirmed", doubt, "unfinished",
                     goes_on);
}

static json_t *encode_error(const struct gate_answer *answer)
{
    return words_of(&answer->error);
}

json_t *gate_outcome_of(const struct error *reason)
{
    return reason->fault == FAULT_NONE ? json_object() : words_of(reason);
}

static json_t *encode_outcomes(const struct gate_answer *answer)
{
    return json_pack("{s:O}", "outcomes", answer->value);
}

static void read_cursor(const json_t *message, struct gate_answer *answer)
{
    const char *cursor = text_at(message, "cursor");
    snprintf(answer->cursor, sizeof(answer->cursor), "%s", cursor ? cursor : "");
}

static void read_confirmed(json_t *message, struct gate_answer *answer)
{
    (void)message;
    (void)answer;
}

static void read_result(json_t *message, struct gate_answer *answer)
{
    answer->value = json_incref(json_object_get(message, "result"));
}

static void read_item(json_t *message, struct gate_answer *answer)
{
    answer->value = json_incref(json_object_get(message, "item"));
    read_cursor(message, answer);
}

static void read_end(json_t *message, struct gate_answer *answer)
{
    read_cursor(message, answer);
}

void gate_outcome_read(const json_t *outcome, struct error *ret_reason)
{
    const json_t *error = json_object_get(outcome, "error");
    const char *rule = text_at(error, "rule");
    const char *code = text_at(error, "code");
    enum fault fault = fault_from_code(code);

    if (flag_at(outcome, "unconfirmed"))
        fault = FAULT_UNCONFIRMED;
    if (flag_at(outcome, "unfinished"))
        fault = FAULT_UNFINISHED;
    *ret_reason = (struct error){.fault = FAULT_NONE};
    if (error)
        fail_by_rule(ret_reason, fault, rule ? rule : "", "%s", text_at(error, "message"));
}

static void read_error(json_t *message, struct gate_answer *answer)
{
    gate_outcome_read(message, &answer->error);
}

static void read_outcomes(json_t *message, struct gate_answer *answer)
{
    answer->value = json_incref(json_object_get(message, "outcomes"));
}

#define CURSOR                                                                                     \
    {                                                                                              \
        .name = "cursor", .kind = FIELD_TEXT, .well_formed = gate_cursor_is_valid,                 \
        .expects = "an entry id of a stream"                                                       \
    }

static const struct field confirmed_fields[] = {
    {.name = "confirmed", .kind = FIELD_BOOLEAN, .required = true},
};
static const struct field result_fields[] = {
    {.name = "result", .kind = FIELD_OBJECT, .required = true},
};
static const struct field item_fields[] = {
    {.name = "item", .kind = FIELD_OBJECT, .required = true},
    CURSOR,
};
static const struct field end_fields[] = {
    {.name = "end", .kind = FIELD_BOOLEAN, .required = true},
    CURSOR,
};
/* Longer than our own texts: a later version may have more to say. */
static const struct field inner_error_fields[] = {
    {.name = "code", .kind = FIELD_TEXT, .required = true, .least = 1, .most = 64},
    {.name = "message", .kind = FIELD_TEXT, .required = true, .least = 1, .most = 1024},
    {.name = "rule", .kind = FIELD_TEXT, .most = 1024},
};
static const struct shape inner_error_shape = SHAPE(inner_error_fields);
static const struct field error_fields[] = {
    {.name = "error", .kind = FIELD_OBJECT, .required = true, .shape = &inner_error_shape},
    {.name = "unconfirmed", .kind = FIELD_BOOLEAN},
    {.name = "unfinished", .kind = FIELD_BOOLEAN},
};
static const struct field outcome_fields[] = {
    {.name = "error", .kind = FIELD_OBJECT, .shape = &inner_error_shape},
    {.name = "unconfirmed", .kind = FIELD_BOOLEAN},
    {.name = "unfinished", .kind = FIELD_BOOLEAN},
};
static const struct shape outcome_shape = SHAPE(outcome_fields);
static const struct field outcomes_item = {.kind = FIELD_OBJECT, .shape = &outcome_shape};
static const struct field outcomes_fields[] = {
    {.name = "outcomes",
     .kind = FIELD_LIST,
     .required = true,
     .most = GATE_ENQUEUE_MOST,
     .item = &outcomes_item},
};

/* Whatever can be answered: told apart by the field that only one of them has. */
static const struct {
    const char *field;
    struct shape shape;
    json_t *(*encode)(const struct gate_answer *answer);
    void (*read)(json_t *message, struct gate_answer *answer);
} answers[] = {
    [ANSWER_CONFIRMED] = {"confirmed", SHAPE(confirmed_fields), encode_confirmed, read_confirmed},
    [ANSWER_OUTCOMES] = {"outcomes", SHAPE(outcomes_fields), encode_outcomes, read_outcomes},
    [ANSWER_RESULT] = {"result", SHAPE(result_fields), encode_result, read_result},
    [ANSWER_ITEM] = {"item", SHAPE(item_fields), encode_item, read_item},
    [ANSWER_END] = {"end", SHAPE(end_fields), encode_end, read_end},
    [ANSWER_ERROR] = {"error", SHAPE(error_fields), encode_error, read_error},
};

json_t *gate_answer_encode(const struct gate_answer *answer)
{
    return answers[answer->kind].encode(answer);
}

static int find_answer(const json_t *message, enum gate_answer_kind *ret_kind, struct error *err)
{
    for (size_t kind = 0; kind < COUNT(answers); kind++) {
        if (json_object_get(message, answers[kind].field)) {
            *ret_kind = (enum gate_answer_kind)kind;
            return 0;
        }
    }
    return fail(err, FAULT_INVALID, "neither an answer nor an error");
}

static int decode_answer(const char *bytes, size_t length, struct gate_answer *answer,
                         struct error *err)
{
    json_auto_t *message = NULL;

    if (json_from_bytes(bytes, length, GATE_PACKET_MAX, &message, err) == -1 ||
        find_answer(message, &answer->kind, err) == -1 ||
        fields_check(message, &answers[answer->kind].shape, "", err) == -1)
        return -1;
    if (json_is_false(json_object_get(message, answers[answer->kind].field)))
        return fail(err, FAULT_INVALID, "%s: must be true", answers[answer->kind].field);
    answers[answer->kind].read(message, answer);
    return 0;
}

int gate_answer_decode(const char *bytes, size_t length, struct gate_answer *ret_answer,
                       struct error *err)
{
    struct gate_answer answer = {0};
    struct error reason = {0};

    /* What is wrong with it is not the reader's to mend. */
    if (decode_answer(bytes, length, &answer, &reason) == -1)
        return fail(err, FAULT_INTERNAL, "the gate's answer is not understood: %s", reason.text);
    *ret_answer = answer;
    return 0;
}

void gate_answer_clear(struct gate_answer *answer)
{
    json_decref(answer->value);
    *answer = (struct gate_answer){0};
}
