#include "worker/aside.h"

#include <string.h>

#include "common/auto.h"
#include "schemas/result.h"
#include "worker/actions.h"
#include "worker/locks.h"
#include "worker/record.h"
#include "worker/store_requests.h"

static int look_up(struct runner *runner, struct job *job, struct lock *ret_lock,
                   struct journal_entry *ret_entry, struct error *err)
{
    if (lock_take(runner->config->state, LOCK_REQUEST, job->request.id, false, ret_lock, err) < 0 ||
        journal_find(runner->journal, job->request.id, ret_entry, err) < 0)
        return -1;
    if (ret_entry->state != JOURNAL_UNKNOWN && strcmp(ret_entry->hash, job->hash) != 0)
        return fail(err, FAULT_CONFLICT, "its id was used before for another request");
    job->resumed = ret_entry->state == JOURNAL_BEGUN;
    memcpy(job->container, ret_entry->container, sizeof job->container);
    return 0;
}

int aside_set(struct runner *runner, struct job *job, struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    AUTO(journal_entry) struct journal_entry entry = {0};
    struct error unheard;
    if (look_up(runner, job, &lock, &entry, err) < 0)
        return -1;
    job->journalled = true;
    if (entry.state == JOURNAL_ENDED)
        return record_again(runner, job, &entry, err);
    if (journal_park(runner->journal, job->request.id, err) < 0)
        return -1;
    store_progress(runner->store, &job->request, PHASE_PARKED, &unheard);
    return 0;
}

int aside_clear_up(struct runner *runner, struct job *job, struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    AUTO(journal_entry) struct journal_entry entry = {0};
    if (look_up(runner, job, &lock, &entry, err) < 0)
        return -1;
    return entry.parked ? action_clear_up(runner, job, err) : 0;
}

int aside_release(struct runner *runner, struct job *job, json_t **ret_result, struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    AUTO(journal_entry) struct journal_entry entry = {0};
    if (look_up(runner, job, &lock, &entry, err) < 0)
        return -1;
    if (entry.state == JOURNAL_ENDED)
        *ret_result = json_incref(entry.result);
    return entry.state == JOURNAL_BEGUN ? journal_unpark(runner->journal, job->request.id, err) : 0;
}

/* Nobody has begun it, here at least. It is ours to end if it is ours to begin. */
static int claim_to_end(struct runner *runner, const struct job *job, json_t **ret_ended,
                        struct error *err)
{
    static const char *const reasons[] = {
        [CLAIM_MISMATCH] = "its id was used for another request",
        [CLAIM_ELSEWHERE] = "another server has it: run this there",
    };
    enum claim outcome = CLAIM_OURS;
    enum standing standing = job->resumed ? STANDING_BEGUN : STANDING_NEW;
    if (store_claim(runner->store, &job->request, job->hash, standing, &outcome, ret_ended, err) <
        0)
        return -1;
    if (outcome == CLAIM_EARLY)
        return fail(err, FAULT_DEPENDENCY,
                    "the store has lost data, and other servers put back what they have done: try "
                    "again in some seconds");
    if (outcome == CLAIM_MISMATCH || outcome == CLAIM_ELSEWHERE)
        return fail(err, FAULT_CONFLICT, "%s", reasons[outcome]);
    return 0;
}

int aside_end(struct runner *runner, struct job *job, json_t **ret_result, struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    AUTO(journal_entry) struct journal_entry entry = {0};
    json_auto_t *result = result_new(&job->request);
    json_auto_t *ended = NULL;
    struct error fault = {0};
    if (look_up(runner, job, &lock, &entry, err) < 0)
        return -1;
    job->journalled = true; /* whatever it is: a copy of the message may still be on its way */
    if (entry.state == JOURNAL_ENDED) {
        *ret_result = json_incref(entry.result);
        return record_again(runner, job, &entry, err);
    }
    if (claim_to_end(runner, job, &ended, err) < 0)
        return -1;
    if (ended) {
        if (job->resumed && record_here_only(runner, job, ended, err) < 0)
            return -1;
        *ret_result = TAKE(ended);
        return 0;
    }
    if (action_clear_up(runner, job, err) < 0)
        return -1;
    if (job->resumed)
        fail(&fault, FAULT_UNKNOWN,
             "each attempt was interrupted, and an administrator has ended it: see with ps what "
             "came of it");
    else
        fail(&fault, FAULT_INTERNAL,
             "it was interrupted each time before it had begun, and an administrator has ended it");
    if (record_outcome(runner, job, result, -1, &fault, err) < 0)
        return -1;
    *ret_result = TAKE(result);
    return 0;
}
