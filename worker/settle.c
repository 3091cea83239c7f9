#include "worker/settle.h"

#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/clock.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "common/mutant.h"
#include "schemas/result.h"
#include "schemas/units.h"
#include "worker/actions.h"
#include "worker/admission.h"
#include "worker/aside.h"
#include "worker/audit.h"
#include "worker/batch_users.h"
#include "worker/locks.h"
#include "worker/record.h"
#include "worker/room.h"
#include "worker/store_requests.h"

static int tell_taken(struct runner *runner, const struct job *job, struct error *err)
{
    static struct word word; /* 32 KiB: not on the stack */
    word.kind = WORD_TAKEN;
    word.serial = job->serial;
    memcpy(word.id, job->request.id, sizeof word.id);
    return word_send(runner->socket, &word, err);
}

/* It is not for this server to do. What was begun here all the same must not stay so. Of what
 * another server has claimed the copy is kept until that has ended it: a server that died between
 * claim and journal never will, and gives it up when it is asked (worker/keeper_asked.c). */
static int stand_back(struct runner *runner, const struct job *job, enum claim outcome,
                      json_t *ended, struct error *err)
{
    static const char *const reasons[] = {
        [CLAIM_ENDED] = "it has ended",
        [CLAIM_MISMATCH] = "its id was used for another request",
        [CLAIM_ELSEWHERE] = "another server has claimed it",
    };
    struct error fault = {0};
    if (outcome == CLAIM_ELSEWHERE && !job->resumed && job->journalled)
        return SETTLE_ELSEWHERE;
    if (outcome != CLAIM_ENDED || job->resumed)
        log_warning("user=%s: %s; dropped", job->request.user, reasons[outcome]);
    if (!job->resumed)
        return 0;
    if (outcome == CLAIM_ENDED)
        return record_here_only(runner, job, ended, err);
    json_auto_t *result = result_new(&job->request);
    fail(&fault, FAULT_UNKNOWN, "begun on this server, but %s", reasons[outcome]);
    result_set_failed(result, runner->config->server, &fault);
    return record_here_only(runner, job, result, err);
}

/* What was begun waits for engine or store, and may have been begun for good. */
static int let_go(struct runner *runner, const struct job *job, const struct error *fault,
                  struct error *err)
{
    struct error unheard;
    *err = *fault;
    if (job->journalled)
        journal_let_go(runner->journal, job->request.id, engine_has_acted(runner->engine),
                       &unheard);
    return -1;
}

/* The journal's from here on: the link may acknowledge. */
static int begin(struct runner *runner, struct job *job, struct error *err)
{
    if (!job->journalled)
        return 0;
    FAULT_POINT("journal.before");
    if (journal_begin(runner->journal, &job->request, job->hash, job->publisher, job->body,
                      &job->begun, err) < 0)
        return -1;
    FAULT_POINT("journal.after");
    return tell_taken(runner, job, err);
}

/* What has been begun goes on: it may have all that it needs, and to clear it up needs room too. */
static int run_action(struct runner *runner, struct job *job, json_t *result, struct error *fault)
{
    const struct action *action = action_of(job->request.op);
    bool is_fresh = !job->resumed || job->untouched;
    if (action->makes_data && is_fresh && room_judge(runner, job->decided, fault) < 0)
        return -1;
    return action->run(runner, job, result, fault);
}

static int act(struct runner *runner, struct job *job, json_t *result, struct error *err)
{
    struct error fault = {0}, debris = {0};
    if (begin(runner, job, err) < 0)
        return -1;
    engine_mark(runner->engine);
    int status = run_action(runner, job, result, &fault);
    if (status == REQUEST_GOES_ON)
        return 0;
    bool failed = status < 0;
    if (failed && fault_fate(fault.fault) == FATE_RETRY)
        return let_go(runner, job, &fault, err);
    /* What it failed for may be what a store that has lost data made it believe. */
    if (failed && store_check(runner->store, &debris) < 0)
        return let_go(runner, job, &debris, err);
    if (failed && action_clear_up(runner, job, &debris) < 0)
        return let_go(runner, job, &debris, err);
    /* An attempt that cannot write down what it came to has not died of it. */
    if (record_outcome(runner, job, result, status, &fault, &debris) < 0)
        return let_go(runner, job, &debris, err);
    return !failed && job->journalled ? SETTLE_PROVEN : 0;
}

