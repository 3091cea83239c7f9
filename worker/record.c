#include "worker/record.h"

#include <string.h>

#include "common/clock.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "common/members.h"
#include "schemas/result.h"
#include "worker/audit.h"
#include "worker/store_requests.h"

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

static int note_recorded(struct runner *runner, const struct job *job, struct error *err)
{
    return journal_recorded(runner->journal, job->request.id, store_seq(runner->store), err);
}

static int record_result(struct runner *runner, const struct job *job, const json_t *result,
                         struct error *err)
{
    FAULT_POINT("result.before");
    if (job->journalled && journal_end(runner->journal, &job->request, job->hash, result, err) < 0)
        return -1;
    FAULT_POINT("result.journalled");
    if (tell_store(runner, job, result, err) < 0)
        return -1;
    FAULT_POINT("result.told");
    audit_request(runner, job, result);
    if (job->journalled && note_recorded(runner, job, err) < 0)
        return -1;
    FAULT_POINT("result.after");
    return 0;
}

void record_end(const struct runner *runner, const struct job *job, const json_t *result)
{
    const json_t *error = json_object_get(result, "error");
    const char *code = text_at(error, "code");
    log_info("op=%s user=%s publisher=%s state=%s%s%s", op_name(job->request.op), job->request.user,
             job->publisher, result_state(result), code ? " error=" : "", code ? code : "");
    metrics_add(runner->metrics, METRIC_REQUESTS, op_name(job->request.op), result_state(result));
    if (job->claimed_at)
        metrics_observe(runner->metrics, METRIC_REQUEST_DURATION, op_name(job->request.op),
                        clock_ms() - job->claimed_at);
}

int record_outcome(struct runner *runner, const struct job *job, json_t *result, int status,
                   const struct error *fault, struct error *err)
{
    const char *server = runner->config->server;
    if (status < 0)
        result_set_failed(result, server, fault);
    else
        result_set_done(result, server);
    if (record_result(runner, job, result, err) < 0)
        return -1;
    record_end(runner, job, result);
    if (status < 0 && fault_fate(fault->fault) == FATE_PARK)
        log_error("internal fault: %s", fault->text);
    return 0;
}

int record_again(struct runner *runner, const struct job *job, const struct journal_entry *entry,
                 struct error *err)
{
    if (strcmp(entry->hash, job->hash) != 0) {
        log_warning("user=%s: this id was used before for another request; dropped",
                    job->request.user);
        return 0;
    }
    /* Also when it was said before: whoever asks again may have lost that, and the store with him.
     */
    if (tell_store(runner, job, entry->result, err) < 0)
        return -1;
    if (entry->recorded)
        return 0;
    audit_request(runner, job, entry->result);
    return note_recorded(runner, job, err);
}

int record_here_only(struct runner *runner, const struct job *job, const json_t *result,
                     struct error *err)
{
    if (journal_end(runner->journal, &job->request, job->hash, result, err) < 0)
        return -1;
    audit_request(runner, job, result);
    if (note_recorded(runner, job, err) < 0)
        return -1;
    record_end(runner, job, result);
    return 0;
}
