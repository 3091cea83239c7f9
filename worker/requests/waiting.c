/* Addresses that the host lacks just now, and containers with ports there. */
#include <string.h>

#include "common/members.h"
#include "worker/addresses.h"
#include "worker/requests/requests.h"

/* What the engine says of the start that failed last (API 1.41, ContainerState.Error) ends with the
 * words for EADDRNOTAVAIL; a start that succeeds empties it. */
#define LACKED "cannot assign requested address"

bool container_lacked_address(const json_t *inspected)
{
    const json_t *state = json_object_get(inspected, "State");
    const char *trouble = text_at(state, "Error");
    return trouble && strcmp(container_state(inspected), "stopped") == 0 && strstr(trouble, LACKED);
}

int container_check_addresses(const struct ports *ports, struct error *err)
{
    const char *missing = addresses_missing(ports);
    return missing
               ? fail(err, FAULT_CONFLICT,
                      "this server lacks the address %s just now: tell your administrator", missing)
               : 0;
}
