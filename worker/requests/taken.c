#include "worker/requests/taken.h"
#include "worker/store_containers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "common/auto.h"

static bool is_taken(const struct port *port)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port->host)};
    int type = strcmp(port->protocol, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;
    AUTO(fd) int probe = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (probe < 0 || inet_pton(AF_INET, port->address, &place.sin_addr) != 1)
        return false;
    return bind(probe, (const struct sockaddr *)&place, sizeof place) < 0 && errno == EADDRINUSE;
}

static void add(struct ports *ports, const struct port *port)
{
    if (ports->count < PORTS_MAX)
        ports->list[ports->count++] = *port;
}

void taken_ports(const struct reservation *reservation, struct ports *avoid)
{
    const struct port ssh = {
        .address = "0.0.0.0", .host = reservation->ssh_port, .container = 22, .protocol = "tcp"};
    size_t before = avoid->count;
    for (size_t i = 0; i < reservation->ports.count; i++)
        if (is_taken(&reservation->ports.list[i]))
            add(avoid, &reservation->ports.list[i]);
    if (avoid->count == before || is_taken(&ssh))
        add(avoid, &ssh);
}
