/* What a submitter notes down in the store, many requests in one round trip. */
#include "submitter/mailbox_private.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "schemas/keys.h"
#include "schemas/result.h"

#define TOGETHER 64 /* requests in one round trip */

static void format_retention(char ret_text[16])
{
    snprintf(ret_text, 16, "%d", REQUEST_RETENTION_S);
}

/* ---- is the id another request's? ---- */

static void compare(const struct request *request, const json_t *known, struct error *reason)
{
    char hash[REQUEST_HASH_SIZE];

    if (!json_is_string(known))
        return; /* as nearly always: then no hash is needed */
    request_hash(request, hash);
    if (strcmp(json_string_value(known), hash) != 0)
        fail(reason, FAULT_CONFLICT, "the id %s is that of another request", request->id);
}

static void check_some(struct mailbox *mailbox, const struct request *requests, size_t count,
                       struct error *reasons)
{
    struct {
        char record[KEY_SIZE];
        const char *argv[3];
    } calls[TOGETHER];
    struct redis_command commands[TOGETHER] = {0};
    json_auto_t *known = NULL;

    for (size_t i = 0; i < count; i++) {
        key_of_user(calls[i].record, KEY_REQUEST, requests[i].user, requests[i].id);
        calls[i].argv[0] = "HGET";
        calls[i].argv[1] = calls[i].record;
        calls[i].argv[2] = "hash";
        commands[i] = (struct redis_command){3, calls[i].argv};
    }
    if (redis_link_pipeline(mailbox->link, commands, count, &known, NULL) == 0)
        for (size_t i = 0; i < count; i++)
            compare(&requests[i], json_array_get(known, i), &reasons[i]);
}

void mailbox_check_ids(struct mailbox *mailbox, const struct request *requests, size_t count,
                       struct error *reasons)
{
    for (size_t i = 0; i < count; i += TOGETHER)
        check_some(mailbox, requests + i, count - i < TOGETHER ? count - i : TOGETHER, reasons + i);
}

/* ---- `queued` records ---- */

#define NOTE_KEYS 3
#define NOTE_ARGUMENTS 7
#define HEAD 2 /* the function, and how many keys follow */

struct note {
    const struct request *request;
    char record[KEY_SIZE], requests[KEY_SIZE], events[KEY_SIZE];
    char hash[REQUEST_HASH_SIZE], submitted[24];
    char *result; /* owned */
};

static int write_note(const struct request *request, struct note *note)
{
    note->request = request;
    note->result = result_new_text(request);
    key_of_user(note->record, KEY_REQUEST, request->user, request->id);
    key_of_user(note->requests, KEY_REQUESTS, request->user, NULL);
    key_of_user(note->events, KEY_EVENTS, request->user, request->id);
    request_hash(request, note->hash);
    snprintf(note->submitted, sizeof(note->submitted), "%lld", (long long)request->submitted);
    return note->result ? 0 : -1;
}

/* One call for so many notes: all of their keys, then all of their arguments. Without ret_states
 * nobody waits for the answer: whatever comes after it finds it done. */
static int call_queue(struct mailbox *mailbox, const struct note *notes, size_t count,
                      json_t **ret_states, struct error *err)
{
    const char *argv[HEAD + TOGETHER * (NOTE_KEYS + NOTE_ARGUMENTS)] = {"dcm_1_queue"};
    char keys[16], retention[16];
    size_t argc = HEAD;

    snprintf(keys, sizeof(keys), "%zu", count * NOTE_KEYS);
    format_retention(retention);
    argv[1] = keys;
    for (size_t i = 0; i < count; i++, argc += NOTE_KEYS)
        memcpy(&argv[argc], (const char *[]){notes[i].record, notes[i].requests, notes[i].events},
               NOTE_KEYS * sizeof(*argv));
    for (size_t i = 0; i < count; i++, argc += NOTE_ARGUMENTS)
        memcpy(&argv[argc],
               (const char *[]){notes[i].request->id, notes[i].request->user,
                                op_name(notes[i].request->op), notes[i].hash, notes[i].submitted,
                                notes[i].result, retention},
               NOTE_ARGUMENTS * sizeof(*argv));
    const struct redis_command call = {argc, argv};
    return ret_states ? redis_link_function(mailbox->link, argc, argv, ret_states, err)
                      : redis_link_tell(mailbox->link, &call, err);
}

/* A library of an older version notes the first one alone, and answers its state: then each has a
 * call of its own. */
static int send_notes(struct mailbox *mailbox, struct note *notes, size_t count, struct error *err)
{
    json_auto_t *states = NULL;
    int status = count > 0 ? call_queue(mailbox, notes, count, count > 1 ? &states : NULL, err) : 0;

    for (size_t i = 1; i < count && status == 0 && !json_is_array(states); i++)
        status = call_queue(mailbox, &notes[i], 1, NULL, err);
    for (size_t i = 0; i < count; i++)
        free(TAKE(notes[i].result));
    return status;
}

int mailbox_queue(struct mailbox *mailbox, const struct request *requests, size_t count,
                  const struct error *reasons, struct error *err)
{
    struct note notes[TOGETHER];
    size_t written = 0;
    int status = 0;

    for (size_t i = 0; i < count; i++) {
        bool is_asked = !reasons || reasons[i].fault == FAULT_NONE;
        if (is_asked && write_note(&requests[i], &notes[written]) == 0)
            written++;
        if (written < TOGETHER && i + 1 < count)
            continue;
        if (send_notes(mailbox, notes, written, err) == -1)
            status = -1;
        written = 0;
    }
    return status;
}

int mailbox_cancel(struct mailbox *mailbox, const char *user, const char *id, struct error *err)
{
    char record[KEY_SIZE], requests[KEY_SIZE], events[KEY_SIZE], retention[16];

    key_of_user(record, KEY_REQUEST, user, id);
    key_of_user(requests, KEY_REQUESTS, user, NULL);
    key_of_user(events, KEY_EVENTS, user, id);
    format_retention(retention);

    const char *const call[] = {"dcm_1_cancel", "3", record, requests, events, retention};
    return redis_link_function(mailbox->link, COUNT(call), call, NULL, err);
}
