#include "worker/requests/order.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "schemas/run_args.h"
#include "schemas/units.h"
#include "worker/granted.h"
#include "worker/plan.h"
#include "worker/requests/requests.h"

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
    const char *asked = json_string_value(json_object_get(job->request.args, "image"));
    if (own_image_find(runner, job->request.user, asked, &own, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    if (!own.inspected)
        return 0;
    order->image = json_incref(own.inspected);
    order->image_id = json_string_value(json_object_get(order->image, "Id"));
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
    const char *asked = json_string_value(json_object_get(job->request.args, "image"));
    /* By name, policy comes first: nobody learns which other images the engine has. */
    if (!name_is_image_id(asked) &&
        policy_check_image(runner->policy, job->request.user, now, asked, err) < 0)
        return -1;
    if (engine_image_inspect(runner->engine, asked, &order->image, err) < 0)
        return err->fault == FAULT_NOT_FOUND
                   ? fail(err, FAULT_NOT_FOUND, "there is no image '%s' on this server", asked)
                   : -1;
    order->image_id = json_string_value(json_object_get(order->image, "Id"));
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

/* Server and addresses must be this one's; --address is for every port that names none. */
static int check_places(const struct runner *runner, const struct job *job, struct order *order,
                        struct error *err)
{
    const char *server = json_string_value(json_object_get(job->request.args, "server"));
    const char *address = json_string_value(json_object_get(job->request.args, "address"));
    if (server && strcmp(server, runner->config->server) != 0)
        return fail(err, FAULT_NOT_FOUND, "no server '%s' takes requests here: this is %s", server,
                    runner->config->server);
    if (address && !runner_has_address(runner, address))
        return fail(err, FAULT_NOT_FOUND, "this server has no address %s", address);
    for (size_t i = 0; i < order->ports.count; i++) {
        struct port *port = &order->ports.list[i];
        if (!port->address[0] && address)
            snprintf(port->address, sizeof port->address, "%s", address);
        if (port->address[0] && !runner_has_address(runner, port->address))
            return fail(err, FAULT_NOT_FOUND, "this server has no address %s", port->address);
    }
    return 0;
}

int order_addresses(const struct runner *runner, const char *user, int64_t now,
                    const struct ports *ports, const char ***ret_addresses, struct error *err)
{
    char *const *known = runner->addresses;
    size_t count = 0;
    bool needed = false;
    while (known[count])
        count++;
    const char **addresses = calloc(count + 1, sizeof *addresses);
    if (!addresses)
        return fail(err, FAULT_DEPENDENCY, "out of memory");
    for (size_t i = 0; i < ports->count; i++)
        needed |= ports->list[i].address[0] == '\0';
    size_t granted = 0;
    for (size_t i = 0; i < count; i++)
        if (!needed || policy_check_address(runner->policy, user, now, known[i], err) == 0)
            addresses[granted++] = known[i];
    *ret_addresses = addresses;
    return granted ? 0 : -1;
}

static int ask_policy(const struct runner *runner, const struct job *job, int64_t now,
                      struct order *order, struct error *err)
{
    json_auto_t *args = json_deep_copy(job->request.args);
    json_object_set_new(args, "image", json_string(order->image_name));
    if (order->is_own)
        json_object_del(args, "image");
    return policy_check_create(runner->policy, job->request.user, now, args, &order->ports,
                               &order->grant, err);
}

/* Granted; what the plan and the label are to hold of it. */
static int keep_options(const struct job *job, struct order *order, struct error *err)
{
    order->options = run_args_of(job->request.args);
    if (!order->options)
        return fail(err, FAULT_DEPENDENCY, "out of memory");
    return granted_write(order->options, &order->options_text, err);
}

int order_prepare(struct runner *runner, const struct job *job, struct order *ret_order,
                  struct error *err)
{
    struct order *order = ret_order;
    const char *user = job->request.user;
    int64_t now = timestamp_now();
    policy_limits(runner->policy, user, now, &order->limits);
    if (runner_identity(runner, err) < 0 || find_uid(&order->limits, user, &order->uid, err) < 0 ||
        ports_from_json(json_object_get(job->request.args, "ports"), &order->ports, err) < 0 ||
        check_places(runner, job, order, err) < 0 ||
        resolve_image(runner, job, now, order, err) < 0 ||
        ask_policy(runner, job, now, order, err) < 0 || keep_options(job, order, err) < 0 ||
        order_addresses(runner, user, now, &order->ports, &order->addresses, err) < 0 ||
        host_check(runner, order->options, err) < 0)
        return -1;
    return storage_prepare(runner->config->storage, runner->config->keys, user, order->uid,
                           &order->paths, err);
}
