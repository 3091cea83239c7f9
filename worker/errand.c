#include "worker/errand.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/request.h"

/* What an engine may take many seconds for: the grace of a stop, the copying of layers. */
static const bool slow[OP_COUNT] = {
    [OP_CONTAINER_STOP] = true, [OP_CONTAINER_RESTART] = true, [OP_CONTAINER_RECREATE] = true,
    [OP_IMAGE_COMMIT] = true,   [OP_IMAGE_REMOVE] = true,
};
static const bool light[OP_COUNT] = {[OP_PING] = true};

void errand_read(const char *body, size_t length, struct errand *ret_errand)
{
    AUTO(request) struct request request = {0};
    struct errand errand = {0};
    if (request_decode(body, length, &request, NULL) == 0) {
        const char *key = request.op == OP_CONTAINER_CREATE ? "name" : "container";
        const char *container = text_at(request.args, key);
        snprintf(errand.user, sizeof errand.user, "%s", request.user);
        snprintf(errand.container, sizeof errand.container, "%s", container ? container : "");
        errand.slow = slow[request.op];
        errand.light = light[request.op];
    }
    *ret_errand = errand;
}

static bool is_port(const char *reference)
{
    return isdigit((unsigned char)*reference);
}

/* The SSH port that a reference names, by itself or as DCM's own naming does; 0 for other names. */
static long port_of(const char *reference)
{
    static const char own[] = "container";
    if (!is_port(reference) && strncmp(reference, own, sizeof own - 1) == 0)
        reference += sizeof own - 1;
    return is_port(reference) ? strtol(reference, NULL, 10) : 0;
}

bool errand_clashes(const struct errand *one, const struct errand *other)
{
    if (!one->user[0] || !one->container[0] || !other->container[0] ||
        strcmp(one->user, other->user) != 0)
        return false;
    long port = port_of(one->container), other_port = port_of(other->container);
    if (port && other_port)
        return port == other_port;
    return is_port(one->container) || is_port(other->container) ||
           strcmp(one->container, other->container) == 0;
}
