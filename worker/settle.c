#include "worker/settle.h"

#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/log.h"
#include "schemas/keys.h"
#include "schemas/result.h"
#include "schemas/units.h"
#include "worker/locks.h"
#include "worker/policy.h"
#include "worker/requests/requests.h"

#define CLOCK_SKEW_MS (5LL * 60 * 1000)

/* What the kinds of requests do, and whether the journal must know before they begin. */
enum { READS = 0, JOURNALLED = 1 };
static const struct action {
    request_action *run;
    unsigned facts;
} actions[OP_COUNT] = {
    [OP_PING] = {request_ping, READS},
    [OP_CONTAINER_CREATE] = {request_create, JOURNALLED},
    [OP_CONTAINER_START] = {request_lifecycle, JOURNALLED},
    [OP_CONTAINER_STOP] = {request_lifecycle, JOURNALLED},
    [OP_CONTAINER_RESTART] = {request_lifecycle, JOURNALLED},
    [OP_CONTAINER_PAUSE] = {request_lifecycle, JOURNALLED},
    [OP_CONTAINER_UNPAUSE] = {request_lifecycle, JOURNALLED},
    [OP_CONTAINER_REMOVE] = {request_remove, JOURNALLED},
    [OP_CONTAINER_LOGS] = {request_logs, READS},
    [OP_IMAGE_COMMIT] = {request_commit, JOURNALLED},
    [OP_IMAGE_REMOVE] = {request_image_remove, JOURNALLED},
};

/* Ids say when they were made: one from long ago may be of a record that has been forgotten, and
 * would be done twice. */
static int check_age(const struct request *request, struct error *err)
{
    int64_t made = identifier_milliseconds(request->id);
    int64_t now = timestamp_now();
    if (made > now + CLOCK_SKEW_MS)
        return fail(err, FAULT_INVALID,
                    "the request's id is from the future: check the submitting server's clock");
    if (made < now - 1000LL * REQUEST_RETENTION_S)
        return fail(err, FAULT_EXPIRED, "the request is older than 7 days: submit it anew");
    if (request->deadline && request->deadline < now)
        return fail(err, FAULT_EXPIRED, "not started by its deadline");
    return 0;
}

/* A record that belongs to another request of the same id, or to another server, stays as it is. */
static int tell_store(struct runner *runner, const struct job *job, const json_t *result,
                      struct error *err)
{
    if (store_end(runner->store, &job->request, job->hash, result, err) == 0)
        return 0;
    if (err->fault != FAULT_CONFLICT)
        return -1;
    log_warning("the record is not ours to end: %s", err->text);
    return 0;
}

/* Journal, store, journal: in this order, so that a result that was once told never changes. */
static int record_result(struct runner *runner, const struct job *job, json_t *result,
                         struct error *err)
{
    bool journalled = actions[job->request.op].facts & JOURNALLED;
    if (journalled && journal_end(runner->journal, &job->request, job->hash, result, err) < 0)
        return -1;
    if (tell_store(runner, job, result, err) < 0)
        return -1;
    if (journalled && journal_recorded(runner->journal, job->request.id, err) < 0)
        return -1;
    return 0;
}

static void log_outcome(const struct job *job, const json_t *result)
{
    const json_t *error = json_object_get(result, "error");
    const char *code = json_string_value(json_object_get(error, "code"));
    log_info("op=%s user=%s publisher=%s state=%s%s%s", op_name(job->request.op), job->request.user,
             job->publisher, result_state(result), code ? " error=" : "", code ? code : "");
}

static int finish(struct runner *runner, const struct job *job, json_t *result, int status,
                  const struct error *fault, struct error *err)
{
    const char *server = runner->config->server;
    if (status < 0)
        result_set_failed(result, server, fault);
    else
        result_set_done(result, server);
    if (record_result(runner, job, result, err) < 0)
        return -1;
    log_outcome(job, result);
    if (status < 0 && fault_fate(fault->fault) == FATE_PARK)
        log_error("internal fault: %s", fault->text);
    return 0;
}

/* An earlier attempt ended it and perhaps could not say so: say so (again). */
static int repeat_result(struct runner *runner, const struct job *job,
                         const struct journal_entry *entry, struct error *err)
{
    if (strcmp(entry->hash, job->hash) != 0) {
        log_warning("user=%s: this id was used before for another request; dropped",
                    job->request.user);
        return 0;
    }
    if (entry->recorded)
        return 0;
    if (tell_store(runner, job, entry->result, err) < 0)
        return -1;
    return journal_recorded(runner->journal, job->request.id, err);
}

