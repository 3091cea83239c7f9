#include "worker/loopback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"

#define BACKLOG 16

static bool parse_port(const char *text, in_port_t *ret_port)
{
    char *rest = NULL;
    unsigned long port = strtoul(text, &rest, 10);
    if (*text < '1' || *text > '9' || *rest || port > 65535)
        return false;
    *ret_port = htons((uint16_t)port);
    return true;
}

static bool parse_host(const char *host, struct sockaddr_storage *address, socklen_t *length)
{
    struct sockaddr_in *four = (struct sockaddr_in *)address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;
    if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
        address->ss_family = AF_INET;
        *length = sizeof *four;
        return ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    address->ss_family = AF_INET6;
    *length = sizeof *six;
    return host[0] == '[' && inet_pton(AF_INET6, host + 1, &six->sin6_addr) == 1 &&
           IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

int loopback_parse(const char *text, struct sockaddr_storage *ret_address, socklen_t *ret_length,
                   struct error *err)
{
    char host[INET6_ADDRSTRLEN + 1];
    struct sockaddr_storage address = {0};
    socklen_t length = 0;
    in_port_t port = 0;
    const char *colon = strrchr(text, ':');
    size_t size = colon ? (size_t)(colon - text) : sizeof host;
    bool is_six = size > 1 && size < sizeof host && colon[-1] == ']';
    if (size < sizeof host)
        snprintf(host, sizeof host, "%.*s", (int)(size - is_six), text);
    if (size >= sizeof host || !parse_host(host, &address, &length) ||
        !parse_port(colon + 1, &port) || is_six != (address.ss_family == AF_INET6))
        return fail(err, FAULT_INVALID,
                    "'%s' is no address of this machine alone, such as 127.0.0.1:9470", text);
    if (is_six)
        ((struct sockaddr_in6 *)&address)->sin6_port = port;
    else
        ((struct sockaddr_in *)&address)->sin_port = port;
    *ret_address = address;
    *ret_length = length;
    return 0;
}

int loopback_listen(const char *text, int *ret_socket, struct error *err)
{
    struct sockaddr_storage address = {0};
    socklen_t length = 0;
    const int on = 1;
    if (loopback_parse(text, &address, &length, err) < 0)
        return -1;
    AUTO(fd) int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, (const struct sockaddr *)&address, length) < 0 || listen(fd, BACKLOG) < 0)
        return fail(err, FAULT_DEPENDENCY, "cannot listen at %s: %s", text, strerror(errno));
    *ret_socket = TAKE_FD(fd);
    return 0;
}
