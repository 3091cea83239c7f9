#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/members.h"
#include "tests/standin/standin.h"

struct subnet {
    uint32_t base;
    uint32_t mask;
};

static bool parse_subnet(const char *text, struct subnet *ret_subnet)
{
    char address[INET_ADDRSTRLEN + 4];
    struct in_addr base;

    snprintf(address, sizeof(address), "%s", text ? text : "");
    char *length = address;
    strsep(&length, "/");
    long bits = length ? strtol(length, NULL, 10) : 0;
    if (bits < 1 || bits > 30 || inet_pton(AF_INET, address, &base) != 1)
        return false;
    ret_subnet->mask = ~0U << (32 - bits);
    ret_subnet->base = ntohl(base.s_addr) & ret_subnet->mask;
    return true;
}

static const char *subnet_of(const json_t *network)
{
    json_t *list = json_object_get(json_object_get(network, "IPAM"), "Config");
    return text_at(json_array_get(list, 0), "Subnet");
}

static bool overlaps(const struct standin *standin, const struct subnet *wanted)
{
    const char *name;
    json_t *network;

    json_object_foreach(standin->networks, name, network)
    {
        struct subnet there;
        if (!parse_subnet(subnet_of(network), &there))
            continue;
        uint32_t mask = there.mask & wanted->mask;
        if ((there.base & mask) == (wanted->base & mask))
            return true;
    }
    return false;
}

void create_network(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    const char *name = text_at(call->body, "Name");
    const char *text = subnet_of(call->body);
    struct subnet subnet;
    char id[65];
    char time[TIME_SIZE];

    if (!name || !*name)
        refuse(reply, 400, "invalid network name");
    else if (json_object_get(standin->networks, name))
        refuse(reply, 409, "network with name %s already exists", name);
    else if (!parse_subnet(text, &subnet)) /* the stand-in has no pools of its own */
        refuse(reply, 400, "Invalid subnet %s : invalid CIDR address: %s", text ? text : "",
               text ? text : "");
    else if (overlaps(standin, &subnet))
        refuse(reply, 403, "Pool overlaps with other one on this address space");
    if (reply->body.length > 0)
        return;

    json_t *labels = json_object_get(call->body, "Labels");
    json_t *options = json_object_get(call->body, "Options");
    new_id(id);
    time_text(time);
    json_object_set_new(
        standin->networks, name,
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:O, s:b, s:b, s:b, s:{}, s:o, s:o}", "Name",
                  name, "Id", id, "Created", time, "Scope", "local", "Driver", "bridge",
                  "EnableIPv6", 0, "IPAM", json_object_get(call->body, "IPAM"), "Internal", 0,
                  "Attachable", 0, "Ingress", 0, "Containers", "Options",
                  options ? json_incref(options) : json_object(), "Labels",
                  labels ? json_incref(labels) : json_object()));
    reply_json(reply, 201, json_pack("{s:s, s:s}", "Id", id, "Warning", ""));
}

void show_network(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    json_t *network = json_object_get(standin->networks, call->target);
    if (network)
        reply_json(reply, 200, json_incref(network));
    else
        refuse(reply, 404, "network %s not found", call->target);
}

void list_networks(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    json_t *list = json_array();
    const char *name;
    json_t *network;

    json_object_foreach(standin->networks, name, network)
    {
        if (labels_fit(call, json_object_get(network, "Labels")))
            json_array_append(list, network);
    }
    reply_json(reply, 200, list);
}

/* The one network of a container, and where it stands there. */
static const char *membership(const json_t *container, json_t **ret_endpoint)
{
    json_t *networks = json_object_get(json_object_get(container, "NetworkSettings"), "Networks");
    void *first = json_object_iter(networks);
    *ret_endpoint = first ? json_object_iter_value(first) : NULL;
    return first ? json_object_iter_key(first) : "";
}

static bool has_members(const struct standin *standin, const char *network)
{
    const char *id;
    json_t *container;

    json_object_foreach(standin->containers, id, container)
    {
        json_t *endpoint;
        if (is_running(container) && strcmp(membership(container, &endpoint), network) == 0)
            return true;
    }
    return false;
}

void remove_network(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    const json_t *network = json_object_get(standin->networks, call->target);

    if (!network) {
        refuse(reply, 404, "network %s not found", call->target);
    } else if (has_members(standin, call->target)) {
        refuse(reply, 403, "error while removing network: network %s id %s has active endpoints",
               call->target, text_at(network, "Id"));
    } else {
        json_object_del(standin->networks, call->target);
        reply->status = 204;
    }
}

bool network_join(struct standin *standin, json_t *container)
{
    json_t *endpoint;
    const char *name = membership(container, &endpoint);
    const json_t *network = json_object_get(standin->networks, name);
    struct subnet subnet;
    static uint32_t next;

    if (!network || !parse_subnet(subnet_of(network), &subnet))
        return strcmp(name, "bridge") == 0 || strcmp(name, "none") == 0;
    /* Hosts from .2 on, over and over: nothing is ever sent to them. */
    uint32_t host = subnet.base + 2 + next++ % (~subnet.mask - 2);
    char address[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &(struct in_addr){.s_addr = htonl(host)}, address, sizeof(address));
    json_object_set_new(endpoint, "IPAddress", json_string(address));
    json_object_set(endpoint, "NetworkID", json_object_get(network, "Id"));
    return true;
}

void network_leave(json_t *container)
{
    json_t *endpoint;
    membership(container, &endpoint);
    if (endpoint)
        json_object_set_new(endpoint, "IPAddress", json_string(""));
}
