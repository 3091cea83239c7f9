#include "submitter/gate_client.h"

#include <stdio.h>

#include "common/auto.h"
#include "common/clock.h"
#include "common/prefork.h"
#include "submitter/gate_answer.h"
#include "submitter/gate_ask.h"
#include "submitter/gate_batch.h"
#include "submitter/gate_packet.h"

#define FIRST_ASK_MS 10000 /* who connects has something to ask */
#define NEXT_ASK_MS 60000
#define SEND_MS 5000  /* for all packets of one answer together */
#define SLICE_MS 1000 /* how soon a stop, or a client that has gone, is noticed */

struct conversation {
    const struct gate_client *client;
    struct gate_keeper *keeper;
    struct batch *under_way; /* begun by the last ask, and not answered; or NULL */
    int64_t send_until;      /* of the answer that is being given; 0: it has not begun */
    bool over;
};

/* ---- answers ---- */

static enum packet_fate send_answer(struct conversation *talk, const struct gate_answer *answer)
{
    json_auto_t *message = gate_answer_encode(answer);
    AUTO(string) char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;

    if (talk->send_until == 0)
        talk->send_until = clock_ms() + SEND_MS;
    /* Without memory there is no text: for the other end, that is as good as no answer. */
    return text ? packet_send(talk->client->fd, text, talk->send_until) : PACKET_GONE;
}

/* Once this is said the ask has been answered. */
static void say_error(struct conversation *talk, const struct error *err)
{
    struct gate_answer answer = {.kind = ANSWER_ERROR, .error = *err};

    if (send_answer(talk, &answer) != PACKET_DONE)
        talk->over = true;
}

/* False: there is no use in saying more in answer to this ask. */
static bool say(struct conversation *talk, const struct gate_answer *answer)
{
    enum packet_fate fate = send_answer(talk, answer);
    struct error err = {0};

    if (fate == PACKET_TOO_LARGE) {
        fail(&err, FAULT_INTERNAL, "the answer is larger than %d bytes", GATE_PACKET_MAX);
        say_error(talk, &err);
    } else if (fate != PACKET_DONE) {
        talk->over = true;
    }
    return fate == PACKET_DONE;
}

/* The items of a list each in a packet of its own, and the end. The cursor that follows is that of
 * all: before the last item one can only go on from where one came. */
static void say_items(struct conversation *talk, const json_t *items, const char *before,
                      const char *after)
{
    size_t count = json_array_size(items);

    for (size_t i = 0; i < count; i++) {
        struct gate_answer item = {.kind = ANSWER_ITEM, .value = json_array_get(items, i)};
        snprintf(item.cursor, sizeof(item.cursor), "%s", i + 1 < count ? before : after);
        if (!say(talk, &item))
            return;
    }
    struct gate_answer end = {.kind = ANSWER_END};
    snprintf(end.cursor, sizeof(end.cursor), "%s", after);
    say(talk, &end);
}

/* ---- requests ---- */

/* One answer for all, so that none is lost of what was asked together. */
static void settle_under_way(struct conversation *talk)
{
    AUTO(batch) struct batch *batch = TAKE(talk->under_way);

    if (!batch)
        return;
    batch_finish(batch, talk->keeper->courier);
    json_auto_t *outcomes = batch_outcomes(batch);
    struct gate_answer answer = {.kind = ANSWER_OUTCOMES, .value = outcomes};
    talk->send_until = 0;
    say(talk, &answer);
}

static struct batch *begin(const struct conversation *talk, struct gate_ask *ask, struct error *err)
{
    struct batch *batch = batch_begin(talk->client, talk->keeper->courier, ask);

    if (!batch)
        fail(err, FAULT_INTERNAL, "out of memory");
    return batch;
}

/* ---- asks: each fills *err and returns -1, or has answered, or will ---- */

static int answer_submit(struct conversation *talk, struct gate_ask *ask, struct error *err)
{
    AUTO(batch) struct batch *batch = begin(talk, ask, err);
    struct gate_answer answer = {.kind = ANSWER_CONFIRMED};

    if (!batch)
        return -1;
    const struct error *reason = batch_finish(batch, talk->keeper->courier);
    if (reason->fault != FAULT_NONE) {
        *err = *reason;
        return -1;
    }
    say(talk, &answer);
    return 0;
}

/* What was asked before is waited for once these have gone too. */
static int answer_enqueue(struct conversation *talk, struct gate_ask *ask, struct error *err)
{
    struct batch *batch = begin(talk, ask, err);

    settle_under_way(talk);
    talk->send_until = 0;
    talk->under_way = batch;
    return batch ? 0 : -1;
}

