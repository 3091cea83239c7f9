#include "submitter/courier.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/event.h"
#include "schemas/grant.h"
#include "schemas/result.h"
#include "submitter/clock.h"
#include "submitter/gate_answer.h"
#include "submitter/gate_ask.h"
#include "submitter/gate_packet.h"

#define CONNECT_S 2
#define RESTART_MS 6000 /* a gate that is started anew is back by then */
#define RESTART_LOOK_MS 50
#define SEND_MS 2000
#define SUBMIT_GRACE_MS 2000 /* beyond what the gate itself may take */
#define EVENTS_GRACE_MS 5000
#define READ_MS 5000

struct gate_courier {
    struct courier courier; /* first: what callers hold is a pointer to it */
    struct sockaddr_un address;
    int fd;      /* -1 while unconnected, and again as soon as we are out of step with the gate */
    bool closed; /* by the gate, which left us without an answer */
};

static struct gate_courier *gate_of(struct courier *courier)
{
    return (struct gate_courier *)courier;
}

static void disconnect(struct gate_courier *gate)
{
    auto_fd(&gate->fd);
    gate->fd = -1;
}

/* While the gate is started anew, as an upgrade does, there is no socket, or nobody behind it. */
static bool may_come_back(int error)
{
    return error == ENOENT || error == ECONNREFUSED;
}

/* A gate whose line of waiting clients is full makes us wait: no longer than the sending timeout,
 * which counts for connect as well (unix(7) has connect wait like a send). */
static int connect_gate(struct gate_courier *gate, struct error *err)
{
    struct timeval patience = {.tv_sec = CONNECT_S};
    int64_t until = clock_ms() + RESTART_MS;
    AUTO(fd) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == -1)
        return fail(err, FAULT_INTERNAL, "socket: %s", strerror(errno));
    while (connect(fd, (struct sockaddr *)&gate->address, sizeof(gate->address)) == -1) {
        if (errno == EINTR)
            continue;
        if (!may_come_back(errno) || clock_ms() >= until)
            return fail(err, FAULT_DEPENDENCY,
                        "the DCM gate does not answer at %s: is dcm-gate running?",
                        gate->address.sun_path);
        poll(NULL, 0, RESTART_LOOK_MS);
    }
    gate->fd = TAKE_FD(fd);
    return 0;
}

static int break_off(struct gate_courier *gate, struct error *err, const char *reason)
{
    disconnect(gate);
    return fail(err, FAULT_DEPENDENCY, "the DCM gate %s", reason);
}

/*
 * The next answer. An error among the answers is the gate's own word, and becomes *err. After every
 * other failure we are out of step: the connection is gone. `interrupted`, if it is given, is set
 * when a signal comes first; without it, signals do not end the wait.
 */
static int hear(struct gate_courier *gate, int64_t until, struct gate_answer *ret_answer,
                bool *interrupted, struct error *err)
{
    struct gate_answer answer = {0}; /* holds a value only where it is handed out */
    AUTO(string) char *bytes = NULL;
    size_t length = 0;
    enum packet_fate fate;

    do {
        fate = packet_receive(gate->fd, until, &bytes, &length);
    } while (fate == PACKET_INTERRUPTED && !interrupted);
    gate->closed = fate == PACKET_GONE;
    if (fate == PACKET_INTERRUPTED)
        *interrupted = true;
    if (fate != PACKET_DONE)
        return break_off(gate, err,
                         fate == PACKET_GONE ? "closed the connection" : "does not answer in time");

    if (gate_answer_decode(bytes, length, &answer, err) == -1) {
        disconnect(gate);
        return -1;
    }
    if (answer.kind == ANSWER_ERROR)
        return fail_by_rule(err, answer.error.fault, answer.error.rule, "%s", answer.error.text);
    *ret_answer = answer;
    return 0;
}

/* It came unasked, or in answer to something else. */
static int refuse_answer(struct gate_courier *gate, struct error *err)
{
    disconnect(gate);
    return fail(err, FAULT_INTERNAL, "the gate's answer does not fit what it was asked");
}

/*
 * The gate closes what was idle for a minute, and everything when it is started anew: then we
 * connect again. Where it has too many clients, though, it has said so before it closed.
 */
