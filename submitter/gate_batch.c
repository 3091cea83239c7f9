#include "submitter/gate_batch.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "submitter/gate_answer.h"

struct batch {
    const struct gate_client *client;
    struct gate_ask ask; /* owned */
    struct passage passage;
    struct error excess; /* why not all of them go */
    struct error reasons[];
};

struct batch *batch_begin(const struct gate_client *client, struct courier *courier,
                          struct gate_ask *ask)
{
    struct batch *batch = calloc(1, sizeof(*batch) + ask->count * sizeof(batch->reasons[0]));

    if (!batch)
        return NULL;
    batch->client = client;
    batch->ask = *ask;
    *ask = (struct gate_ask){.kind = ask->kind};
    batch->passage = (struct passage){
        .requests = batch->ask.requests,
        .count = meter_take(client->meter, client->peer.uid, batch->ask.count, clock_ms(),
                            &batch->excess),
        .reasons = batch->reasons,
    };
    if (batch->passage.count > 0)
        courier_direct_begin(courier, &batch->passage, batch->ask.wait_ms);
    return batch;
}

static void log_submitted(const struct request *request, const struct error *reason)
{
    log_request(request->id);
    if (reason->fault == FAULT_NONE)
        log_info("%s for %s: published", op_name(request->op), request->user);
    else
        log_warning("%s for %s: %s", op_name(request->op), request->user, reason->text);
    log_request(NULL);
}

const struct error *batch_finish(struct batch *batch, struct courier *courier)
{
    const struct gate_ask *ask = &batch->ask;
    size_t granted = batch->passage.count;

    if (granted > 0)
        courier_direct_finish(courier, &batch->passage);
    log_gather();
    for (size_t i = 0; i < granted; i++)
        log_submitted(&ask->requests[i], &batch->reasons[i]);
    log_release();
    for (size_t i = granted; i < ask->count; i++)
        batch->reasons[i] = batch->excess;
    if (granted < ask->count)
        log_warning("%zu requests for %s: %s", ask->count - granted, batch->client->peer.user,
                    batch->excess.text);
    return batch->reasons;
}

json_t *batch_outcomes(const struct batch *batch)
{
    json_t *outcomes = json_array();

    for (size_t i = 0; i < batch->ask.count; i++)
        json_array_append_new(outcomes, gate_outcome_of(&batch->reasons[i]));
    return outcomes;
}

void batch_free(struct batch *batch)
{
    if (!batch)
        return;
    gate_ask_clear(&batch->ask);
    free(batch);
}