static int answer_record(struct conversation *talk, struct gate_ask *ask, struct error *err)
{
    struct courier *courier = talk->keeper->courier;
    json_auto_t *result = NULL;

    if (courier->methods->record(courier, ask->id, &result, err) == -1)
        return -1;
    struct gate_answer answer = {.kind = ANSWER_RESULT, .value = result};
    say(talk, &answer);
    return 0;
}

/* Waits in slices, so that a client that has gone does not hold a child for the whole wait. */
static int answer_events(struct conversation *talk, struct gate_ask *ask, struct error *err)
{
    struct courier *courier = talk->keeper->courier;
    int64_t until = clock_ms() + ask->wait_ms;
    char cursor[COURIER_CURSOR_SIZE];
    json_auto_t *events = NULL;

    snprintf(cursor, sizeof(cursor), "%s", ask->after);
    for (;;) {
        int wait_ms = clock_left(until, SLICE_MS);
        if (courier->methods->events(courier, ask->id, cursor, wait_ms, &events, err) == -1)
            return -1;
        if (json_array_size(events) > 0 || clock_ms() >= until || prefork_stopping)
            break;
        if (packet_peer_is_gone(talk->client->fd)) {
            talk->over = true;
            return 0;
        }
        json_decref(TAKE(events));
    }
    say_items(talk, events, ask->after, cursor);
    return 0;
}

static int answer_list(struct conversation *talk, struct gate_ask *ask, struct error *err)
{
    struct courier *courier = talk->keeper->courier;
    json_auto_t *list = NULL;

    if (courier->methods->list(courier, ask->listing, &list, err) == -1)
        return -1;
    say_items(talk, list, "", "");
    return 0;
}

static int (*const answers[ASK_COUNT])(struct conversation *talk, struct gate_ask *ask,
                                       struct error *err) = {
    [ASK_SUBMIT] = answer_submit, [ASK_ENQUEUE] = answer_enqueue, [ASK_RECORD] = answer_record,
    [ASK_EVENTS] = answer_events, [ASK_LIST] = answer_list,
};

/* ---- the conversation ---- */

static void answer_ask(struct conversation *talk, const char *bytes, size_t length)
{
    AUTO(gate_ask) struct gate_ask ask = {0};
    struct error err = {0};

    int status = gate_ask_decode(bytes, length, talk->client->peer.user, &ask, &err);
    if (status == -1 || ask.kind != ASK_ENQUEUE)
        settle_under_way(talk); /* answers come in the order of the asks */
    talk->send_until = 0;
    if (status == -1 || answers[ask.kind](talk, &ask, &err) == -1)
        say_error(talk, &err);
}

/* The next ask, with the courier kept warm while the client thinks. False: there will be none. */
static bool await_ask(struct conversation *talk, int patience_ms, char **ret_bytes,
                      size_t *ret_length)
{
    int64_t until = clock_ms() + patience_ms;

    while (!prefork_stopping && clock_ms() < until) {
        int64_t slice = clock_ms() + clock_left(until, SLICE_MS);
        enum packet_fate fate = packet_receive(talk->client->fd, slice, ret_bytes, ret_length);
        if (fate == PACKET_DONE)
            return true;
        if (fate == PACKET_TOO_LARGE) {
            struct error err = {0};
            settle_under_way(talk);
            fail(&err, FAULT_INVALID, "longer than %d bytes", GATE_PACKET_MAX);
            talk->send_until = 0;
            say_error(talk, &err);
            return false;
        }
        if (fate == PACKET_GONE)
            return false;
        gate_keep(talk->keeper);
    }
    return false;
}

void gate_client_serve(const struct gate_client *client, struct gate_keeper *keeper)
{
    struct conversation talk = {.client = client, .keeper = keeper};
    int patience_ms = FIRST_ASK_MS;

    while (!talk.over) {
        AUTO(string) char *bytes = NULL;
        size_t length = 0;
        if (packet_is_quiet(client->fd))
            settle_under_way(&talk);
        if (!await_ask(&talk, patience_ms, &bytes, &length))
            break;
        answer_ask(&talk, bytes, length);
        patience_ms = NEXT_ASK_MS;
    }
    settle_under_way(&talk); /* what was asked is noted, whoever is still there */
}

void gate_client_refuse(const struct gate_client *client, const struct error *reason)
{
    /* It has just connected: there is room for one answer, or it is not worth waiting for. */
    struct conversation talk = {.client = client, .send_until = clock_ms()};
    say_error(&talk, reason);
}
