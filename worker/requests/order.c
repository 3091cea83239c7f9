#include "worker/requests/order.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/run_args.h"
#include "schemas/units.h"
#include "worker/addresses.h"
#include "worker/granted.h"
#include "worker/plan.h"
#include "worker/requests/requests.h"
#include "worker/store_containers.h"

void order_clear(struct order *order)
{
    json_decref(order->image);
    json_decref(order->entry);
    json_decref(order->options);
    free(order->options_text);
    free(order->addresses);
    *order = (struct order){0};
}

static int find_uid(const struct policy_limits *limits, const char *user, uid_t *ret_uid,
                    struct error *err)
{
    char space[4096];
    struct passwd entry;
    struct passwd *found = NULL;
    if (limits->uid) {
        *ret_uid = limits->uid;
        return 0;
    }
    int status = getpwnam_r(user, &entry, space, sizeof space, &found);
    if (!found || entry.pw_uid < 1000)
        return fail(err, FAULT_DENIED, "this server knows no user '%s'%s%s", user,
                    status ? ": " : "", status ? strerror(status) : "");
    *ret_uid = entry.pw_uid;
    return 0;
}

/* *ret_found: it is one of the user's own, which come first. */
static int resolve_own(struct runner *runner, const struct job *job, struct order *order,
                       bool *ret_found, struct error *err)
{
    AUTO(own_image) struct own_image own = {0};
    const char *asked = text_at(job->request.args, "image");
    if (own_image_find(runner, job->request.user, asked, &own, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    if (!own.inspected)
        return 0;
    order->image = json_incref(own.inspected);
    order->image_id = text_at(order->image, "Id");
    order->entry = json_incref(own.entry);
    order->image_name = name_is_image_id(asked) ? own.name : asked;
    order->is_own = true;
    *ret_found = true;
    return plan_check_image(order->image, err);
}

/* A request may name an image by id; policy grants names. */
static int resolve_granted(struct runner *runner, const struct job *job, int64_t now,
                           struct order *order, struct error *err)
{
    const char *asked = text_at(job->request.args, "image");
    /* By name, policy comes first: nobody learns which other images the engine has. */
    if (!name_is_image_id(asked) &&
        policy_check_image(runner->policy, job->request.user, now, asked, err) < 0)
        return -1;
    if (engine_image_inspect(runner->engine, asked, &order->image, err) < 0)
        return err->fault == FAULT_NOT_FOUND
                   ? fail(err, FAULT_NOT_FOUND, "there is no image '%s' on this server", asked)
                   : -1;
    order->image_id = text_at(order->image, "Id");
    order->image_name = name_is_image_id(asked)
                            ? image_granted_name(runner, job->request.user, order->image)
                            : asked;
    return order->image_name
               ? plan_check_image(order->image, err)
               : fail(err, FAULT_NOT_FOUND, "there is no image '%s' on this server", asked);
}

static int resolve_image(struct runner *runner, const struct job *job, int64_t now,
                         struct order *order, struct error *err)
{
    bool found = false;
    if (resolve_own(runner, job, order, &found, err) < 0)
        return -1;
    return found ? 0 : resolve_granted(runner, job, now, order, err);
}

static int check_address(const struct runner *runner, const char *address,
                         struct verdicts *verdicts, struct error *err)
{
    if (!runner_has_address(runner, address))
        fail(err, FAULT_NOT_FOUND, "this server has no address %s", address);
    else if (address_is_up(address))
        return 0;
    else
        fail(err, FAULT_CONFLICT, "this server lacks the address %s just now", address);
    return verdict_refused(verdicts, err, "address %s", address);
}

/* Server and addresses must be this one's; --address is for every port that names none. */
static int check_places(const struct runner *runner, const struct job *job,
                        struct verdicts *verdicts, struct order *order, struct error *err)
{
    const char *server = text_at(job->request.args, "server");
    const char *address = text_at(job->request.args, "address");
    if (server && strcmp(server, runner->config->server) != 0) {
        fail(err, FAULT_NOT_FOUND, "no server '%s' takes requests here: this is %s", server,
             runner->config->server);
        if (verdict_refused(verdicts, err, "server %s", server) < 0)
            return -1;
    }
    if (address && check_address(runner, address, verdicts, err) < 0)
        return -1;
    for (size_t i = 0; i < order->ports.count; i++) {
        struct port *port = &order->ports.list[i];
        if (port->address[0] && check_address(runner, port->address, verdicts, err) < 0)
            return -1;
        if (!port->address[0] && address)
            snprintf(port->address, sizeof port->address, "%s", address);
    }
    return 0;
}

/* Which of the server's addresses ports without one may go to. */
static int grant_addresses(const struct runner *runner, const char *user, const char **addresses,
                           struct verdicts *verdicts, struct error *err)
{
    int64_t now = timestamp_now();
    size_t granted = 0;
    fail(err, FAULT_CONFLICT, "this server lacks its addresses just now");
    for (char *const *known = runner->addresses; *known; known++)
        if (policy_check_address(runner->policy, user, now, *known, err) == 0 &&
            address_is_up(*known))
            addresses[granted++] = *known;
    if (granted == 0)
        return verdict_refused(verdicts, err, "ports that name no address");
    for (size_t i = 0; i < granted; i++)
        policy_judge_address(runner->policy, user, now, addresses[i], verdicts, err);
    return 0;
}

int order_addresses(const struct runner *runner, const char *user, const struct ports *ports,
                    struct verdicts *verdicts, const char ***ret_addresses, struct error *err)
{
    size_t count = 0;
    bool needed = false;
    while (runner->addresses[count])
        count++;
    const char **addresses = calloc(count + 1, sizeof *addresses);
    if (!addresses)
        return fail(err, FAULT_DEPENDENCY, "out of memory");
    *ret_addresses = addresses;
    for (size_t i = 0; i < ports->count; i++)
        needed |= ports->list[i].address[0] == '\0';
    if (needed)
        return grant_addresses(runner, user, addresses, verdicts, err);
    for (size_t i = 0; i < count; i++)
        addresses[i] = runner->addresses[i];
    return 0;
}

static int ask_policy(const struct runner *runner, const struct job *job, int64_t now,
                      struct verdicts *verdicts, struct order *order, struct error *err)
{
    json_auto_t *args = json_deep_copy(job->request.args);
    if (order->is_own)
        verdict_allowed(verdicts, "", "image %s, your own", order->image_name);
    if (order->is_own || !order->image_name)
        json_object_del(args, "image");
    else
        json_object_set_new(args, "image", json_string(order->image_name));
    return policy_judge_create(runner->policy, job->request.user, now, args, &order->ports,
                               verdicts, &order->grant, err);
}

/* Granted; what the plan and the label are to hold of it. */
static int keep_options(const struct job *job, struct order *order, struct error *err)
{
    order->options = run_args_of(job->request.args);
    if (!order->options)
        return fail(err, FAULT_DEPENDENCY, "out of memory");
    return granted_write(order->options, &order->options_text, err);
}

int order_judge(struct runner *runner, const struct job *job, struct verdicts *verdicts,
                struct order *ret_order, struct error *err)
{
    struct order *order = ret_order;
    const char *user = job->request.user;
    const char *image = text_at(job->request.args, "image");
    int64_t now = timestamp_now();
    policy_limits(runner->policy, user, now, &order->limits);
    if (runner_look(runner, err) < 0)
        return -1;
    if (find_uid(&order->limits, user, &order->uid, err) < 0 &&
        verdict_refused(verdicts, err, "user %s", user) < 0)
        return -1;
    if (ports_from_json(json_object_get(job->request.args, "ports"), &order->ports, err) < 0 ||
        check_places(runner, job, verdicts, order, err) < 0)
        return -1;
    if (resolve_image(runner, job, now, order, err) < 0 &&
        verdict_refused(verdicts, err, "image %s", image) < 0)
        return -1;
    if (ask_policy(runner, job, now, verdicts, order, err) < 0 || keep_options(job, order, err) < 0)
        return -1;
    if (order_addresses(runner, user, &order->ports, verdicts, &order->addresses, err) < 0)
        return -1;
    return host_judge(runner, order->options, verdicts, err);
}

int order_prepare(struct runner *runner, const struct job *job, struct order *ret_order,
                  struct error *err)
{
    if (order_judge(runner, job, job->decided, ret_order, err) < 0)
        return -1;
    const struct storage_owner owner = {.user = job->request.user,
                                        .uid = ret_order->uid,
                                        .ids = &runner->ids,
                                        .bound = &ret_order->limits.storage};
    return storage_prepare(runner->config->storage, runner->config->keys, &owner, &ret_order->paths,
                           err);
}

struct wish order_wish(const struct runner *runner, const struct job *job,
                       const struct order *order)
{
    const struct worker_config *config = runner->config;
    return (struct wish){
        .name = text_at(job->request.args, "name"),
        .image = order->image_name,
        .ports = &order->ports,
        .addresses = order->addresses,
        .first_port = config->first_port,
        .last_port = config->last_port,
        .memory = order->grant.memory,
        .millicpus = order->grant.millicpus,
        .pids = order->grant.pids,
        .most_containers = order->limits.containers,
        .most_memory = order->limits.memory.total,
        .most_millicpus = order->limits.millicpus.total,
        .most_pids = order->limits.pids.total,
        .containers_rule = order->limits.containers_rule,
        .memory_rule = order->limits.memory.rule,
        .millicpus_rule = order->limits.millicpus.rule,
        .pids_rule = order->limits.pids.rule,
        .subnets = config->subnet_count,
    };
}
