/* What the engine has and the index lacks, put back into it. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/log.h"
#include "common/members.h"
#include "worker/describe.h"
#include "worker/journal_lives.h"
#include "worker/keeper_private.h"
#include "worker/locks.h"
#include "worker/requests/requests.h"
#include "worker/store_containers.h"
#include "worker/store_keeper.h"

/* In which subnet of the pool does the user's network lie? */
static int find_subnet(struct runner *keeper, const char *user, unsigned *ret_index,
                       struct error *err)
{
    char wanted[ENGINE_NAME_SIZE];
    json_auto_t *networks = NULL;
    size_t i = 0;
    json_t *network = NULL;
    engine_network_of(user, wanted);
    if (engine_network_list(keeper->engine, &networks, err) < 0)
        return -1;
    json_array_foreach(networks, i, network)
    {
        const char *name = text_at(network, "Name");
        const json_t *config = json_object_get(json_object_get(network, "IPAM"), "Config");
        const char *subnet = text_at(json_array_get(config, 0), "Subnet");
        char base[SUBNET_SIZE] = "";
        struct in_addr address;
        if (!name || strcmp(name, wanted) != 0 || !subnet)
            continue;
        snprintf(base, sizeof base, "%.*s", (int)strcspn(subnet, "/"), subnet);
        if (inet_pton(AF_INET, base, &address) != 1)
            continue;
        uint32_t offset = ntohl(address.s_addr) - keeper->config->subnet_base;
        unsigned index = offset >> (32 - (unsigned)keeper->config->subnet_bits);
        if (index >= keeper->config->subnet_count)
            continue;
        *ret_index = index;
        return 0;
    }
    return fail(err, FAULT_NOT_FOUND, "user %s has no network of the pool", user);
}

/* As the index had it. A reservation shows no id yet, and lasts as long as a new one. */
static json_t *entry_of(struct runner *keeper, const json_t *inspected, const char *name,
                        unsigned subnet, const char *image, bool reserved, int64_t ends)
{
    struct ports ports;
    uint16_t ssh_port = 0;
    const json_t *host = json_object_get(inspected, "HostConfig");
    const json_t *labels = json_object_get(json_object_get(inspected, "Config"), "Labels");
    describe_ports(inspected, &ports, &ssh_port);
    struct description description = {.name = name,
                                      .id = reserved ? NULL : text_at(inspected, "Id"),
                                      .state = reserved ? "creating" : container_state(inspected),
                                      .address = describe_address(keeper->addresses, &ports),
                                      .ssh_port = ssh_port,
                                      .ports = &ports,
                                      .image = image,
                                      .created = text_at(inspected, "Created"),
                                      .expires = ends};
    json_int_t nano_cpus = number_at(host, "NanoCpus");
    json_t *entry = json_pack("{s:s, s:s, s:i, s:O?, s:I, s:O?, s:i, s:i, s:o, s:o}", "request",
                              text_at(labels, "dcm.request"), "server", keeper->config->server,
                              "until", 0, "memory", json_object_get(host, "Memory"), "millicpus",
                              nano_cpus / 1000000, "pids", json_object_get(host, "PidsLimit"),
                              "subnet", (int)subnet, "ssh_port", (int)ssh_port, "ports",
                              ports_to_json(&ports), "container", describe_container(&description));
    if (reserved)
        json_object_set_new(entry, "life", json_integer(RESERVATION_S * (json_int_t)1000));
    return entry;
}

/* Has the index this very container, bound? It may have come back since it was missed. */
static int is_known(struct runner *keeper, const char *user, const char *name, const char *id,
                    bool *ret_known, struct error *err)
{
    json_auto_t *entry = NULL;
    if (store_container(keeper->store, user, name, &entry, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    const char *known = text_at(json_object_get(entry, "container"), "id");
    *ret_known = known && strcmp(known, id) == 0 && number_at(entry, "until") == 0;
    return 0;
}

/* 0 with *ret_inspected NULL: it is gone, or none of ours. */
static int inspect_ours(struct runner *keeper, const char *user, const char *name, const char *id,
                        json_t **ret_inspected, struct error *err)
{
    json_auto_t *inspected = NULL;
    bool ran = false;
    if (engine_container_inspect(keeper->engine, id, &inspected, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    if (container_is_ours(keeper, inspected, user, name, NULL) ||
        container_is_aside(keeper, inspected, user, name, &ran))
        *ret_inspected = TAKE(inspected);
    return 0;
}

int keeper_restore(struct runner *keeper, const char *user, const char *name, const char *id,
                   bool reserved, struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    json_auto_t *inspected = NULL;
    json_auto_t *image = NULL;
    unsigned subnet = 0;
    bool removed = false, known = false;
    int64_t ends = 0;
    struct error unseen = {0};
    if (lock_take(keeper->config->state, LOCK_CONTAINER, id, false, &lock, err) < 0 ||
        journal_is_tombstone(keeper->journal, id, &removed, err) < 0 ||
        is_known(keeper, user, name, id, &known, err) < 0 ||
        lives_find(keeper->journal, id, &ends, err) < 0)
        return -1;
    if (removed || known)
        return 0;
    if (inspect_ours(keeper, user, name, id, &inspected, err) < 0)
        return -1;
    if (!inspected)
        return 0;
    if (find_subnet(keeper, user, &subnet, err) < 0)
        return -1;
    const char *image_id = text_at(inspected, "Image");
    const char *image_name = NULL;
    if (engine_image_inspect(keeper->engine, image_id, &image, &unseen) == 0)
        image_name = image_known_as(keeper, user, image);
    json_auto_t *entry = entry_of(keeper, inspected, name, subnet,
                                  image_name ? image_name : image_id, reserved, ends);
    if (store_restore(keeper->store, user, entry, subnet, err) < 0)
        return fail_while(err, "restore %s of %s", name, user);
    log_warning("user=%s: the index had lost %s; restored", user, name);
    return 0;
}

int keeper_restore_heir(struct runner *keeper, const char *user, const char *name, const char *id,
                        const char *request, struct error *err)
{
    const char *const no_addresses[] = {NULL};
    struct request recreate = {0};
    struct ports ports;
    uint16_t ssh_port = 0;
    json_auto_t *inspected = NULL;
    if (engine_container_inspect(keeper->engine, id, &inspected, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    if (!container_is_ours(keeper, inspected, user, name, request))
        return 0;
    snprintf(recreate.id, sizeof recreate.id, "%s", request);
    snprintf(recreate.user, sizeof recreate.user, "%s", user);
    describe_ports(inspected, &ports, &ssh_port);
    return store_reserve_ports(keeper->store, &recreate, name, &ports, no_addresses, &ports, err);
}
