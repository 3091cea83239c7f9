/* The connection to the gate: asks go out, answers come in, and who is out of step connects anew.
 */
#include "submitter/courier_gate_private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/auto.h"
#include "common/clock.h"
#include "common/count.h"
#include "submitter/gate_packet.h"

#define CONNECT_S 2
#define RESTART_MS 6000 /* a gate that is started anew is back by then */
#define RESTART_LOOK_MS 50
#define SEND_MS 2000

void gate_disconnect(struct gate_courier *gate)
{
    auto_fd(&gate->fd);
    gate->fd = -1;
    gate->foreseen = (struct foreseen){.id = ""};
}

/* While the gate is started anew, as an upgrade does, there is no socket, or nobody behind it. */
static bool may_come_back(int error)
{
    return error == ENOENT || error == ECONNREFUSED;
}

/* A gate whose line of waiting clients is full makes us wait: no longer than the sending timeout,
 * which counts for connect as well (unix(7) has connect wait like a send). */
int gate_connect(struct gate_courier *gate, struct error *err)
{
    struct timeval patience = {.tv_sec = CONNECT_S};
    int64_t until = clock_ms() + RESTART_MS;
    AUTO(fd) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == -1)
        return fail(err, FAULT_INTERNAL, "socket: %s", strerror(errno));
    while (connect(fd, (struct sockaddr *)&gate->address, sizeof(gate->address)) == -1) {
        if (errno == EINTR)
            continue;
        if (gate->interrupted && *gate->interrupted)
            return fail(err, FAULT_DEPENDENCY, "interrupted before the DCM gate was back");
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
    gate_disconnect(gate);
    return fail(err, FAULT_DEPENDENCY, "the DCM gate %s", reason);
}

int gate_hear(struct gate_courier *gate, int64_t until, struct gate_answer *ret_answer,
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
        gate_disconnect(gate);
        return -1;
    }
    if (answer.kind == ANSWER_ERROR)
        return fail_by_rule(err, answer.error.fault, answer.error.rule, "%s", answer.error.text);
    *ret_answer = answer;
    return 0;
}

int gate_refuse_answer(struct gate_courier *gate, struct error *err)
{
    gate_disconnect(gate);
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
    bool refused = gate_hear(gate, clock_ms(), &answer, NULL, &reason) == -1 && gate->fd != -1;
    gate_disconnect(gate);
    gate->closed = false; /* nothing had been asked */
    return refused ? fail_by_rule(err, reason.fault, reason.rule, "%s", reason.text) : 0;
}

static const enum gate_ask_kind foreseen_kinds[] = {ASK_EVENTS, ASK_RECORD};

static struct gate_ask foreseen_ask(const struct foreseen *foreseen, size_t number)
{
    struct gate_ask question = {.kind = foreseen_kinds[number], .wait_ms = foreseen->wait_ms};

    memcpy(question.id, foreseen->id, IDENTIFIER_SIZE);
    if (question.kind == ASK_EVENTS)
        strcpy(question.after, "0-0");
    return question;
}

/* Has it been asked already? What comes in answer to anything else is of no use any more. */
static bool was_foreseen(struct gate_courier *gate, const struct gate_ask *question)
{
    struct foreseen *foreseen = &gate->foreseen;

    if (foreseen->taken == foreseen->asked)
        return false;
    struct gate_ask next = foreseen_ask(foreseen, foreseen->taken);
    if (next.kind == question->kind && strcmp(next.id, question->id) == 0 &&
        strcmp(next.after, question->after) == 0) {
        foreseen->taken++;
        return true;
    }
    gate_disconnect(gate);
    return false;
}

void gate_ask_foreseen(struct gate_courier *gate, const struct request *request)
{
    struct foreseen *foreseen = &gate->foreseen;

    /* Once: whoever submits it again is following it already. */
    if (foreseen->asked > 0 || strcmp(foreseen->id, request->id) != 0)
        *foreseen = (struct foreseen){.id = ""};
    while (foreseen->id[0] && foreseen->asked < COUNT(foreseen_kinds)) {
        struct gate_ask question = foreseen_ask(foreseen, foreseen->asked);
        if (!gate_ask_behind(gate, &question))
            return;
        foreseen->asked++;
    }
}

int gate_ask(struct gate_courier *gate, struct gate_ask *question, struct error *err)
{
    AUTO(gate_answer) struct gate_answer refusal = {0};
    AUTO(string) char *text = NULL;

    if (was_foreseen(gate, question))
        return 0;
    if (gate_ask_encode(question, &text, err) == -1)
        return -1;
    if (settle_idle(gate, err) == -1)
        return -1;
    if (gate->fd == -1 && gate_connect(gate, err) == -1)
        return -1;

    enum packet_fate fate = packet_send(gate->fd, text, clock_ms() + SEND_MS);
    if (fate == PACKET_DONE)
        return 0;
    if (fate == PACKET_TOO_LARGE)
        return fail(err, FAULT_INVALID, "longer than %d bytes", GATE_PACKET_MAX);
    if (fate != PACKET_GONE)
        return break_off(gate, err, "does not take requests");
    /* A gate that turns us away says why before it closes. */
    if (gate_hear(gate, clock_ms(), &refusal, NULL, err) == -1)
        return -1;
    return gate_refuse_answer(gate, err);
}

bool gate_ask_behind(struct gate_courier *gate, struct gate_ask *question)
{
    AUTO(string) char *text = NULL;

    return gate->fd != -1 && gate_ask_encode(question, &text, NULL) == 0 &&
           packet_send(gate->fd, text, clock_ms()) == PACKET_DONE;
}