/* Nobody had claimed it, and yet it was begun here: by a store that has lost its record since. */
static int call_off(struct runner *runner, const struct job *job, json_t *result, struct error *err)
{
    struct error fault = {0};
    if (job->resumed && !job->untouched)
        fail(&fault, FAULT_UNKNOWN, "cancelled, but it had been begun: see with ps");
    else
        fail(&fault, FAULT_CANCELLED, "cancelled before it was begun");
    return action_clear_up(runner, job, err) < 0
               ? -1
               : record_outcome(runner, job, result, -1, &fault, err);
}

static enum standing standing_of(const struct job *job)
{
    if (!job->resumed)
        return STANDING_NEW;
    return job->untouched ? STANDING_KNOWN : STANDING_BEGUN;
}

/* Who is too late hears it from whoever has claimed it: another server may have been in time. */
static int run_request(struct runner *runner, struct job *job, struct error *err)
{
    json_auto_t *result = result_new(&job->request);
    json_auto_t *ended = NULL;
    enum claim outcome = CLAIM_OURS;
    struct error fault = {0};
    FAULT_POINT("claim.before");
    job->claimed_at = clock_ms();
    if (!IS_MUTANT(MUTANT_NO_CLAIM) && store_claim(runner->store, &job->request, job->hash,
                                                   standing_of(job), &outcome, &ended, err) < 0)
        return -1;
    FAULT_POINT("claim.after");
    if (outcome == CLAIM_EARLY)
        return SETTLE_EARLY;
    if (outcome == CLAIM_CANCELLED)
        return call_off(runner, job, result, err);
    if (outcome != CLAIM_OURS)
        return stand_back(runner, job, outcome, ended, err);
    if ((!job->resumed || job->untouched) && admission_of_time(&job->request, &fault) < 0)
        return action_clear_up(runner, job, err) < 0
                   ? -1
                   : record_outcome(runner, job, result, -1, &fault, err);
    return act(runner, job, result, err);
}

/* An attempt that neither ended nor was let go has killed its runner, or died with the server. */
static int check_attempts(const struct journal_entry *entry, struct error *err)
{
    char since[TIMESTAMP_SIZE];
    if (entry->attempts < ATTEMPTS_MOST)
        return 0;
    timestamp_format(entry->begun, since);
    return fail(err, FAULT_INTERNAL, "begun %s, and %ld attempts have died%s%s", since,
                entry->attempts, entry->container[0] ? "; container " : "", entry->container);
}

/* How the last attempt ended, where the link knows. */
static int note_death(struct runner *runner, const struct job *job, const struct attempt *last,
                      struct journal_entry *entry, struct error *err)
{
    struct journal_entry noted = {0};
    if (entry->state != JOURNAL_BEGUN || !last->ended)
        return 0;
    if (journal_death(runner->journal, job->request.id, last->begun, last->ended, last->end, err) <
            0 ||
        journal_find(runner->journal, job->request.id, &noted, err) < 0)
        return -1;
    journal_entry_clear(entry);
    *entry = noted;
    return 0;
}

/* What allows it is taken down on the way. */
static int run_audited(struct runner *runner, struct job *job, struct error *err)
{
    AUTO(verdicts) struct verdicts decided = {0};
    verdicts_begin(&decided, true);
    job->decided = &decided;
    int status = run_request(runner, job, err);
    job->decided = NULL;
    return status;
}