static int settle_idle(struct gate_courier *gate, struct error *err)
{
    AUTO(gate_answer) struct gate_answer answer = {0};
    struct error reason = {0};

    if (gate->fd == -1 || packet_is_quiet(gate->fd))
        return 0;
    bool refused = hear(gate, clock_ms(), &answer, NULL, &reason) == -1 && gate->fd != -1;
    disconnect(gate);
    gate->closed = false; /* nothing had been asked */
    return refused ? fail_by_rule(err, reason.fault, reason.rule, "%s", reason.text) : 0;
}

/* A failure here means that nothing has been asked. */
static int ask(struct gate_courier *gate, const struct gate_ask *question, struct error *err)
{
    AUTO(gate_answer) struct gate_answer refusal = {0};
    json_auto_t *message = NULL;

    if (gate_ask_encode(question, &message, err) == -1)
        return -1;
    if (settle_idle(gate, err) == -1)
        return -1;
    if (gate->fd == -1 && connect_gate(gate, err) == -1)
        return -1;

    enum packet_fate fate = packet_send(gate->fd, message, clock_ms() + SEND_MS);
    if (fate == PACKET_DONE)
        return 0;
    if (fate == PACKET_TOO_LARGE)
        return fail(err, FAULT_INVALID, "longer than %d bytes", GATE_PACKET_MAX);
    if (fate != PACKET_GONE)
        return break_off(gate, err, "does not take requests");
    /* A gate that turns us away says why before it closes. */
    if (hear(gate, clock_ms(), &refusal, NULL, err) == -1)
        return -1;
    return refuse_answer(gate, err);
}

/* The gate was asked. Where it did not say what came of that, the requests may be on their way. */
static void doubt_all(const struct gate_courier *gate, const struct error *reason, size_t count,
                      struct error *reasons)
{
    for (size_t i = 0; i < count; i++) {
        reasons[i] = *reason;
        if (gate->fd == -1)
            reasons[i].fault = FAULT_UNCONFIRMED;
    }
}

static bool is_about_all(const struct gate_answer *answer, const struct gate_ask *question)
{
    if (question->kind == ASK_SUBMIT)
        return answer->kind == ANSWER_CONFIRMED;
    return answer->kind == ANSWER_OUTCOMES && json_array_size(answer->value) == question->count;
}

static void submit_once(struct gate_courier *gate, const struct gate_ask *question,
                        struct error *reasons)
{
    AUTO(gate_answer) struct gate_answer answer = {0};
    struct error reason = {0};

    if (ask(gate, question, &reason) == -1) {
        for (size_t i = 0; i < question->count; i++)
            reasons[i] = reason;
        return;
    }
    int64_t until = clock_ms() + question->wait_ms + SUBMIT_GRACE_MS;
    if (hear(gate, until, &answer, NULL, &reason) == 0 && !is_about_all(&answer, question))
        refuse_answer(gate, &reason);
    if (reason.fault != FAULT_NONE) {
        doubt_all(gate, &reason, question->count, reasons);
        return;
    }
    for (size_t i = 0; i < question->count; i++)
        gate_outcome_read(json_array_get(answer.value, i), &reasons[i]);
}

/* A gate that closes without an answer may just be started anew. Then the same ids are submitted
 * once more: what has been published already is done once all the same. Where that fails too, what
 * came of the first time stays open. */
static void submit_some(struct gate_courier *gate, const struct gate_ask *question,
                        struct error *reasons)
{
    gate->closed = false;
    submit_once(gate, question, reasons);
    if (!gate->closed)
        return;
    bool in_doubt = reasons[0].fault == FAULT_UNCONFIRMED;
    submit_once(gate, question, reasons);
    for (size_t i = 0; i < question->count && in_doubt; i++)
        if (reasons[i].fault != FAULT_NONE)
            reasons[i].fault = FAULT_UNCONFIRMED;
}

