/*
 * policy.explain: what would be decided about another request of this user's, by the same checks
 * that it would meet. Nothing is reserved or changed, and the engine is only asked.
 */
#include <stdlib.h>

#include "common/auto.h"
#include "common/members.h"
#include "worker/actions.h"
#include "worker/requests/order.h"
#include "worker/requests/recreate.h"
#include "worker/requests/requests.h"
#include "worker/room.h"
#include "worker/store_containers.h"

static const struct ports no_ports;

/* That a port is taken, only he may learn who could have it. */
static int judge_create(struct runner *runner, const struct job *job, struct verdicts *verdicts,
                        struct error *err)
{
    AUTO(order) struct order order = {0};
    if (order_judge(runner, job, verdicts, &order, err) < 0)
        return -1;
    struct wish wish = order_wish(runner, job, &order);
    if (!wish.image)
        wish.image = text_at(job->request.args, "image");
    if (verdicts->refused) {
        wish.ports = &no_ports;
        wish.addresses = (const char *const *)runner->addresses;
    }
    return store_consider(runner->store, &job->request, &wish, verdict_heard, verdicts, err);
}

static int judge_ports(struct runner *runner, const struct job *job, const char *name,
                       const struct ports *ports, const char *const *addresses,
                       struct verdicts *verdicts, struct error *err)
{
    if (verdicts->refused ||
        store_consider_ports(runner->store, &job->request, name, ports, addresses, err) == 0)
        return 0;
    return verdict_refused(verdicts, err, "these ports");
}

static int judge_recreate(struct runner *runner, const struct job *job, struct verdicts *verdicts,
                          struct error *err)
{
    AUTO(owned) struct owned owned = {0};
    struct ports ports = {0};
    const char **addresses = NULL;
    const char *user = job->request.user;
    if (owned_judge(runner, job, verdicts, &owned, err) < 0)
        return -1;
    if (!owned.entry)
        return 0;
    if (recreate_choose_ports(runner, job, &owned, &ports, err) < 0 &&
        verdict_refused(verdicts, err, "these ports") < 0)
        return -1;
    if (recreate_check(runner, user, &owned, &ports, verdicts, err) < 0)
        return -1;
    int status = order_addresses(runner, user, &ports, verdicts, &addresses, err);
    if (status == 0)
        status = judge_ports(runner, job, owned.name, &ports, addresses, verdicts, err);
    free(addresses);
    return status;
}

static int judge_ownership(struct runner *runner, const struct job *job, struct verdicts *verdicts,
                           struct error *err)
{
    AUTO(owned) struct owned owned = {0};
    return owned_judge(runner, job, verdicts, &owned, err);
}

/* No rule is asked. */
static int judge_nothing(struct runner *runner, const struct job *job, struct verdicts *verdicts,
                         struct error *err)
{
    (void)runner;
    (void)job;
    (void)verdicts;
    (void)err;
    return 0;
}

/* A kind that is missing here is not said to be allowed. */
static request_judge *const judges[OP_COUNT] = {
    [OP_CONTAINER_CREATE] = judge_create,     [OP_CONTAINER_START] = judge_lifecycle,
    [OP_CONTAINER_STOP] = judge_lifecycle,    [OP_CONTAINER_RESTART] = judge_lifecycle,
    [OP_CONTAINER_PAUSE] = judge_lifecycle,   [OP_CONTAINER_UNPAUSE] = judge_lifecycle,
    [OP_CONTAINER_REMOVE] = judge_remove,     [OP_CONTAINER_LOGS] = judge_ownership,
    [OP_CONTAINER_RECREATE] = judge_recreate, [OP_CONTAINER_EXTEND] = judge_extend,
    [OP_IMAGE_COMMIT] = judge_commit,         [OP_IMAGE_REMOVE] = judge_image_remove,
    [OP_JOB_CANCEL] = judge_nothing,          [OP_PING] = judge_nothing,
};

bool request_is_explained(enum op op)
{
    return judges[op] != NULL;
}

/* The job as which that request would come here. Its args are borrowed, or its own and empty. */
static struct job job_asked_about(const struct job *job)
{
    struct job asked = *job;
    const json_t *args = job->request.args;
    json_t *its_args = json_object_get(args, "args");
    op_from_name(text_at(args, "op"), &asked.request.op);
    asked.request.args = its_args ? json_incref(its_args) : json_object();
    asked.journalled = asked.resumed = asked.untouched = false;
    asked.container[0] = '\0';
    return asked;
}

static json_t *explanation_of(enum op op, const struct verdicts *verdicts)
{
    json_t *omitted = verdicts->omitted ? json_integer((json_int_t)verdicts->omitted) : NULL;
    return json_pack("{s:s, s:b, s:O, s:o*}", "op", op_name(op), "allowed", !verdicts->refused,
                     "decisions", verdicts->list, "omitted", omitted);
}

int request_explain(struct runner *runner, struct job *job, json_t *result, struct error *err)
{
    struct job asked = job_asked_about(job);
    request_judge *judge = judges[asked.request.op];
    AUTO(verdicts) struct verdicts verdicts = {0};
    verdicts_begin(&verdicts, false);
    int status = judge ? judge(runner, &asked, &verdicts, err)
                       : fail(err, FAULT_INVALID, "this server cannot explain %s",
                              op_name(asked.request.op));
    json_decref(asked.request.args);
    if (status == 0 && action_of(asked.request.op)->makes_data)
        status = room_judge(runner, &verdicts, err);
    if (status == 0)
        json_object_set_new(result, "explanation", explanation_of(asked.request.op, &verdicts));
    return status;
}