static int settle_job(struct runner *runner, struct job *job, const struct work *work,
                      struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    AUTO(journal_entry) struct journal_entry entry = {0};
    if (lock_take(runner->config->state, LOCK_REQUEST, job->request.id, false, &lock, err) < 0 ||
        journal_find(runner->journal, job->request.id, &entry, err) < 0)
        return -1;
    job->journalled = action_of(job->request.op)->is_journalled;
    if (entry.state == JOURNAL_ENDED)
        return record_again(runner, job, &entry, err);
    if (entry.state == JOURNAL_BEGUN && strcmp(entry.hash, job->hash) != 0) {
        log_warning("user=%s: this id was used before for another request; dropped",
                    job->request.user);
        return 0;
    }
    if (entry.parked) {
        log_info("user=%s: it is parked, and waits for an administrator", job->request.user);
        return 0;
    }
    if (note_death(runner, job, &work->last, &entry, err) < 0)
        return -1;
    if (check_attempts(&entry, err) < 0) {
        runner->history = json_incref(entry.history);
        return -1;
    }
    job->resumed = entry.state == JOURNAL_BEGUN;
    job->untouched = job->resumed && journal_is_untouched(&entry);
    job->begun = entry.begun;
    memcpy(job->container, entry.container, sizeof job->container);
    job->removed = entry.removed;
    int status = run_audited(runner, job, err);
    job->removed = NULL;
    return status;
}

/* Whoever asks in words of a later version is told so, instead of waiting. Nothing is done, and
 * what its id was used for before stays as it is. */
static int answer_later_version(struct runner *runner, const struct job *job,
                                const struct error *reason, struct error *err)
{
    AUTO(journal_entry) struct journal_entry entry = {0};
    json_auto_t *result = result_new(&job->request);
    struct error fault = {0};
    if (journal_find(runner->journal, job->request.id, &entry, err) < 0)
        return -1;
    if (entry.state != JOURNAL_UNKNOWN)
        return 0;
    fail(&fault, FAULT_DEPENDENCY, "%s", reason->text);
    return record_outcome(runner, job, result, -1, &fault, err);
}

static int settle_delivery(struct runner *runner, const struct work *work, struct error *err)
{
    AUTO(string) char *body = strndup(work->body, work->length);
    struct job job = {.publisher = work->account, .body = body, .serial = work->serial};
    AUTO(request) struct request request = {0};
    struct error reason = {0};
    if (!body)
        return fail(err, FAULT_DEPENDENCY, "out of memory");
    bool readable = request_decode(work->body, work->length, &request, &reason) == 0;
    if (!readable && !request_of_later_version(work->body, work->length, &request)) {
        *err = reason;
        log_warning("audit: ill-formed message from publisher '%s': %s", work->account, err->text);
        audit_message(runner, work->account, err);
        err->fault = FAULT_INTERNAL; /* there is no request to answer: set it aside */
        return -1;
    }
    log_request(request.id);
    job.request = request;
    request_hash(&request, job.hash);
    if (!admission_of_publisher(runner, &job))
        return 0;
    if (work->kind == WORK_DELIVERY)
        return readable ? settle_job(runner, &job, work, err)
                        : answer_later_version(runner, &job, &reason, err);
    return batch_users_admit(runner, request.user, err) < 0 ? -1 : SETTLE_ADMITTED;
}

static int settle_journalled(struct runner *runner, const struct work *work, struct error *err)
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
    if (work->kind == WORK_SET_ASIDE)
        return aside_set(runner, &job, err);
    if (work->kind == WORK_CLEAR_UP)
        return aside_clear_up(runner, &job, err);
    return settle_job(runner, &job, work, err);
}

int settle_work(struct runner *runner, const struct work *work, struct error *err)
{
    bool is_message = work->kind == WORK_DELIVERY || work->kind == WORK_ADMIT;
    return is_message ? settle_delivery(runner, work, err) : settle_journalled(runner, work, err);
}
