/*
 * container.extend: journal first, then index. The journal decides, and the end is reckoned from
 * when the request was first begun, so that another attempt comes to the same.
 */
#include "common/auto.h"
#include "common/members.h"
#include "schemas/units.h"
#include "worker/describe.h"
#include "worker/journal_lives.h"
#include "worker/locks.h"
#include "worker/policy.h"
#include "worker/requests/requests.h"
#include "worker/store_containers.h"

static int check_container(struct runner *runner, const struct owned *owned, int64_t ends,
                           int64_t wanted, struct error *err)
{
    bool is_buried = false;
    if (journal_is_tombstone(runner->journal, owned->id, &is_buried, err) < 0)
        return -1;
    if (is_buried)
        return fail(err, FAULT_NOT_FOUND, "%s is being removed", owned->name);
    if (ends == 0)
        return fail(err, FAULT_CONFLICT, "%s has no end: there is nothing to extend", owned->name);
    if (wanted < ends)
        return fail(err, FAULT_INVALID, "%s has more time left than that: it is never shortened",
                    owned->name);
    return 0;
}

/* *ret_wanted: the end that it is to have. */
static int judge(struct runner *runner, const struct job *job, const struct owned *owned,
                 struct verdicts *verdicts, int64_t *ret_wanted, struct error *err)
{
    const json_t *args = job->request.args;
    int64_t from = job->begun ? job->begun : timestamp_now(), ends = 0; /* not begun: explained */
    int64_t wanted = from + (int64_t)number_at(args, "ttl") * 1000;
    if (lives_find(runner->journal, owned->id, &ends, err) < 0)
        return -1;
    *ret_wanted = wanted;
    /* What an earlier attempt has done is not judged again: the policy may be another by now. */
    if (job->resumed && ends == wanted)
        return 0;
    if (policy_judge_life(runner->policy, job->request.user, from, args, verdicts, err) < 0)
        return -1;
    if (check_container(runner, owned, ends, wanted, err) == 0)
        return 0;
    return verdict_refused(verdicts, err, "container %s as it is", owned->name);
}

int judge_extend(struct runner *runner, const struct job *job, struct verdicts *verdicts,
                 struct error *err)
{
    AUTO(owned) struct owned owned = {0};
    int64_t wanted = 0;
    if (owned_judge(runner, job, verdicts, &owned, err) < 0)
        return -1;
    return owned.entry ? judge(runner, job, &owned, verdicts, &wanted, err) : 0;
}

int request_extend(struct runner *runner, struct job *job, json_t *result, struct error *err)
{
    AUTO(owned) struct owned owned = {0};
    AUTO(lock) struct lock lock = {.file = -1};
    int64_t ends = 0;
    if (owned_find(runner, job, &owned, err) < 0 ||
        lock_take(runner->config->state, LOCK_CONTAINER, owned.id, false, &lock, err) < 0)
        return -1;
    /* Again, now that nobody else changes it. */
    owned_clear(&owned);
    if (owned_find(runner, job, &owned, err) < 0 ||
        judge(runner, job, &owned, job->decided, &ends, err) < 0 ||
        lives_extend(runner->journal, owned.id, ends, err) < 0)
        return -1;
    json_t *container = json_deep_copy(json_object_get(owned.entry, "container"));
    json_object_set_new(container, "expires", describe_end(ends));
    json_object_set_new(result, "container", container);
    return store_set_expires(runner->store, job->request.user, owned.name,
                             json_object_get(container, "expires"), err);
}
