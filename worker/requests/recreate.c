/*
 * container.recreate: a container anew, with other ports: same name, SSH port, storage and changes.
 *
 * ports reserved → journal → the present one stands aside → stopped → its changes an image → a new
 * one of that, started and verified → entry and leases change over → the present one removed.
 *
 * Up to the change-over everything can be taken back, and is when something fails: the one that
 * stands aside says by its engine name whether it ran. An interrupted attempt's new container is
 * removed and made again; once the entry is this request's, only the removal is left to do. Where
 * no attempt follows, the keeper finds what stands aside.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/log.h"
#include "common/members.h"
#include "schemas/units.h"
#include "worker/describe.h"
#include "worker/granted.h"
#include "worker/journal_lives.h"
#include "worker/locks.h"
#include "worker/plan_again.h"
#include "worker/requests/order.h"
#include "worker/requests/recreate.h"
#include "worker/requests/requests.h"
#include "worker/store_containers.h"
#include "worker/store_requests.h"

static void begin(const struct job *job, const struct owned *owned, struct change *change)
{
    bool ran = strcmp(container_state(owned->inspected), "running") == 0;
    *change = (struct change){
        .user = job->request.user, .name = owned->name, .id = owned->id, .ran = ran};
    engine_name_of(change->user, change->name, change->engine_name);
}

static int check_container(struct runner *runner, const struct owned *owned, struct error *err)
{
    if (strcmp(container_state(owned->inspected), "paused") == 0)
        return fail(err, FAULT_CONFLICT, "%s is paused: unpause it first", owned->name);
    if (container_check_life(runner, owned, err) < 0)
        return -1;
    return image_check_layers(runner, owned->inspected, err);
}

int recreate_check(struct runner *runner, const char *user, const struct owned *owned,
                   const struct ports *ports, struct verdicts *verdicts, struct error *err)
{
    if (container_check_policy(runner, user, owned, ports, verdicts, err) < 0)
        return -1;
    if (check_container(runner, owned, err) < 0 || container_check_addresses(ports, err) < 0)
        return verdict_refused(verdicts, err, "container %s as it is", owned->name);
    return 0;
}

int recreate_choose_ports(const struct runner *runner, const struct job *job,
                          const struct owned *owned, struct ports *ret_ports, struct error *err)
{
    const json_t *asked = json_object_get(job->request.args, "ports");
    if (ports_from_json(asked ? asked : json_object_get(owned->entry, "ports"), ret_ports, err) < 0)
        return -1;
    for (size_t i = 0; i < ret_ports->count; i++) {
        const char *address = ret_ports->list[i].address;
        if (address[0] && !runner_has_address(runner, address))
            return fail(err, FAULT_NOT_FOUND, "this server has no address %s", address);
    }
    return 0;
}

static int reserve(struct runner *runner, const struct job *job, struct change *change,
                   struct error *err)
{
    const char **addresses = NULL;
    int status = order_addresses(runner, change->user, &change->ports, NULL, &addresses, err);
    if (status == 0)
        status = store_reserve_ports(runner->store, &job->request, change->name, &change->ports,
                                     addresses, &change->ports, err);
    free(addresses);
    return status;
}

/* The name first, which keeps how it was found, then the stop. */
static int stand_aside(struct runner *runner, const struct job *job, const struct owned *owned,
                       struct change *change, struct error *err)
{
    char aside[ENGINE_NAME_SIZE + sizeof ENGINE_ASIDE_RUNNING];
    bool ran = false;
    if (container_is_aside(runner, owned->inspected, change->user, change->name, &ran))
        change->ran = ran;
    snprintf(aside, sizeof aside, "%s%s", change->engine_name,
             change->ran ? ENGINE_ASIDE_RUNNING : ENGINE_ASIDE_STOPPED);
    if (journal_container(runner->journal, job->request.id, change->id, err) < 0 ||
        engine_container_rename(runner->engine, change->id, aside, err) < 0)
        return -1;
    return engine_container_act(runner->engine, ENGINE_STOP, change->id, NULL, err);
}

/* An image without a name, which the keeper removes once nothing needs it. What is made of a user's
 * own image is a user's own, and what is made of a granted one stays subject to that grant. */
static int save_changes(struct runner *runner, const struct job *job, const struct owned *owned,
                        json_t **ret_image, struct error *err)
{
    char id[ENGINE_ID_SIZE];
    json_auto_t *base = NULL;
    const char *base_id = text_at(owned->inspected, "Image");
    if (engine_image_inspect(runner->engine, base_id ? base_id : "", &base, err) < 0)
        return -1;
    bool is_own = image_is_ours(runner, base, job->request.user, NULL, NULL);
    const json_t *of_base = json_object_get(json_object_get(base, "Config"), "Labels");
    const json_t *of_entry = json_object_get(owned->entry, "container");
    struct labels facts = {.kind = is_own ? "image" : KIND_CHANGES,
                           .user = job->request.user,
                           .name =
                               is_own ? text_at(of_base, "dcm.name") : text_at(of_entry, "image"),
                           .request = job->request.id};
    json_auto_t *config = NULL;
    if (image_config_of(runner, owned->inspected, &facts, &config, err) < 0)
        return -1;
    struct engine_commit order = {.container = owned->id, .config = config};
    if (engine_commit(runner->engine, &order, id, err) < 0)
        return -1;
    return engine_image_inspect(runner->engine, id, ret_image, err);
}

/* Somebody else's, whose reservation came when ours had run out; or a program's of the host. */
static int port_taken(struct runner *runner, const struct job *job, struct change *change,
                      struct error *err)
{
    if (reserve(runner, job, change, err) < 0)
        return -1;
    return fail(err, FAULT_CONFLICT,
                "one of the ports is in use outside DCM: choose another host port");
}

