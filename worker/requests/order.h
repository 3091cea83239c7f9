/*
 * What a create asks for, become an order: the image found, policy asked, storage made ready. All
 * of it before any port is leased.
 */
#ifndef DCM_WORKER_ORDER_H
#define DCM_WORKER_ORDER_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "schemas/ports.h"
#include "worker/policy.h"
#include "worker/runner.h"
#include "worker/storage.h"
#include "worker/store_containers.h"
#include "worker/verdicts.h"

struct order {
    struct policy_limits limits;
    struct policy_grant grant;
    struct ports ports;
    const char **addresses; /* for ports that name none, NULL-terminated; owned, its texts not */
    struct storage_paths paths;
    json_t *image;          /* as inspected; owned */
    json_t *entry;          /* of the index, for one of the user's own; owned */
    const char *image_name; /* for people; borrowed from the request, the image or the entry */
    bool is_own;            /* an image of the user's: policy has no say in it */
    const char *image_id;   /* borrowed from image */
    uid_t uid;
    json_t *options;    /* of docker run, that were asked for (schemas/run_args.h); owned */
    char *options_text; /* as the container's label has them, or NULL; owned */
};

/* The request's fault, or engine's or store's. *ret_order is to be cleared either way. */
int order_prepare(struct runner *runner, const struct job *job, struct order *ret_order,
                  struct error *err);
/* The same for an explanation, which makes no storage ready: with verdicts what is refused is taken
 * down, is missing in *ret_order, and is no failure. */
int order_judge(struct runner *runner, const struct job *job, struct verdicts *verdicts,
                struct order *ret_order, struct error *err);
/* What the store is asked for it; borrows from all of them. */
struct wish order_wish(const struct runner *runner, const struct job *job,
                       const struct order *order);
void order_clear(struct order *order);
static inline void auto_order(struct order *order)
{
    order_clear(order);
}

/* Where ports without an address may go: the server's addresses in their order, as far as they are
 * granted. The store's wish needs some even where no port does. NULL-terminated; to be freed, after
 * a failure too, but not its texts. */
int order_addresses(const struct runner *runner, const char *user, const struct ports *ports,
                    struct verdicts *verdicts, const char ***ret_addresses, struct error *err);

#endif
