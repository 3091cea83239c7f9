/*
 * container.create: leases (pending) → engine create → start → verify → leases bound. Every step
 * finds what an earlier attempt did: the reservation by the request's id, the container by its
 * name, label and MAC.
 */
#include <stdio.h>

#include "common/auto.h"
#include "common/log.h"
#include "common/members.h"
#include "schemas/units.h"
#include "worker/describe.h"
#include "worker/locks.h"
#include "worker/plan.h"
#include "worker/requests/order.h"
#include "worker/requests/requests.h"
#include "worker/requests/taken.h"
#include "worker/store_containers.h"
#include "worker/store_requests.h"

#define TRIES_MOST 8 /* ports found taken outside DCM, or given away, before we give up */

/* Why an attempt has failed that may be made again with other ports. */
struct obstacle {
    bool taken; /* a port turned out to be in use outside DCM */
    bool late;  /* the reservation had run out before the container was bound */
};

static int reserve(struct runner *runner, const struct job *job, const struct order *order,
                   const struct ports *avoid, struct reservation *ret_reservation,
                   struct error *err)
{
    struct wish wish = order_wish(runner, job, order);
    wish.avoid = avoid;
    return store_reserve(runner->store, &job->request, &wish, ret_reservation, err);
}

static int join_network(struct runner *runner, const struct job *job, unsigned index,
                        const char *name, struct error *err)
{
    char subnet[SUBNET_SIZE];
    worker_config_subnet(runner->config, index, subnet);
    struct labels facts = {
        .kind = "network", .user = job->request.user, .name = name, .request = job->request.id};
    json_auto_t *labels = labels_sign(runner->keyring, runner->identity, &facts);
    if (!labels)
        return fail(err, FAULT_DEPENDENCY, "out of memory");
    struct engine_network network = {.name = name, .subnet = subnet, .labels = labels};
    return engine_network_ensure(runner->engine, &network, err);
}

/* Make it, or find the one that an earlier attempt made. */
static int make(struct runner *runner, const struct job *job, const struct container_plan *plan,
                char ret_id[ENGINE_ID_SIZE], struct error *err)
{
    char engine_name[ENGINE_NAME_SIZE];
    json_auto_t *body = plan_body(plan);
    json_auto_t *found = NULL;
    if (!plan->labels || !body)
        return fail(err, FAULT_DEPENDENCY, "out of memory");
    engine_name_of(plan->user, plan->name, engine_name);
    if (engine_container_create(runner->engine, engine_name, body, ret_id, err) == 0)
        return journal_made(runner->journal, job->request.id, ret_id, err);
    if (err->fault != FAULT_CONFLICT)
        return -1;
    if (engine_container_inspect(runner->engine, engine_name, &found, err) < 0)
        return -1;
    if (!container_is_ours(runner, found, plan->user, plan->name, job->request.id))
        return fail(err, FAULT_CONFLICT,
                    "the engine has another container named %s: choose another --name",
                    engine_name);
    snprintf(ret_id, ENGINE_ID_SIZE, "%s", text_at(found, "Id"));
    return journal_made(runner->journal, job->request.id, ret_id, err);
}

/* Start and look at what came of it. *ret_taken: a port turned out to be in use outside DCM. */
static int launch(struct runner *runner, const struct job *job, const struct container_plan *plan,
                  json_t **ret_inspected, bool *ret_taken, struct error *err)
{
    char id[ENGINE_ID_SIZE];
    if (make(runner, job, plan, id, err) < 0)
        return -1;
    store_progress(runner->store, &job->request, PHASE_STARTING, err);
    if (engine_container_act(runner->engine, ENGINE_START, id, ret_taken, err) < 0 ||
        engine_container_inspect(runner->engine, id, ret_inspected, err) < 0)
        return -1;
    return plan_verify(plan, *ret_inspected, err);
}

/* As long as was asked for, or as long as policy lets it, from its creation on. 0: without an end.
 */
static int64_t end_of(const struct job *job, const struct order *order, const json_t *inspected)
{
    const json_t *asked = json_object_get(job->request.args, "ttl");
    int64_t seconds = asked ? json_integer_value(asked) : order->limits.life;
    int64_t created = timestamp_now();
    describe_time(text_at(inspected, "Created"), &created);
    return seconds ? created + seconds * 1000 : 0;
}

static int bind_container(struct runner *runner, const struct job *job, const struct order *order,
                          const struct reservation *reservation, const json_t *inspected,
                          json_t *result, bool *ret_late, struct error *err)
{
    const char *id = text_at(inspected, "Id");
    int64_t ends = 0;
    if (container_begin_life(runner, job->request.user, reservation->name, id,
                             end_of(job, order, inspected), &ends, err) < 0)
        return -1;
    struct description description = {
        .name = reservation->name,
        .id = id,
        .state = container_state(inspected),
        .address = describe_address(runner->addresses, &reservation->ports),
        .ssh_port = reservation->ssh_port,
        .ports = &reservation->ports,
        .image = order->image_name,
        .created = text_at(inspected, "Created"),
        .expires = ends,
    };
    json_t *container = describe_container(&description);
    json_object_set_new(result, "container", container);
    if (store_bind(runner->store, &job->request, container, err) == 0)
        return 0;
    *ret_late = err->fault == FAULT_CONFLICT;
    json_object_del(result, "container");
    return -1;
}