static int tell_taken(struct runner *runner, const struct job *job, struct error *err)
{
    struct word word = {.kind = WORD_TAKEN, .serial = job->serial};
    memcpy(word.id, job->request.id, sizeof word.id);
    return word_send(runner->socket, &word, err);
}

/* May this server do it? 1: yes; 0: it is settled without us. */
static int claim(struct runner *runner, const struct job *job, struct error *err)
{
    enum claim outcome;
    json_auto_t *result = NULL;
    if (store_claim(runner->store, &job->request, job->hash, &outcome, &result, err) < 0)
        return -1;
    if (outcome == CLAIM_MISMATCH)
        log_warning("user=%s: this id was used before for another request; dropped",
                    job->request.user);
    if (outcome == CLAIM_ELSEWHERE)
        log_warning("user=%s: another server has claimed it; dropped", job->request.user);
    return outcome == CLAIM_OURS;
}

static int run_request(struct runner *runner, struct job *job, struct error *err)
{
    const struct action *action = &actions[job->request.op];
    json_auto_t *result = result_new(&job->request);
    struct error fault = {0};
    if (!job->resumed && check_age(&job->request, &fault) < 0)
        return finish(runner, job, result, -1, &fault, err);
    int ours = claim(runner, job, err);
    if (ours <= 0)
        return ours;
    if (action->facts & JOURNALLED) {
        if (journal_begin(runner->journal, &job->request, job->hash, job->publisher, job->body,
                          err) < 0)
            return -1;
        if (tell_taken(runner, job, err) < 0)
            return -1;
    }
    int status = action->run(runner, job, result, &fault);
    if (status == REQUEST_GOES_ON)
        return 0;
    if (status < 0 && fault_fate(fault.fault) == FATE_RETRY) {
        *err = fault;
        return -1;
    }
    return finish(runner, job, result, status, &fault, err);
}

/* Who says so? The broker vouches for the publisher, the policy for whom he speaks. */
static int admit(struct runner *runner, const struct job *job)
{
    struct error refusal = {0};
    if (policy_check_publisher(runner->policy, job->publisher, job->request.user, &refusal) == 0)
        return 1;
    log_warning("audit: refused: op=%s user=%s publisher=%s rule=%s: %s", op_name(job->request.op),
                job->request.user, job->publisher, refusal.rule, refusal.text);
    return 0;
}

static int settle_job(struct runner *runner, struct job *job, struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    AUTO(journal_entry) struct journal_entry entry = {0};
    if (lock_take(runner->config->state, LOCK_REQUEST, job->request.id, false, &lock, err) < 0 ||
        journal_find(runner->journal, job->request.id, &entry, err) < 0)
        return -1;
    if (entry.state == JOURNAL_ENDED)
        return repeat_result(runner, job, &entry, err);
    job->resumed = entry.state == JOURNAL_BEGUN;
    memcpy(job->container, entry.container, sizeof job->container);
    return run_request(runner, job, err);
}

static int settle_delivery(struct runner *runner, const struct work *work, struct error *err)
{
    AUTO(string) char *body = strndup(work->body, work->length);
    struct job job = {.publisher = work->account, .body = body, .serial = work->serial};
    AUTO(request) struct request request = {0};
    if (!body)
        return fail(err, FAULT_DEPENDENCY, "out of memory");
    if (request_decode(work->body, work->length, &request, err) < 0) {
        log_warning("audit: ill-formed message from publisher '%s': %s", work->account, err->text);
        err->fault = FAULT_INTERNAL; /* there is no request to answer: set it aside */
        return -1;
    }
    log_request(request.id);
    job.request = request;
    request_hash(&request, job.hash);
    return admit(runner, &job) ? settle_job(runner, &job, err) : 0;
}

static int settle_resumed(struct runner *runner, const struct work *work, struct error *err)
{
    AUTO(journal_entry) struct journal_entry entry = {0};
    AUTO(request) struct request request = {0};
    log_request(work->id);
    if (journal_find(runner->journal, work->id, &entry, err) < 0)
        return -1;
    if (entry.state == JOURNAL_UNKNOWN)
        return fail(err, FAULT_INTERNAL, "the journal has lost the request %s", work->id);
    if (request_decode(entry.body, strlen(entry.body), &request, err) < 0) {
        err->fault = FAULT_INTERNAL;
        return -1;
    }
    struct job job = {.request = request,
                      .publisher = entry.publisher,
                      .body = entry.body,
                      .serial = work->serial};
    request_hash(&request, job.hash);
    return settle_job(runner, &job, err);
}

int settle_work(struct runner *runner, const struct work *work, struct error *err)
{
    return work->kind == WORK_RESUME ? settle_resumed(runner, work, err)
                                     : settle_delivery(runner, work, err);
}
