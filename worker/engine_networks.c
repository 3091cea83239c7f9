#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/auto.h"
#include "worker/engine_private.h"

/* While another runner makes the same network, its subnet is taken before its name is to be seen
 * (Docker 20.10 refuses with 403 "Pool overlaps"): look again for a moment. */
#define LOOKS 20
#define LOOK_MS 100

#define BRIDGE_OPTION "com.docker.network.bridge.name"
#define BRIDGE_SIZE 13

/* The host's firewall knows users' bridges by this prefix (ops/dcm-firewall); the subnet makes the
 * rest, because no two networks of a machine share one. */
static int bridge_name(const char *subnet, char ret_name[BRIDGE_SIZE], struct error *err)
{
    char base[INET_ADDRSTRLEN];
    struct in_addr address;

    snprintf(base, sizeof base, "%.*s", (int)strcspn(subnet, "/"), subnet);
    if (inet_pton(AF_INET, base, &address) != 1)
        return fail(err, FAULT_INVALID, "'%s' is not a network", subnet);
    snprintf(ret_name, BRIDGE_SIZE, "dcmu%08x", ntohl(address.s_addr));
    return 0;
}

static void network_path(char path[ENGINE_PATH_SIZE], const char *name)
{
    snprintf(path, ENGINE_PATH_SIZE, "/networks/%s", name);
}

/* Is there a network of this name? FAULT_CONFLICT: yes, but another one than we want, such as one
 * on a bridge that the firewall does not know. */
static int look(struct engine *engine, const struct engine_network *wanted, const char *bridge,
                bool *ret_there, struct error *err)
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
    const char *subnet = NULL;
    const char *there = NULL; /* borrowed, like both above */
    if (json_unpack(network, "{s:s, s:{s:[{s:s}]}, s:{s:s}}", "Driver", &driver, "IPAM", "Config",
                    "Subnet", &subnet, "Options", BRIDGE_OPTION, &there) < 0 ||
        strcmp(driver, "bridge") != 0 || strcmp(subnet, wanted->subnet) != 0 ||
        strcmp(there, bridge) != 0)
        return fail(err, FAULT_CONFLICT, "network %s exists, and not as the bridge %s on %s",
                    wanted->name, bridge, wanted->subnet);
    *ret_there = true;
    return 0;
}

/* *ret_refused: the engine did not, and *err says why; a later look decides what that means. */
static int create(struct engine *engine, const struct engine_network *network, const char *bridge,
                  bool *ret_refused, struct error *err)
{
    json_auto_t *body =
        json_pack("{s:s, s:b, s:s, s:{s:s, s:[{s:s}]}, s:{s:s}, s:o}", "Name", network->name,
                  "CheckDuplicate", 1, "Driver", "bridge", "IPAM", "Driver", "default", "Config",
                  "Subnet", network->subnet, "Options", BRIDGE_OPTION, bridge, "Labels",
                  json_deep_copy(network->labels));
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
    char bridge[BRIDGE_SIZE];

    if (!engine_is_network_name(network->name))
        return fail(err, FAULT_INVALID, "not a network's name in the engine");
    if (bridge_name(network->subnet, bridge, err) < 0)
        return -1;
    for (int i = 0; i < LOOKS; i++) {
        bool there = false;
        bool refused = false;
        if (look(engine, network, bridge, &there, err) < 0)
            return -1;
        if (there || create(engine, network, bridge, &refused, &refusal) == 0)
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
    return engine_ask_list(engine, &call, ret_networks, err);
}

int engine_default_network(struct engine *engine, json_t **ret_network, struct error *err)
{
    const struct engine_call call = {.method = "GET", .path = "/networks/bridge"};
    AUTO(engine_answer) struct engine_answer answer = {0};

    if (engine_exchange(engine, &call, &answer, err) < 0)
        return -1;
    if (answer.status == 404)
        return fail(err, FAULT_NOT_FOUND, "the engine has no default network");
    return engine_decode(&answer, ret_network, err);
}
