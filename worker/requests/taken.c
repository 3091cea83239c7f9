#include "worker/requests/taken.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "common/auto.h"

static bool is_taken(const char *address, uint16_t port, const char *protocol)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port)};
    int type = strcmp(protocol, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;
    AUTO(fd) int probe = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (probe < 0 || inet_pton(AF_INET, address, &place.sin_addr) != 1)
        return false;
    return bind(probe, (const struct sockaddr *)&place, sizeof place) < 0 && errno == EADDRINUSE;
}

size_t taken_ports(const struct reservation *reservation, uint16_t *avoid, size_t count,
                   size_t most)
{
    size_t before = count;
    const struct ports *ports = &reservation->ports;
    for (size_t i = 0; i < ports->count && count < most; i++)
        if (is_taken(ports->list[i].address, ports->list[i].host, ports->list[i].protocol))
            avoid[count++] = ports->list[i].host;
    bool blame_ssh = count == before || is_taken("0.0.0.0", reservation->ssh_port, "tcp");
    if (blame_ssh && count < most)
        avoid[count++] = reservation->ssh_port;
    return count;
}
