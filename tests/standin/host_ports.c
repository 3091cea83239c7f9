/* Host ports, and who holds them. Also of the host's own programs: --taken. */
#include <stdio.h>
#include <string.h>

#include "common/members.h"
#include "tests/standin/standin.h"

#define START_FAILED 128 /* the exit code of what never ran */

/* Bindings of ports that the container exposes; others the engine does not publish. */
json_t *published(const json_t *container)
{
    json_t *ports = json_object();
    const char *port;
    json_t *bindings;
    const json_t *exposed = json_object_get(json_object_get(container, "Config"), "ExposedPorts");

    json_object_foreach(json_object_get(json_object_get(container, "HostConfig"), "PortBindings"),
                        port, bindings)
    {
        if (json_object_get(exposed, port))
            json_object_set(ports, port, bindings);
    }
    return ports;
}

struct binding {
    const char *address;
    const char *port;
    char key[32]; /* "8080/tcp" */
};

static struct binding read_binding(const char *container_port, const json_t *binding)
{
    const char *address = text_at(binding, "HostIp");
    const char *port = text_at(binding, "HostPort");
    const char *protocol = strchr(container_port, '/');
    struct binding result = {address && *address ? address : "0.0.0.0", port ? port : "", ""};

    snprintf(result.key, sizeof(result.key), "%s%s", result.port, protocol ? protocol : "/tcp");
    return result;
}

/* Who has this binding: a container's id, "" for a program of the host, NULL for nobody. */
static const char *holder_of(const struct standin *standin, const struct binding *binding)
{
    const char *address;
    json_t *holder;

    json_object_foreach(json_object_get(standin->ports, binding->key), address, holder)
    {
        if (strcmp(address, "0.0.0.0") == 0 || strcmp(binding->address, "0.0.0.0") == 0 ||
            strcmp(address, binding->address) == 0)
            return json_string_value(holder);
    }
    return NULL;
}

bool ports_are_free(const struct standin *standin, json_t *container, json_t *ports,
                    struct http_reply *reply)
{
    const char *port;
    json_t *list;
    size_t i;
    json_t *item;
    char endpoint[65];

    new_id(endpoint);
    json_object_foreach(ports, port, list)
    {
        json_array_foreach(list, i, item)
        {
            struct binding binding = read_binding(port, item);
            const char *holder = holder_of(standin, &binding);
            if (!holder)
                continue;
            json_t *message = json_sprintf(
                *holder ? "driver failed programming external connectivity on endpoint %s (%s): "
                          "Bind for %s:%s failed: port is already allocated"
                        : "driver failed programming external connectivity on endpoint %s (%s): "
                          "Error starting userland proxy: listen tcp4 %s:%s: bind: address "
                          "already in use",
                container_name(container), endpoint, binding.address, binding.port);
            json_t *state = json_object_get(container, "State");
            json_object_set(state, "Error", message);
            json_object_set_new(state, "ExitCode", json_integer(START_FAILED));
            refuse(reply, 500, "%s", json_string_value(message));
            json_decref(message);
            return false;
        }
    }
    return true;
}

void hold_ports(struct standin *standin, json_t *container, json_t *ports, bool hold)
{
    const char *port;
    json_t *list;
    size_t i;
    json_t *item;

    json_object_foreach(ports, port, list)
    {
        json_array_foreach(list, i, item)
        {
            struct binding binding = read_binding(port, item);
            json_t *holders = json_object_get(standin->ports, binding.key);
            if (!holders) {
                holders = json_object();
                json_object_set_new(standin->ports, binding.key, holders);
            }
            if (hold)
                json_object_set_new(holders, binding.address, json_string(container_id(container)));
            else
                json_object_del(holders, binding.address);
        }
    }
    json_object_set_new(json_object_get(container, "NetworkSettings"), "Ports",
                        hold ? json_deep_copy(ports) : json_object());
}