/* Leave no debris of an attempt that failed for good, or of ports that were taken. */
static int undo(struct runner *runner, const struct job *job, const struct reservation *reservation,
                struct error *err)
{
    char engine_name[ENGINE_NAME_SIZE];
    json_auto_t *found = NULL;
    engine_name_of(job->request.user, reservation->name, engine_name);
    if (engine_container_inspect(runner->engine, engine_name, &found, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    if (!container_is_ours(runner, found, job->request.user, reservation->name, job->request.id))
        return 0;
    const char *id = text_at(found, "Id");
    return container_destroy(runner, id, err);
}

static int attempt(struct runner *runner, struct job *job, const struct order *order,
                   const struct ports *avoid, struct reservation *reservation, json_t *result,
                   struct obstacle *obstacle, struct error *err)
{
    AUTO(lock) struct lock network_lock = {.file = -1};
    char network[ENGINE_NAME_SIZE];
    json_auto_t *inspected = NULL;
    const char *user = job->request.user;
    engine_network_of(user, network);
    if (lock_take(runner->config->state, LOCK_NETWORK, user, true, &network_lock, err) < 0 ||
        reserve(runner, job, order, avoid, reservation, err) < 0 ||
        create_undo_others(runner, job, reservation, err) < 0)
        return -1;
    struct labels facts = {.kind = "container",
                           .user = user,
                           .name = reservation->name,
                           .request = job->request.id,
                           .options = order->options_text};
    json_auto_t *labels = labels_sign(runner->keyring, runner->identity, &facts);
    struct container_plan plan = {
        .user = user,
        .uid = order->uid,
        .name = reservation->name,
        .image_id = order->image_id,
        .image = order->image,
        .labels = labels,
        .memory = order->grant.memory,
        .millicpus = order->grant.millicpus,
        .pids = order->grant.pids,
        .disk = order->limits.disk,
        .options = order->options,
        .ssh_port = reservation->ssh_port,
        .ssh_address = "0.0.0.0",
        .ports = &reservation->ports,
        .network = network,
        .root_directory = order->paths.root,
        .home_directory = order->paths.home,
        .keys_directory = order->paths.keys,
    };
    if (join_network(runner, job, reservation->subnet, network, err) < 0 ||
        launch(runner, job, &plan, &inspected, &obstacle->taken, err) < 0)
        return -1;
    return bind_container(runner, job, order, reservation, inspected, result, &obstacle->late, err);
}

/* After a failure for good: no container, no lease, and no network if it was made for this. */
static int give_up(struct runner *runner, const struct job *job,
                   const struct reservation *reservation, struct error *err)
{
    if (!reservation->name[0])
        return 0;
    if (undo(runner, job, reservation, err) < 0)
        return -1;
    return container_release(runner, job->request.user, reservation->name, job->request.id, err);
}

/* What an engine was killed over it may be unable to start: then once more, from nothing. */
int request_create(struct runner *runner, struct job *job, json_t *result, struct error *err)
{
    AUTO(order) struct order order = {0};
    struct reservation reservation = {0};
    struct ports avoid = {0}; /* found taken outside DCM */
    bool renewed = false;
    if (order_prepare(runner, job, &order, err) < 0)
        return -1;
    store_progress(runner->store, &job->request, PHASE_CREATING, err);
    for (int try = 0; try < TRIES_MOST; try++) {
        struct obstacle obstacle = {0};
        if (attempt(runner, job, &order, &avoid, &reservation, result, &obstacle, err) == 0)
            return 0;
        if (fault_fate(err->fault) == FATE_RETRY)
            return -1; /* what stands, stands: the next attempt finds it */
        bool known = obstacle.taken || obstacle.late;
        bool spoilt = !known && !renewed && job->resumed && err->fault == FAULT_ENGINE;
        if (!known && !spoilt)
            break;
        if (obstacle.taken)
            taken_ports(&reservation, &avoid);
        renewed |= spoilt;
        log_info("%s: %s; made anew", reservation.name,
                 obstacle.taken  ? "a port is in use outside DCM"
                 : obstacle.late ? "its reservation ran out"
                                 : err->text);
        if (undo(runner, job, &reservation, err) < 0)
            return -1;
    }
    struct error debris = {0};
    if (give_up(runner, job, &reservation, &debris) == 0)
        return -1;
    /* Said to be failed, it would be restored by the keeper: first it has to go. */
    if (fault_fate(debris.fault) == FATE_RETRY)
        *err = debris;
    else
        log_warning("clearing up after a failed create: %s", debris.text);
    return -1;
}