/* The new container under the name, running, and compared whole. */
static int launch(struct runner *runner, const struct job *job, const struct container_plan *plan,
                  struct change *change, const json_t *present, json_t **ret_inspected,
                  struct error *err)
{
    char id[ENGINE_ID_SIZE];
    bool taken = false;
    json_auto_t *body = plan_again_body(plan, present);
    if (!plan->labels || !body)
        return fail(err, FAULT_DEPENDENCY, "out of memory");
    if (engine_container_create(runner->engine, change->engine_name, body, id, err) < 0)
        return -1;
    if (engine_container_act(runner->engine, ENGINE_START, id, &taken, err) < 0)
        return taken ? port_taken(runner, job, change, err) : -1;
    if (engine_container_inspect(runner->engine, id, ret_inspected, err) < 0)
        return -1;
    return plan_again_verify(plan, present, *ret_inspected, err);
}

/* The new one ends when the present one would have. */
static int inherit_life(struct runner *runner, const struct change *change, const json_t *inspected,
                        int64_t *ret_ends, struct error *err)
{
    const char *id = text_at(inspected, "Id");
    int64_t ends = 0;
    if (lives_find(runner->journal, change->id, &ends, err) < 0)
        return -1;
    return container_begin_life(runner, change->user, change->name, id, ends, ret_ends, err);
}

static json_t *describe(const struct runner *runner, const struct owned *owned,
                        const struct change *change, const json_t *inspected, int64_t ends)
{
    const json_t *present = json_object_get(owned->entry, "container");
    struct description description = {
        .name = change->name,
        .id = text_at(inspected, "Id"),
        .state = container_state(inspected),
        .address = describe_address(runner->addresses, &change->ports),
        .ssh_port = (uint16_t)number_at(owned->entry, "ssh_port"),
        .ports = &change->ports,
        .image = text_at(present, "image"),
        .created = text_at(inspected, "Created"),
        .expires = ends,
    };
    return describe_container(&description);
}

static int replace(struct runner *runner, struct job *job, const struct owned *owned,
                   struct change *change, json_t *result, struct error *err)
{
    char network[ENGINE_NAME_SIZE];
    json_auto_t *image = NULL, *inspected = NULL;
    struct labels facts = {.kind = "container",
                           .user = change->user,
                           .name = change->name,
                           .request = job->request.id,
                           .options = granted_text(owned->inspected)};
    if (save_changes(runner, job, owned, &image, err) < 0)
        return -1;
    json_auto_t *labels = labels_sign(runner->keyring, runner->identity, &facts);
    engine_network_of(change->user, network);
    struct policy_limits limits;
    policy_limits(runner->policy, change->user, timestamp_now(), &limits);
    struct container_plan plan = {
        .user = change->user,
        .name = change->name,
        .disk = limits.disk,
        .image_id = text_at(image, "Id"),
        .image = image,
        .labels = labels,
        .ssh_port = (uint16_t)number_at(owned->entry, "ssh_port"),
        .ssh_address = "0.0.0.0",
        .ports = &change->ports,
        .network = network,
    };
    store_progress(runner->store, &job->request, PHASE_STARTING, err);
    int64_t ends = 0;
    if (launch(runner, job, &plan, change, owned->inspected, &inspected, err) < 0 ||
        inherit_life(runner, change, inspected, &ends, err) < 0)
        return -1;
    json_t *container = describe(runner, owned, change, inspected, ends);
    json_object_set_new(result, "container", container);
    if (store_replace(runner->store, &job->request, container, err) < 0)
        return -1;
    image_warn_of_layers(image, result);
    return 0;
}

static int attempt(struct runner *runner, struct job *job, const struct owned *owned,
                   struct change *change, json_t *result, struct error *err)
{
    if (recreate_choose_ports(runner, job, owned, &change->ports, err) < 0 ||
        recreate_check(runner, change->user, owned, &change->ports, job->decided, err) < 0 ||
        recreate_drop_new(runner, job, change, err) < 0 || reserve(runner, job, change, err) < 0 ||
        recreate_check(runner, change->user, owned, &change->ports, job->decided, err) <
            0) /* again, now that every port has its address */
        return -1;
    store_progress(runner->store, &job->request, PHASE_CREATING, err);
    if (stand_aside(runner, job, owned, change, err) < 0)
        return -1;
    return replace(runner, job, owned, change, result, err);
}

int request_recreate(struct runner *runner, struct job *job, json_t *result, struct error *err)
{
    AUTO(owned) struct owned owned = {0};
    AUTO(lock) struct lock lock = {.file = -1};
    struct change change;
    if (owned_find(runner, job, &owned, err) < 0)
        return -1;
    const char *locked = job->container[0] ? job->container : owned.id;
    if (lock_take(runner->config->state, LOCK_CONTAINER, locked, false, &lock, err) < 0)
        return -1;
    /* Again, now that nobody else changes it. */
    owned_clear(&owned);
    if (owned_find(runner, job, &owned, err) < 0)
        return -1;
    if (recreate_is_done(job, owned.entry)) {
        json_object_set(result, "container", json_object_get(owned.entry, "container"));
        return recreate_finish(runner, job->container, err);
    }
    begin(job, &owned, &change);
    if (attempt(runner, job, &owned, &change, result, err) == 0)
        return recreate_finish(runner, change.id, err);
    json_object_del(result, "container");
    struct error debris = {0};
    if (fault_fate(err->fault) == FATE_RETRY ||
        recreate_put_back(runner, job, &change, &debris) == 0)
        return -1;
    if (fault_fate(debris.fault) == FATE_RETRY)
        *err = debris; /* said to be failed, it would stand aside for ever */
    else
        log_error("user=%s: %s could not be put back: %s", change.user, change.name, debris.text);
    return -1;
}
