#include "schemas/ports.h"

#include <stdio.h>
#include <string.h>

#include "common/count.h"
#include "common/members.h"
#include "schemas/names.h"

#define ANY_ADDRESS "0.0.0.0"
#define PORT_TEXT_MAX 64 /* no well-formed text is longer */

static const char *const protocols[] = {"tcp", "udp"};

/* The static name, or NULL. */
static const char *find_protocol(const char *text)
{
    for (size_t i = 0; i < COUNT(protocols); i++)
        if (strcmp(protocols[i], text) == 0)
            return protocols[i];
    return NULL;
}

/* 1 to 65535 without leading zeros, of `length` bytes; 0 for anything else. */
static uint16_t number_of(const char *text, size_t length)
{
    unsigned number = 0;
    if (length == 0 || length > 5 || text[0] == '0')
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        number = number * 10 + (unsigned)(text[i] - '0');
    }
    return number <= UINT16_MAX ? (uint16_t)number : 0;
}

/* LO[-HI] */
static bool parse_range(const char *text, struct port_range *range)
{
    size_t low = strcspn(text, "-");
    range->first = number_of(text, low);
    range->last = text[low] ? number_of(text + low + 1, strlen(text + low + 1)) : range->first;
    return range->first != 0 && range->first <= range->last;
}

/* Cuts [/PROTOCOL] off the end of text. NULL if it is none that we know. */
static const char *cut_protocol(char *text)
{
    char *slash = strchr(text, '/');
    if (!slash)
        return protocols[0];
    *slash = '\0';
    return find_protocol(slash + 1);
}

bool port_range_parse(const char *text, struct port_range *ret_range)
{
    char copy[PORT_TEXT_MAX];
    struct port_range range;
    if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
        return false;
    range.protocol = cut_protocol(copy);
    if (!range.protocol || !parse_range(copy, &range))
        return false;
    *ret_range = range;
    return true;
}

/* Would one published port take another's place? 0.0.0.0 takes the port of every address. */
static bool overlap(const struct port *a, const struct port *b)
{
    return a->host == b->host && strcmp(a->protocol, b->protocol) == 0 &&
           (strcmp(a->address, b->address) == 0 || strcmp(a->address, ANY_ADDRESS) == 0 ||
            strcmp(b->address, ANY_ADDRESS) == 0);
}

/* What keeps `port` from being added, or NULL. */
static const char *objection(const struct ports *ports, const struct port *port)
{
    if (port->container == 22 && strcmp(port->protocol, "tcp") == 0)
        return "the container's port 22 is for SSH and published by DCM itself";
    if (ports->count == PORTS_MAX)
        return "a container may publish at most 64 ports";
    for (size_t i = 0; i < ports->count; i++)
        if (overlap(&ports->list[i], port))
            return "a host port is asked for twice";
    return NULL;
}

/* What text asks for, in its parts. */
struct wanted {
    const char *address; /* "" if there is none */
    struct port_range host, container;
};

/* Cut text at its colons. How many parts that makes; the last holds whatever is too much. */
static size_t split(char *text, char *parts[3])
{
    size_t count = 0;
    while (count < 2 && strchr(text, ':')) {
        parts[count++] = text;
        text = strchr(text, ':');
        *text++ = '\0';
    }
    parts[count++] = text;
    return count;
}

/* [ADDRESS:][HOST:]CONTAINER[/PROTOCOL]; `text` is cut to pieces. Says what is wrong, or NULL. */
static const char *parse_wanted(char *text, struct wanted *wanted)
{
    wanted->host.protocol = wanted->container.protocol = cut_protocol(text);
    if (!wanted->container.protocol)
        return "the protocol is tcp or udp";

    char *parts[3];
    size_t count = split(text, parts);
    bool has_address = count == 3 || (count == 2 && strchr(parts[0], '.'));
    bool has_host = count == (has_address ? 3 : 2);
    wanted->address = has_address ? parts[0] : "";
    if (has_address && !name_is_address(wanted->address))
        return "the address is not an IPv4 address";
    if (!parse_range(parts[count - 1], &wanted->container) ||
        !parse_range(parts[count - (has_host ? 2 : 1)], &wanted->host))
        return "a port is a number from 1 to 65535, or a range LOW-HIGH";
    if (wanted->host.last - wanted->host.first != wanted->container.last - wanted->container.first)
        return "both ranges must be of the same length";
    return NULL;
}

int ports_parse(const char *text, struct ports *ports, struct error *err)
{
    char copy[PORT_TEXT_MAX];
    struct wanted wanted = {0};
    struct ports grown = *ports;
    const char *wrong = "it is too long";

    if (snprintf(copy, sizeof(copy), "%s", text) < (int)sizeof(copy))
        wrong = parse_wanted(copy, &wanted);
    for (unsigned i = 0; !wrong && i <= (unsigned)(wanted.host.last - wanted.host.first); i++) {
        struct port port = {
            .host = (uint16_t)(wanted.host.first + i),
            .container = (uint16_t)(wanted.container.first + i),
            .protocol = wanted.container.protocol,
        };
        snprintf(port.address, sizeof(port.address), "%s", wanted.address);
        wrong = objection(&grown, &port);
        if (!wrong)
            grown.list[grown.count++] = port;
    }
    if (wrong)
        return fail(err, FAULT_INVALID, "port \"%.64s\": %s", text, wrong);
    *ports = grown;
    return 0;
}

int ports_from_json(const json_t *list, struct ports *ret_ports, struct error *err)
{
    struct ports ports = {0};
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item)
    {
        const char *address = text_at(item, "address");
        struct port port = {
            .host = (uint16_t)number_at(item, "host"),
            .container = (uint16_t)number_at(item, "container"),
            .protocol = find_protocol(text_at(item, "protocol")),
        };
        snprintf(port.address, sizeof(port.address), "%s", address ? address : "");
        const char *wrong = objection(&ports, &port);
        if (wrong)
            return fail(err, FAULT_INVALID, "ports[%zu]: %s", i, wrong);
        ports.list[ports.count++] = port;
    }
    *ret_ports = ports;
    return 0;
}

json_t *ports_to_json(const struct ports *ports)
{
    json_auto_t *list = json_array();
    for (size_t i = 0; i < ports->count; i++) {
        const struct port *port = &ports->list[i];
        json_auto_t *item = json_object();
        if (port->address[0] && json_object_set_new(item, "address", json_string(port->address)))
            return NULL;
        if (json_object_set_new(item, "host", json_integer(port->host)) ||
            json_object_set_new(item, "container", json_integer(port->container)) ||
            json_object_set_new(item, "protocol", json_string(port->protocol)) ||
            json_array_append(list, item))
            return NULL;
    }
    return json_incref(list);
}
