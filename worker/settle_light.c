#include "worker/settle_light.h"

#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/clock.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "schemas/result.h"
#include "worker/admission.h"
#include "worker/audit.h"
#include "worker/journal.h"
#include "worker/policy.h"
#include "worker/record.h"
#include "worker/store_requests.h"

struct light {
    size_t work; /* its place among the works */
    struct request request;
    char hash[REQUEST_HASH_SIZE];
};

struct lights {
    size_t count;
    struct light list[WORKS_MOST];
    struct store_ending endings[WORKS_MOST]; /* what the store is asked for: each one's */
    bool ended[WORKS_MOST];                  /* and which of them it has ended */
    struct job jobs[WORKS_MOST];             /* of these */
};

static void auto_lights(struct lights **slot)
{
    struct lights *lights = *slot;
    for (size_t i = 0; lights && i < lights->count; i++)
        request_clear(&lights->list[i].request);
    free(lights);
}

static struct job job_of(const struct light *light, const struct work *work)
{
    return (struct job){.request = light->request, .publisher = work->account};
}

/* Nothing stands against it, and its id is in no other use here. */
static bool is_plain(struct runner *runner, const struct light *light, const struct work *work)
{
    AUTO(journal_entry) struct journal_entry entry = {0};
    struct error unheard;
    struct job job = job_of(light, work);
    return policy_check_publisher(runner->policy, job.publisher, job.request.user, &unheard) == 0 &&
           admission_of_time(&job.request, &unheard) == 0 &&
           journal_find(runner->journal, job.request.id, &entry, &unheard) == 0 &&
           entry.state == JOURNAL_UNKNOWN;
}

static void take_up(struct runner *runner, const struct work *work, size_t place,
                    struct lights *lights)
{
    struct light *light = &lights->list[lights->count];
    struct error unheard;
    if (request_decode(work->body, work->length, &light->request, &unheard) < 0)
        return;
    if (!is_plain(runner, light, work)) {
        request_clear(&light->request);
        return;
    }
    light->work = place;
    request_hash(&light->request, light->hash);
    lights->count++;
}

static void take_up_all(struct runner *runner, const struct works *works, struct lights *lights)
{
    struct error unheard;
    if (journal_look(runner->journal, &unheard) < 0)
        return;
    for (size_t i = 0; i < works->count; i++)
        take_up(runner, &works->list[i], i, lights);
    journal_looked(runner->journal);
}

/* Their lines in audit log and log are each written together: they say no less for it. */
static void record_all(const struct runner *runner, const struct job *jobs, size_t count)
{
    json_auto_t *done = json_pack("{s:s}", "state", "done");
    FAULT_POINT("result.told");
    audit_requests(runner, jobs, count, done);
    log_gather();
    for (size_t i = 0; i < count; i++) {
        log_request(jobs[i].request.id);
        record_end(runner, &jobs[i], done);
    }
    log_request(NULL);
    log_release();
    FAULT_POINT("result.after");
}

void settle_light(struct runner *runner, const struct works *works, bool *ret_settled)
{
    /* Not on the stack, which keeps what it has once grown to. */
    AUTO(lights) struct lights *lights = calloc(1, sizeof *lights);
    size_t count = 0;
    struct error unheard;
    int64_t claimed_at = clock_ms();

    if (!lights)
        return;
    take_up_all(runner, works, lights);
    for (size_t i = 0; i < lights->count; i++)
        lights->endings[i] = (struct store_ending){.request = &lights->list[i].request,
                                                   .hash = lights->list[i].hash};
    FAULT_POINT("claim.before");
    if (lights->count == 0 || store_end_unclaimed(runner->store, lights->endings, lights->count,
                                                  lights->ended, &unheard) < 0)
        return;
    FAULT_POINT("claim.after");
    for (size_t i = 0; i < lights->count; i++) {
        const struct light *light = &lights->list[i];
        ret_settled[light->work] = lights->ended[i];
        if (!lights->ended[i])
            continue;
        lights->jobs[count] = job_of(light, &works->list[light->work]);
        lights->jobs[count++].claimed_at = claimed_at;
    }
    if (count > 0)
        record_all(runner, lights->jobs, count);
}
