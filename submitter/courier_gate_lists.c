/* Lists, an item a packet. */
#include "submitter/courier_gate_private.h"

#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/clock.h"
#include "common/members.h"
#include "schemas/event.h"
#include "schemas/grant.h"
#include "schemas/result.h"
#include "submitter/gate_answer.h"

#define EVENTS_GRACE_MS 5000

/* What a list may hold. As in courier_direct, an item that this version does not understand is left
 * out. */
static bool is_event(const json_t *item)
{
    AUTO(string) char *text = json_dumps(item, JSON_COMPACT);
    json_auto_t *event = NULL;

    return text && event_decode(text, &event, NULL) == 0;
}

static bool is_listed_container(const json_t *item)
{
    return name_is_server(text_at(item, "server")) &&
           container_check(json_object_get(item, "container"), "", NULL) == 0;
}

static bool is_listed_image(const json_t *item)
{
    return name_is_server(text_at(item, "server")) &&
           image_check(json_object_get(item, "image"), "", NULL) == 0;
}

static bool is_listed_grant(const json_t *item)
{
    return name_is_server(text_at(item, "server")) &&
           grant_check(json_object_get(item, "grant"), NULL) == 0;
}

static bool is_listed_request(const json_t *item)
{
    return result_check(item, NULL) == 0;
}

static bool (*const listed[])(const json_t *item) = {
    [LIST_CONTAINERS] = is_listed_container,
    [LIST_REQUESTS] = is_listed_request,
    [LIST_IMAGES] = is_listed_image,
    [LIST_LIMITS] = is_listed_grant,
};

struct harvest {
    bool (*understands)(const json_t *item);
    json_t *items;                    /* borrowed, an array */
    bool *interrupted;                /* as for hear */
    char cursor[COURIER_CURSOR_SIZE]; /* as the end of the list says */
};

static int gather(struct gate_courier *gate, int64_t until, struct harvest *harvest,
                  struct error *err)
{
    for (;;) {
        AUTO(gate_answer) struct gate_answer answer = {0};
        if (gate_hear(gate, until, &answer, harvest->interrupted, err) == -1)
            return -1;
        if (answer.kind == ANSWER_END) {
            memcpy(harvest->cursor, answer.cursor, sizeof(harvest->cursor));
            return 0;
        }
        if (answer.kind != ANSWER_ITEM)
            return gate_refuse_answer(gate, err);
        if (harvest->understands(answer.value))
            json_array_append(harvest->items, answer.value);
    }
}

/* A signal ends the wait as if nothing had come: whoever follows a request looks at his flags then.
 * What had come is not lost, as the cursor has not moved. */
int gate_events(struct courier *courier, const char *id, char cursor[COURIER_CURSOR_SIZE],
                int wait_ms, json_t **ret_events, struct error *err)
{
    struct gate_courier *gate = gate_of(courier);
    struct gate_ask question = {.kind = ASK_EVENTS, .wait_ms = wait_ms};
    json_auto_t *events = json_array();
    bool interrupted = false;
    struct harvest harvest = {
        .understands = is_event, .items = events, .interrupted = &interrupted};
    struct error reason = {0};

    snprintf(question.after, sizeof(question.after), "%s", cursor);
    if (gate_about(&question, id, err) == -1 || gate_ask(gate, &question, err) == -1)
        return -1;
    int64_t until = clock_ms() + wait_ms + EVENTS_GRACE_MS;
    if (gather(gate, until, &harvest, &reason) == 0)
        memcpy(cursor, harvest.cursor, COURIER_CURSOR_SIZE);
    else if (interrupted)
        json_array_clear(events);
    else
        return fail_by_rule(err, reason.fault, reason.rule, "%s", reason.text);
    *ret_events = TAKE(events);
    return 0;
}

int gate_list(struct courier *courier, enum listing listing, json_t **ret_list, struct error *err)
{
    struct gate_courier *gate = gate_of(courier);
    struct gate_ask question = {.kind = ASK_LIST, .listing = listing};
    json_auto_t *list = json_array();
    struct harvest harvest = {.understands = listed[listing], .items = list};

    if (gate_ask(gate, &question, err) == -1 ||
        gather(gate, clock_ms() + GATE_READ_MS, &harvest, err) == -1)
        return -1;
    *ret_list = TAKE(list);
    return 0;
}
