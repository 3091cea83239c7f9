/* container.start, .stop, .restart, .pause, .unpause */
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "worker/describe.h"
#include "worker/journal_waits.h"
#include "worker/locks.h"
#include "worker/requests/requests.h"
#include "worker/store_containers.h"

/* What each one asks of the engine, and from which states it makes sense. */
static const struct step {
    enum engine_verb verb;
    bool starts;      /* policy is asked again */
    bool runs;        /* not for one whose end has come */
    const char *only; /* the one state to start from; NULL: any but `never` */
    const char *never;
    const char *already; /* in this state nothing is left to do */
    const char *advice;
} steps[OP_COUNT] = {
    [OP_CONTAINER_START] = {.verb = ENGINE_START,
                            .starts = true,
                            .runs = true,
                            .never = "paused",
                            .already = "running",
                            .advice = "unpause it instead"},
    [OP_CONTAINER_STOP] = {.verb = ENGINE_STOP, .already = "stopped"},
    [OP_CONTAINER_RESTART] = {.verb = ENGINE_RESTART,
                              .starts = true,
                              .runs = true,
                              .never = "paused",
                              .advice = "unpause it first"},
    [OP_CONTAINER_PAUSE] = {.verb = ENGINE_PAUSE,
                            .only = "running",
                            .already = "paused",
                            .advice = "start it first"},
    [OP_CONTAINER_UNPAUSE] = {.verb = ENGINE_UNPAUSE,
                              .runs = true,
                              .only = "paused",
                              .advice = "only a paused container can be unpaused"},
};

/* To restart one whose address is missing would leave it stopped. */
static int check_state(const struct step *step, const struct owned *owned, struct error *err)
{
    const char *state = container_state(owned->inspected);
    struct ports ports;
    uint16_t ssh_port;
    bool wrong = (step->only && strcmp(state, step->only) != 0) ||
                 (step->never && strcmp(state, step->never) == 0);
    if (wrong)
        return fail(err, FAULT_CONFLICT, "%s is %s: %s", owned->name, state, step->advice);
    describe_ports(owned->inspected, &ports, &ssh_port);
    return step->starts ? container_check_addresses(&ports, err) : 0;
}

/* An interrupted attempt may have done all: what was paused runs, or has been started since. */
static bool was_done_before(const struct step *step, const struct job *job, const json_t *inspected)
{
    const json_t *state = json_object_get(inspected, "State");
    const char *started = text_at(state, "StartedAt");
    int64_t at = 0;
    if (!job->resumed || strcmp(container_state(inspected), "running") != 0)
        return false;
    if (step->verb == ENGINE_RESTART)
        return describe_time(started, &at) == 0 && at >= job->begun;
    return step->verb == ENGINE_UNPAUSE;
}

static bool is_done(const struct step *step, const struct job *job, const json_t *inspected)
{
    if (step->already)
        return strcmp(container_state(inspected), step->already) == 0;
    return was_done_before(step, job, inspected);
}

static int judge(struct runner *runner, const struct job *job, const struct owned *owned,
                 struct verdicts *verdicts, struct error *err)
{
    const struct step *step = &steps[job->request.op];
    if (step->starts &&
        container_check_policy(runner, job->request.user, owned, NULL, verdicts, err) < 0)
        return -1;
    if (is_done(step, job, owned->inspected))
        return 0;
    if (step->runs && container_check_life(runner, owned, err) < 0)
        return verdict_refused(verdicts, err, "container %s after its end", owned->name);
    if (check_state(step, owned, err) == 0)
        return 0;
    return verdict_refused(verdicts, err, "container %s as it is", owned->name);
}

int judge_lifecycle(struct runner *runner, const struct job *job, struct verdicts *verdicts,
                    struct error *err)
{
    AUTO(owned) struct owned owned = {0};
    if (owned_judge(runner, job, verdicts, &owned, err) < 0)
        return -1;
    return owned.entry ? judge(runner, job, &owned, verdicts, err) : 0;
}

/* The keeper starts again what the engine could not: its user's word counts more. */
static int note_word(struct runner *runner, const struct job *job, const struct owned *owned,
                     struct error *err)
{
    struct wait row;
    bool waits = false;
    if (steps[job->request.op].starts)
        return waits_forget(runner->journal, owned->id, err);
    if (waits_find(runner->journal, owned->id, &row, &waits, err) < 0)
        return -1;
    if (!waits && !container_lacked_address(owned->inspected))
        return 0;
    return waits_note(runner->journal, owned->id, job->request.user, owned->name, WAITS_NO_MORE,
                      err);
}

static int act(struct runner *runner, const struct job *job, const struct owned *owned,
               struct error *err)
{
    const struct step *step = &steps[job->request.op];
    bool taken = false;
    if (judge(runner, job, owned, job->decided, err) < 0 || note_word(runner, job, owned, err) < 0)
        return -1;
    if (is_done(step, job, owned->inspected))
        return 0;
    if (engine_container_act(runner->engine, step->verb, owned->id, &taken, err) < 0)
        return taken ? fail(err, FAULT_CONFLICT,
                            "a port of %s is in use outside DCM: tell your administrator",
                            owned->name)
                     : -1;
    return 0;
}

int request_lifecycle(struct runner *runner, struct job *job, json_t *result, struct error *err)
{
    AUTO(owned) struct owned owned = {0};
    AUTO(lock) struct lock lock = {.file = -1};
    json_auto_t *after = NULL;
    if (owned_find(runner, job, &owned, err) < 0)
        return -1;
    if (lock_take(runner->config->state, LOCK_CONTAINER, owned.id, false, &lock, err) < 0)
        return -1;
    /* Again, now that nobody else changes it. */
    owned_clear(&owned);
    if (owned_find(runner, job, &owned, err) < 0 || act(runner, job, &owned, err) < 0)
        return -1;
    if (engine_container_inspect(runner->engine, owned.id, &after, err) < 0)
        return -1;
    const char *state = container_state(after);
    if (store_set_state(runner->store, job->request.user, owned.name, state, err) < 0)
        return -1;
    json_t *container = json_deep_copy(json_object_get(owned.entry, "container"));
    json_object_set_new(container, "state", json_string(state));
    json_object_del(container, "waits_for");
    json_object_set_new(result, "container", container);
    return 0;
}
