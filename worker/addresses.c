#include "worker/addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/auto.h"
#include "common/settings.h"
#include "schemas/names.h"

/* The file's format is that of the other settings. */
struct address_file {
    char **addresses;
};
static const struct setting settings[] = {
    {.name = "addresses", .kind = SETTING_LIST, .offset = offsetof(struct address_file, addresses)},
};

int addresses_check(char *const *addresses, struct error *err)
{
    if (!addresses[0])
        return fail(err, FAULT_INVALID, "addresses: name at least one");
    for (char *const *address = addresses; *address; address++)
        if (!name_is_address(*address))
            return fail(err, FAULT_INVALID, "addresses: '%s' is not an IPv4 address", *address);
    return 0;
}

static char **copy(char *const *addresses)
{
    size_t count = 0;
    while (addresses[count])
        count++;
    char **copied = calloc(count + 1, sizeof *copied);
    for (size_t i = 0; copied && i < count; i++) {
        copied[i] = strdup(addresses[i]);
        if (!copied[i]) {
            addresses_free(copied);
            return NULL;
        }
    }
    return copied;
}

int addresses_read(const struct worker_config *config, char ***ret_addresses, struct error *err)
{
    struct address_file file = {0};
    /* Only its absence is no fault: what cannot be read may retire an address. */
    if (access(config->address_file, F_OK) < 0 && errno == ENOENT) {
        *ret_addresses = copy(config->addresses);
        return *ret_addresses ? 0 : fail(err, FAULT_INTERNAL, "out of memory");
    }
    if (settings_read(config->address_file, settings, 1, &file, err) < 0)
        return -1;
    if (addresses_check(file.addresses, err) < 0) {
        addresses_free(file.addresses);
        return fail_while(err, "%s", config->address_file);
    }
    *ret_addresses = file.addresses;
    return 0;
}

void addresses_free(char **addresses)
{
    for (char **address = addresses; address && *address; address++)
        free(*address);
    free(addresses);
}

bool address_is_up(const char *address)
{
    struct sockaddr_in place = {.sin_family = AF_INET}; /* whatever port */
    AUTO(fd) int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (probe < 0 || inet_pton(AF_INET, address, &place.sin_addr) != 1)
        return true; /* the engine will say */
    return bind(probe, (const struct sockaddr *)&place, sizeof place) == 0 ||
           errno != EADDRNOTAVAIL;
}

const char *addresses_missing(const struct ports *ports)
{
    for (size_t i = 0; i < ports->count; i++)
        if (ports->list[i].address[0] && !address_is_up(ports->list[i].address))
            return ports->list[i].address;
    return NULL;
}

char *addresses_text(char *const *addresses)
{
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    if (!memory)
        return NULL;
    for (char *const *address = addresses; *address; address++)
        fprintf(memory, "%s%s", address == addresses ? "" : " ", *address);
    fclose(memory);
    return text;
}