static int gate_submit(struct courier *courier, const struct request *requests, size_t count,
                       int timeout_ms, struct error *reasons)
{
    struct gate_courier *gate = gate_of(courier);
    int64_t until = clock_ms() + timeout_ms;
    int status = 0;

    for (size_t i = 0; i < count;) {
        struct gate_ask question = {
            .kind = count == 1 ? ASK_SUBMIT : ASK_ENQUEUE,
            .requests = requests + i,
            .count = gate_ask_room(requests + i, count - i),
            .wait_ms = clock_left(until, timeout_ms),
        };
        if (question.wait_ms > 0)
            submit_some(gate, &question, reasons + i);
        else
            for (size_t j = i; j < i + question.count; j++)
                fail(&reasons[j], FAULT_DEPENDENCY, "the gate took too long");
        i += question.count;
    }
    for (size_t i = 0; i < count; i++)
        if (reasons[i].fault != FAULT_NONE)
            status = -1;
    return status;
}

/* An ask about one request; FAULT_INVALID. */
static int about(struct gate_ask *question, const char *id, struct error *err)
{
    if (!identifier_is_valid(id))
        return fail(err, FAULT_INVALID, "this is no request's id");
    memcpy(question->id, id, IDENTIFIER_SIZE);
    return 0;
}

static int gate_record(struct courier *courier, const char *id, json_t **ret_result,
                       struct error *err)
{
    struct gate_courier *gate = gate_of(courier);
    struct gate_ask question = {.kind = ASK_RECORD};
    AUTO(gate_answer) struct gate_answer answer = {0};

    if (about(&question, id, err) == -1 || ask(gate, &question, err) == -1 ||
        hear(gate, clock_ms() + READ_MS, &answer, NULL, err) == -1)
        return -1;
    if (answer.kind != ANSWER_RESULT || result_check(answer.value, NULL) == -1)
        return refuse_answer(gate, err);
    *ret_result = TAKE(answer.value);
    return 0;
}

/* ---- lists, an item a packet ---- */

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
        if (hear(gate, until, &answer, harvest->interrupted, err) == -1)
            return -1;
        if (answer.kind == ANSWER_END) {
            memcpy(harvest->cursor, answer.cursor, sizeof(harvest->cursor));
            return 0;
        }
        if (answer.kind != ANSWER_ITEM)
            return refuse_answer(gate, err);
        if (harvest->understands(answer.value))
            json_array_append(harvest->items, answer.value);
    }
}

/* A signal ends the wait as if nothing had come: whoever follows a request looks at his flags then.
 * What had come is not lost, as the cursor has not moved. */
static int gate_events(struct courier *courier, const char *id, char cursor[COURIER_CURSOR_SIZE],
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
    if (about(&question, id, err) == -1 || ask(gate, &question, err) == -1)
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

static int gate_list(struct courier *courier, enum listing listing, json_t **ret_list,
                     struct error *err)
{
    struct gate_courier *gate = gate_of(courier);
    struct gate_ask question = {.kind = ASK_LIST, .listing = listing};
    json_auto_t *list = json_array();
    struct harvest harvest = {.understands = listed[listing], .items = list};

    if (ask(gate, &question, err) == -1 || gather(gate, clock_ms() + READ_MS, &harvest, err) == -1)
        return -1;
    *ret_list = TAKE(list);
    return 0;
}

static void gate_close(struct courier *courier)
{
    struct gate_courier *gate = gate_of(courier);

    disconnect(gate);
    free(gate);
}

static const struct courier_methods gate_methods = {
    .submit = gate_submit,
    .record = gate_record,
    .events = gate_events,
    .list = gate_list,
    .close = gate_close,
};

int courier_gate_open(const char *socket_path, struct courier **ret_courier, struct error *err)
{
    struct gate_courier *gate = calloc(1, sizeof(*gate));
    if (!gate)
        return fail(err, FAULT_INTERNAL, "out of memory");

    AUTO(courier) struct courier *courier = &gate->courier;
    courier->methods = &gate_methods;
    gate->fd = -1;
    gate->address.sun_family = AF_UNIX;
    if (snprintf(gate->address.sun_path, sizeof(gate->address.sun_path), "%s", socket_path) >=
        (int)sizeof(gate->address.sun_path))
        return fail(err, FAULT_INVALID, "the gate's socket: \"%s\" is too long for a socket's path",
                    socket_path);
    if (connect_gate(gate, err) == -1)
        return -1;
    *ret_courier = TAKE(courier);
    return 0;
}
