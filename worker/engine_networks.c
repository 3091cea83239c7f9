#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/auto.h"
#include "worker/engine_private.h"

/* While another runner makes the same network, its subnet is taken before its name is to be seen
 * (Docker 20.10 refuses with 403 "Pool overlaps"): look again for a moment. */
#define LOOKS 20
#define LOOK_MS 100

static void network_path(char path[ENGINE_PATH_SIZE], const char *name)
{
    snprintf(path, ENGINE_PATH_SIZE, "/networks/%s", name);
}

/* Is there a network of this name? FAULT_CONFLICT: yes, but another one than we want. */
static int look(struct engine *engine, const struct engine_network *wanted, bool *ret_there,
                struct error *err)
{
    char path[ENGINE_PATH_SIZE];
    const struct engine_call call = {.method = "GET", .path = path};
    AUTO(engine_answer) struct engine_answer answer = {0};
    json_auto_t *network = NULL;

    network_path(path, wanted->name);
    if (engine_exchange(engine, &call, &answer, err) < 0)
        return -1;
    if (answer.status == 404) {
        *ret_there = false;
        return 0;
    }
    if (engine_decode(&answer, &network, err) < 0)
        return -1;
    const char *driver = NULL;
    const char *subnet = NULL; /* borrowed, like driver */
    if (json_unpack(network, "{s:s, s:{s:[{s:s}]}}", "Driver", &driver, "IPAM", "Config", "Subnet",
                    &subnet) < 0 ||
        strcmp(driver, "bridge") != 0 || strcmp(subnet, wanted->subnet) != 0)
        return fail(err, FAULT_CONFLICT, "network %s exists, and not as a bridge on %s",
                    wanted->name, wanted->subnet);
    *ret_there = true;
    return 0;
}

/* *ret_refused: the engine did not, and *err says why; a later look decides what that means. */
static int create(struct engine *engine, const struct engine_network *network, bool *ret_refused,
                  struct error *err)
{
    json_auto_t *body =
        json_pack("{s:s, s:b, s:s, s:{s:s, s:[{s:s}]}, s:o}", "Name", network->name,
                  "CheckDuplicate", 1, "Driver", "bridge", "IPAM", "Driver", "default", "Config",
                  "Subnet", network->subnet, "Labels", json_deep_copy(network->labels));
    const struct engine_call call = {.method = "POST", .path = "/networks/create", .body = body};
    AUTO(engine_answer) struct engine_answer answer = {0};

    if (!body)
        return fail(err, FAULT_INTERNAL, "cannot describe network %s", network->name);
    if (engine_exchange(engine, &call, &answer, err) < 0)
        return -1;
    *ret_refused = answer.status == 403 || answer.status == 409;
    return engine_agrees(&answer) ? 0 : engine_refused(&answer, err);
}

int engine_network_ensure(struct engine *engine, const struct engine_network *network,
                          struct error *err)
{
    struct error refusal = {0};

    if (!engine_is_network_name(network->name))
        return fail(err, FAULT_INVALID, "not a network's name in the engine");
    for (int i = 0; i < LOOKS; i++) {
        bool there = false;
        bool refused = false;
        if (look(engine, network, &there, err) < 0)
            return -1;
        if (there || create(engine, network, &refused, &refusal) == 0)
            return 0;
        if (!refused)
            return fail(err, refusal.fault, "%s", refusal.text);
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
    }
    return fail(err, FAULT_CONFLICT, "network %s on %s: %s", network->name, network->subnet,
                refusal.text);
}

int engine_network_remove(struct engine *engine, const char *name, struct error *err)
{
    char path[ENGINE_PATH_SIZE];
    const struct engine_call call = {.method = "DELETE", .path = path};
    AUTO(engine_answer) struct engine_answer answer = {0};

    if (!engine_is_network_name(name))
        return fail(err, FAULT_INVALID, "not a network's name in the engine");
    network_path(path, name);
    if (engine_exchange(engine, &call, &answer, err) < 0)
        return -1;
    if (engine_agrees(&answer) || answer.status == 404)
        return 0;
    return engine_refused(&answer, err);
}

int engine_network_list(struct engine *engine, json_t **ret_networks, struct error *err)
{
    const struct engine_call call = {.method = "GET", .path = "/networks", .query = {ENGINE_OURS}};
    return engine_ask(engine, &call, ret_networks, err);
}
