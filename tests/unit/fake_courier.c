#include "tests/unit/fake_courier.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "schemas/result.h"

static struct fake_courier *fake_of(struct courier *courier)
{
    return (struct fake_courier *)courier;
}

json_t *fake_result(enum op op, const char *id, const char *state, enum fault fault)
{
    struct request request = {.op = op, .user = "alice", .submitted = 1795467600000};
    struct error reason = {.fault = fault};

    memcpy(request.id, id, IDENTIFIER_SIZE);
    json_t *result = result_new(&request);
    if (state && strcmp(state, "running") == 0)
        result_set_running(result, "lcg50");
    if (state && strcmp(state, "done") == 0)
        result_set_done(result, "lcg50");
    if (!state) {
        fail_by_rule(&reason, fault, fault == FAULT_DENIED ? "defaults.images" : "", "no luck");
        result_set_failed(result, "lcg50", &reason);
    }
    return result;
}

static size_t step_of(size_t calls, size_t filled)
{
    return calls < filled ? calls : filled - 1;
}

static int fake_submit(struct courier *courier, const struct request *requests, size_t count,
                       int timeout_ms, struct error *reasons)
{
    struct fake_courier *fake = fake_of(courier);
    int status = 0;

    (void)timeout_ms;
    for (size_t i = 0; i < count; i++) {
        size_t call = fake->submit_calls++ % FAKE_STEPS;
        memcpy(fake->submitted[call], requests[i].id, IDENTIFIER_SIZE);
        fake->deadline = requests[i].deadline;
        json_decref(fake->args);
        fake->args = json_incref(requests[i].args);
        reasons[i] = (struct error){.fault = FAULT_NONE};
        if (fake->submits[call] != FAULT_NONE)
            status = fail(&reasons[i], fake->submits[call], "the broker is away");
    }
    return status;
}

static int fake_record(struct courier *courier, const char *id, json_t **ret_result,
                       struct error *err)
{
    struct fake_courier *fake = fake_of(courier);
    size_t filled = 1;

    while (filled < FAKE_STEPS && (fake->records[filled].state || fake->records[filled].fault ||
                                   fake->records[filled].ends_with))
        filled++;
    const struct fake_record *step = &fake->records[step_of(fake->record_calls++, filled)];
    if (step->fault != FAULT_NONE)
        return fail(err, step->fault, "no record");
    *ret_result = fake_result(fake->op, id, step->state, step->ends_with);
    return 0;
}

/* The cursor counts the calls that gave events: as a stream's, it moves only with them. */
static int fake_events(struct courier *courier, const char *id, char cursor[COURIER_CURSOR_SIZE],
                       int wait_ms, json_t **ret_events, struct error *err)
{
    struct fake_courier *fake = fake_of(courier);
    size_t call = fake->events_calls++;
    struct timespec pause = {.tv_nsec = wait_ms * 1000000L};

    (void)id;
    if (wait_ms > fake->longest_wait_ms)
        fake->longest_wait_ms = wait_ms;
    if (fake->interrupt_at == fake->events_calls)
        fake->interrupted = 1;
    if (call < FAKE_STEPS && fake->events[call].fault != FAULT_NONE)
        return fail(err, fake->events[call].fault, "no events");

    json_t *events = json_array();
    for (size_t i = 0; call < FAKE_STEPS && i < 4 && fake->events[call].texts[i]; i++)
        json_array_append_new(events, json_loads(fake->events[call].texts[i], 0, NULL));
    if (json_array_size(events) > 0)
        snprintf(cursor, COURIER_CURSOR_SIZE, "%zu-0", call + 1);
    else
        nanosleep(&pause, NULL);
    *ret_events = events;
    return 0;
}

static int fake_list(struct courier *courier, enum listing listing, json_t **ret_list,
                     struct error *err)
{
    struct fake_courier *fake = fake_of(courier);

    if (!fake->lists[listing])
        return fail(err, FAULT_DEPENDENCY, "the store is away");
    *ret_list = json_incref(fake->lists[listing]);
    return 0;
}

static void fake_close(struct courier *courier)
{
    (void)courier;
}

void fake_courier_begin(struct fake_courier *fake)
{
    static const struct courier_methods methods = {
        .submit = fake_submit,
        .record = fake_record,
        .events = fake_events,
        .list = fake_list,
        .close = fake_close,
    };

    *fake = (struct fake_courier){.courier = {&methods}};
}
