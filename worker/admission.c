#include "worker/admission.h"

#include "common/log.h"
#include "schemas/keys.h"
#include "schemas/units.h"
#include "worker/audit.h"
#include "worker/policy.h"

#define CLOCK_SKEW_MS (5LL * 60 * 1000)

bool admission_of_publisher(const struct runner *runner, const struct job *job)
{
    struct error refusal = {0};
    if (policy_check_publisher(runner->policy, job->publisher, job->request.user, &refusal) == 0)
        return true;
    log_warning("audit: refused: op=%s user=%s publisher=%s rule=%s: %s", op_name(job->request.op),
                job->request.user, job->publisher, refusal.rule, refusal.text);
    audit_refusal(runner, job, &refusal);
    return false;
}

/* Ids say when they were made: one from long ago may be of a record that has been forgotten, and
 * would be done twice. */
int admission_of_time(const struct request *request, struct error *err)
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
