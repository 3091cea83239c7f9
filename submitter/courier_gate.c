#include "submitter/courier_gate_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/auto.h"
#include "common/clock.h"
#include "schemas/result.h"
#include "submitter/gate_answer.h"

int gate_about(struct gate_ask *question, const char *id, struct error *err)
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

    if (gate_about(&question, id, err) == -1 || gate_ask(gate, &question, err) == -1 ||
        gate_hear(gate, clock_ms() + GATE_READ_MS, &answer, NULL, err) == -1)
        return -1;
    if (answer.kind != ANSWER_RESULT || result_check(answer.value, NULL) == -1)
        return gate_refuse_answer(gate, err);
    *ret_result = TAKE(answer.value);
    return 0;
}

static void gate_foresee(struct courier *courier, const char *id, int wait_ms)
{
    struct foreseen *foreseen = &gate_of(courier)->foreseen;

    if (foreseen->taken < foreseen->asked || !identifier_is_valid(id))
        return;
    *foreseen = (struct foreseen){.wait_ms = wait_ms};
    memcpy(foreseen->id, id, IDENTIFIER_SIZE);
}

static void gate_close(struct courier *courier)
{
    struct gate_courier *gate = gate_of(courier);

    gate_disconnect(gate);
    free(gate);
}

static const struct courier_methods gate_methods = {
    .submit = gate_submit,
    .record = gate_record,
    .events = gate_events,
    .list = gate_list,
    .foresee = gate_foresee,
    .close = gate_close,
};

int courier_gate_open(const char *socket_path, const volatile sig_atomic_t *interrupted,
                      struct courier **ret_courier, struct error *err)
{
    struct gate_courier *gate = calloc(1, sizeof(*gate));
    if (!gate)
        return fail(err, FAULT_INTERNAL, "out of memory");

    AUTO(courier) struct courier *courier = &gate->courier;
    courier->methods = &gate_methods;
    gate->interrupted = interrupted;
    gate->fd = -1;
    gate->address.sun_family = AF_UNIX;
    if (snprintf(gate->address.sun_path, sizeof(gate->address.sun_path), "%s", socket_path) >=
        (int)sizeof(gate->address.sun_path))
        return fail(err, FAULT_INVALID, "the gate's socket: \"%s\" is too long for a socket's path",
                    socket_path);
    if (gate_connect(gate, err) == -1)
        return -1;
    *ret_courier = TAKE(courier);
    return 0;
}
