#include "worker/describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/count.h"
#include "common/members.h"
#include "schemas/names.h"
#include "schemas/units.h"

#define SECONDS_LENGTH 19 /* of "2026-11-23T21:00:00" */

const char *describe_address(char *const *addresses, const struct ports *ports)
{
    for (size_t i = 1; i < ports->count; i++)
        if (strcmp(ports->list[i].address, ports->list[0].address) != 0)
            return addresses[0];
    return ports->count ? ports->list[0].address : addresses[0];
}

/* The engine writes up to nanoseconds, without the zeros at the end. */
const char *describe_state(const char *engine_state)
{
    static const char *const plain[] = {"running", "paused"};
    for (size_t i = 0; engine_state && i < COUNT(plain); i++)
        if (strcmp(engine_state, plain[i]) == 0)
            return plain[i];
    return "stopped";
}

int describe_time(const char *text, int64_t *ret_milliseconds)
{
    char cut[TIMESTAMP_SIZE], fraction[] = "000";
    if (!text || strlen(text) <= SECONDS_LENGTH)
        return -1;
    const char *digits = text[SECONDS_LENGTH] == '.' ? text + SECONDS_LENGTH + 1 : "";
    size_t known = strspn(digits, "0123456789");
    memcpy(fraction, digits, known < 3 ? known : 3);
    snprintf(cut, sizeof cut, "%.*s.%sZ", SECONDS_LENGTH, text, fraction);
    return timestamp_parse(cut, ret_milliseconds, NULL);
}

/* We show milliseconds, always in the same form. */
static json_t *created_at(const char *text)
{
    char shown[TIMESTAMP_SIZE];
    int64_t milliseconds = 0;
    if (describe_time(text, &milliseconds) < 0)
        milliseconds = timestamp_now();
    timestamp_format(milliseconds, shown);
    return json_string(shown);
}

json_t *describe_end(int64_t expires)
{
    char shown[TIMESTAMP_SIZE];
    if (!expires)
        return json_null();
    timestamp_format(expires, shown);
    return json_string(shown);
}

json_t *describe_container(const struct description *description)
{
    size_t length = name_image_length(description->image);
    return json_pack("{s:s, s:s?, s:s, s:s, s:i, s:o, s:s%, s:o, s:o}", "name", description->name,
                     "id", description->id, "state", description->state, "address",
                     description->address, "ssh_port", (int)description->ssh_port, "ports",
                     ports_to_json(description->ports), "image", description->image, length,
                     "created", created_at(description->created), "expires",
                     describe_end(description->expires));
}

json_t *describe_image(const char *name, const char *id, const char *owner, json_int_t bytes,
                       const char *created)
{
    return json_pack("{s:s, s:s, s:s?, s:I, s:o}", "name", name, "id", id, "owner", owner, "bytes",
                     bytes, "created", created_at(created));
}

/* "8080/tcp" */
static int container_port(const char *text, uint16_t *ret_port, const char **ret_protocol)
{
    char *rest = NULL;
    unsigned long port = strtoul(text, &rest, 10);
    if (rest == text || port == 0 || port > 65535)
        return -1;
    *ret_port = (uint16_t)port;
    *ret_protocol = strcmp(rest, "/udp") == 0 ? "udp" : "tcp";
    return 0;
}

static void add_binding(const char *key, const json_t *binding, struct ports *ports,
                        uint16_t *ssh_port)
{
    struct port port = {0};
    const char *address = text_at(binding, "HostIp");
    const char *host = text_at(binding, "HostPort");
    if (!address || !host || container_port(key, &port.container, &port.protocol) < 0)
        return;
    port.host = (uint16_t)strtoul(host, NULL, 10);
    snprintf(port.address, sizeof port.address, "%s", address);
    if (strcmp(key, "22/tcp") == 0)
        *ssh_port = port.host;
    else if (ports->count < PORTS_MAX)
        ports->list[ports->count++] = port;
}

void describe_ports(const json_t *inspected, struct ports *ret_ports, uint16_t *ret_ssh_port)
{
    const json_t *bindings =
        json_object_get(json_object_get(inspected, "HostConfig"), "PortBindings");
    const char *key = NULL;
    json_t *list = NULL;
    struct ports ports = {0};
    uint16_t ssh_port = 0;
    /* jansson iterates over what it does not change, but its signature says otherwise. */
    void *iterator = json_object_iter((json_t *)(uintptr_t)bindings);
    for (; iterator; iterator = json_object_iter_next((json_t *)(uintptr_t)bindings, iterator)) {
        key = json_object_iter_key(iterator);
        list = json_object_iter_value(iterator);
        size_t i = 0;
        json_t *binding = NULL;
        json_array_foreach(list, i, binding) add_binding(key, binding, &ports, &ssh_port);
    }
    *ret_ports = ports;
    *ret_ssh_port = ssh_port;
}
