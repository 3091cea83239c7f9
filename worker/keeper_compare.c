#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/log.h"
#include "schemas/units.h"
#include "worker/describe.h"
#include "worker/keeper.h"
#include "worker/locks.h"
#include "worker/requests/requests.h"

#define SETTLING_S 60 /* a container this young may still be in its runner's hands */

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* The entry of this very container, bound; or nothing. 0 with *ret_entry NULL when there is none.
 */
static int bound_entry(struct runner *keeper, const char *user, const char *name, const char *id,
                       json_t **ret_entry, struct error *err)
{
    json_auto_t *entry = NULL;
    if (store_container(keeper->store, user, name, &entry, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    const char *entry_id = text_at(json_object_get(entry, "container"), "id");
    if (json_integer_value(json_object_get(entry, "until")) == 0 && entry_id &&
        strcmp(entry_id, id) == 0)
        *ret_entry = TAKE(entry);
    return 0;
}

static int drop_lost(struct runner *keeper, const char *user, const char *name, const char *id,
                     const json_t *entry, struct error *err)
{
    bool removed = false;
    if (journal_is_tombstone(keeper->journal, id, &removed, err) < 0)
        return -1;
    if (removed)
        return 0; /* on purpose, and its runner does the rest */
    log_warning("user=%s: %s was removed by hand; its ports are free again", user, name);
    return container_release(keeper, user, name, text_at(entry, "request"), err);
}

int keeper_refresh(struct runner *keeper, const char *user, const char *name, const char *id,
                   struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    json_auto_t *entry = NULL;
    json_auto_t *inspected = NULL;
    if (lock_take(keeper->config->state, LOCK_CONTAINER, id, false, &lock, err) < 0 ||
        bound_entry(keeper, user, name, id, &entry, err) < 0)
        return -1;
    if (!entry)
        return 0;
    if (engine_container_inspect(keeper->engine, id, &inspected, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? drop_lost(keeper, user, name, id, entry, err) : -1;
    bool ran = false;
    if (container_is_aside(keeper, inspected, user, name, &ran))
        return 0; /* its recreate goes on as soon as there is a runner */
    if (!container_is_ours(keeper, inspected, user, name, text_at(entry, "request"))) {
        log_error("user=%s: %s does not carry DCM's mark any more; left alone", user, name);
        return 0;
    }
    const char *state = container_state(inspected);
    const char *known = text_at(json_object_get(entry, "container"), "state");
    if (known && strcmp(state, known) == 0)
        return 0;
    return store_set_state(keeper->store, user, name, state, err);
}

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

static json_t *entry_of(struct runner *keeper, const json_t *inspected, const char *name,
                        unsigned subnet, const char *image)
{
    struct ports ports;
    uint16_t ssh_port = 0;
    const json_t *host = json_object_get(inspected, "HostConfig");
    const json_t *labels = json_object_get(json_object_get(inspected, "Config"), "Labels");
    describe_ports(inspected, &ports, &ssh_port);
    struct description description = {.name = name,
                                      .id = text_at(inspected, "Id"),
                                      .state = container_state(inspected),
                                      .address = describe_address(keeper->addresses, &ports),
                                      .ssh_port = ssh_port,
                                      .ports = &ports,
                                      .image = image,
                                      .created = text_at(inspected, "Created")};
    json_int_t nano_cpus = json_integer_value(json_object_get(host, "NanoCpus"));
    return json_pack("{s:s, s:s, s:i, s:O?, s:I, s:O?, s:i, s:i, s:o, s:o}", "request",
                     text_at(labels, "dcm.request"), "server", keeper->config->server, "until", 0,
                     "memory", json_object_get(host, "Memory"), "millicpus", nano_cpus / 1000000,
                     "pids", json_object_get(host, "PidsLimit"), "subnet", (int)subnet, "ssh_port",
                     (int)ssh_port, "ports", ports_to_json(&ports), "container",
                     describe_container(&description));
}

int keeper_restore(struct runner *keeper, const char *user, const char *name, const char *id,
                   struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    json_auto_t *inspected = NULL;
    json_auto_t *image = NULL;
    json_auto_t *known = NULL;
    unsigned subnet = 0;
    bool removed = false;
    if (lock_take(keeper->config->state, LOCK_CONTAINER, id, false, &lock, err) < 0 ||
        journal_is_tombstone(keeper->journal, id, &removed, err) < 0)
        return -1;
    if (removed)
        return 0;
    if (store_container(keeper->store, user, name, &known, err) == 0)
        return 0; /* it has come in the meantime */
    if (err->fault != FAULT_NOT_FOUND)
        return -1;
    if (engine_container_inspect(keeper->engine, id, &inspected, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    if (!container_is_ours(keeper, inspected, user, name, NULL))
        return 0;
    if (find_subnet(keeper, user, &subnet, err) < 0)
        return -1;
    const char *image_id = text_at(inspected, "Image");
    const char *image_name = NULL;
    if (engine_image_inspect(keeper->engine, image_id, &image, err) == 0)
        image_name = image_known_as(keeper, user, image);
    json_auto_t *entry =
        entry_of(keeper, inspected, name, subnet, image_name ? image_name : image_id);
    if (store_restore(keeper->store, user, entry, subnet, err) < 0)
        return fail_while(err, "restore %s of %s", name, user);
    log_warning("user=%s: the index had lost %s; restored", user, name);
    return 0;
}

/* Every container of ours in the engine: known ones are refreshed when their state differs. */
static int look_at(struct runner *keeper, const json_t *container, const json_t *by_id,
                   struct error *err)
{
    struct labels expected = {.kind = "container"};
    const json_t *labels = json_object_get(container, "Labels");
    const char *id = text_at(container, "Id");
    const char *user = text_at(labels, "dcm.user"), *name = text_at(labels, "dcm.name");
    const char *engine_state = text_at(container, "State");
    if (!id || !user || !name || !engine_state ||
        !labels_verify(keeper->keyring, keeper->identity, labels, &expected))
        return 0;
    if (keeper_is_aside(container, user, name))
        return keeper_settle_aside(keeper, user, id, err);
    const json_t *entry = json_object_get(by_id, id);
    if (!entry) {
        json_int_t age =
            timestamp_now() / 1000 - json_integer_value(json_object_get(container, "Created"));
        return age > SETTLING_S ? keeper_restore(keeper, user, name, id, err) : 0;
    }
    /* The engine has more words for "stopped": created, exited, dead, … */
    bool is_plain = strcmp(engine_state, "running") == 0 || strcmp(engine_state, "paused") == 0;
    const char *state = is_plain ? engine_state : "stopped";
    const char *known = text_at(json_object_get(entry, "container"), "state");
    if (known && strcmp(known, state) == 0)
        return 0;
    return keeper_refresh(keeper, user, name, id, err);
}

/* Trouble with one container is told, and keeps no other from being looked at. */
static int bear(int status, const struct error *err)
{
    if (status == 0 || fault_fate(err->fault) == FATE_RETRY)
        return status;
    log_warning("%s", err->text);
    return 0;
}

int keeper_compare(struct runner *keeper, struct error *err)
{
    json_auto_t *entries = NULL;
    json_auto_t *containers = NULL;
    json_auto_t *by_id = json_object();
    json_auto_t *in_engine = json_object();
    size_t i = 0;
    json_t *item = NULL;
    /* Entries first: one that is bound was in the engine before the list below was made. */
    if (runner_identity(keeper, err) < 0 ||
        store_containers_of_server(keeper->store, &entries, err) < 0 ||
        engine_container_list(keeper->engine, &containers, err) < 0)
        return -1;
    json_array_foreach(entries, i, item)
    {
        const char *id = text_at(json_object_get(item, "container"), "id");
        if (id)
            json_object_set(by_id, id, item);
    }
    json_array_foreach(containers, i, item)
    {
        json_object_set_new(in_engine, text_at(item, "Id"), json_true());
        if (bear(look_at(keeper, item, by_id, err), err) < 0)
            return -1;
    }
    json_array_foreach(entries, i, item)
    {
        const json_t *container = json_object_get(item, "container");
        const char *id = text_at(container, "id");
        const char *user = text_at(item, "user"), *name = text_at(container, "name");
        if (!id || !user || !name || json_object_get(in_engine, id))
            continue;
        if (bear(keeper_refresh(keeper, user, name, id, err), err) < 0)
            return -1;
    }
    return 0;
}
