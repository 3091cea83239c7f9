#include "submitter/mailbox_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "schemas/event.h"
#include "schemas/result.h"

#define TIMEOUT_MS 1000
#define WAIT_MOST_MS 5000
#define FOLLOWED_S "15"

int mailbox_new(const char *url, struct mailbox **ret_mailbox, struct error *err)
{
    AUTO(mailbox) struct mailbox *mailbox = calloc(1, sizeof(*mailbox));
    if (!mailbox)
        return fail(err, FAULT_INTERNAL, "out of memory");

    struct redis_link_options options = {
        .url = url, .timeout_ms = TIMEOUT_MS, .functions = queue_functions};
    if (redis_link_new(&options, &mailbox->link, err) == -1)
        return -1;
    *ret_mailbox = TAKE(mailbox);
    return 0;
}

void mailbox_free(struct mailbox *mailbox)
{
    if (!mailbox)
        return;
    json_decref(mailbox->result);
    redis_link_free(mailbox->link);
    free(mailbox);
}

/* There is no record of it. A store that has lost data since the request was made says nothing by
 * that: a worker may have it, or the queue. */
static int fail_without_record(struct mailbox *mailbox, const char *id, struct error *err)
{
    json_auto_t *known = NULL;

    if (redis_link_text(mailbox->link, &known, err, "HGET", KEY_GENERATION, "since", NULL) == -1)
        return -1;
    const char *since = json_string_value(known);
    if (!since)
        return fail(err, FAULT_UNFINISHED, "the store has lost data, and is being put in order");
    if (identifier_milliseconds(id) < strtoll(since, NULL, 10))
        return fail(err, FAULT_UNFINISHED,
                    "the store has lost data since request %s, which may be under way", id);
    return fail(err, FAULT_NOT_FOUND, "there is no request %s", id);
}

int mailbox_record(struct mailbox *mailbox, const char *user, const char *id, json_t **ret_result,
                   struct error *err)
{
    char record[KEY_SIZE];
    json_auto_t *text = NULL;

    key_of_user(record, KEY_REQUEST, user, id);
    json_auto_t *ended = TAKE(mailbox->result);
    if (ended && strcmp(mailbox->ended, record) == 0) {
        *ret_result = TAKE(ended);
        return 0;
    }
    if (redis_link_text(mailbox->link, &text, err, "HGET", record, "result", NULL) == -1)
        return -1;
    if (!json_is_string(text))
        return fail_without_record(mailbox, id, err);
    if (result_decode(json_string_value(text), ret_result, err) == -1) {
        fail_while(err, "the record of request %s", id);
        if (err)
            err->fault = FAULT_INTERNAL; /* not the reader's to mend */
        return -1;
    }
    return 0;
}

/* fields is [name, value, …]. NULL for an entry without an event, or with one that a newer version
 * wrote and this one does not know: events are hints. */
static json_t *event_of_entry(const json_t *fields)
{
    json_t *event = NULL;

    for (size_t i = 0; i + 1 < json_array_size(fields); i += 2) {
        const char *name = json_string_value(json_array_get(fields, i));
        const char *text = json_string_value(json_array_get(fields, i + 1));
        if (name && text && strcmp(name, "event") == 0)
            event_decode(text, &event, NULL);
    }
    return event;
}

/* Whoever is told the last event asks for the record next. One that is final stays as it is. */
static void keep_if_final(struct mailbox *mailbox, const char *record, const json_t *text)
{
    json_auto_t *result = NULL;

    json_decref(TAKE(mailbox->result));
    if (!json_is_string(text) || result_decode(json_string_value(text), &result, NULL) == -1 ||
        !result_is_final(result))
        return;
    snprintf(mailbox->ended, sizeof(mailbox->ended), "%s", record);
    mailbox->result = TAKE(result);
}

int mailbox_events(struct mailbox *mailbox, const char *user, const char *id,
                   char cursor[COURIER_CURSOR_SIZE], int wait_ms, json_t **ret_events,
                   struct error *err)
{
    char stream[KEY_SIZE], record[KEY_SIZE];
    json_auto_t *entries = NULL, *text = NULL, *events = json_array();
    const char *const read[] = {"HGET", record, "result"};
    const struct redis_command then = {COUNT(read), read};

    key_of_user(stream, KEY_EVENTS, user, id);
    key_of_user(record, KEY_REQUEST, user, id);
    if (wait_ms > WAIT_MOST_MS)
        wait_ms = WAIT_MOST_MS;
    if (redis_link_read_stream_then(mailbox->link, stream, cursor, wait_ms, &then, &entries, &text,
                                    err) == -1)
        return -1;
    keep_if_final(mailbox, record, text);

    size_t i;
    json_t *entry;
    json_array_foreach(entries, i, entry)
    {
        json_t *event = event_of_entry(json_array_get(entry, 1));
        if (event)
            json_array_append_new(events, event);
    }
    const char *last =
        json_string_value(json_array_get(json_array_get(entries, json_array_size(entries) - 1), 0));
    if (last)
        snprintf(cursor, COURIER_CURSOR_SIZE, "%s", last);
    *ret_events = TAKE(events);
    return 0;
}

int mailbox_follow(struct mailbox *mailbox, const char *user, const char *id, struct error *err)
{
    char key[KEY_SIZE];

    key_of_user(key, KEY_FOLLOWER, user, id);
    return redis_link_text(mailbox->link, NULL, err, "SET", key, "1", "EX", FOLLOWED_S, NULL);
}
