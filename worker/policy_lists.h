/*
 * The policy's own: the lists of what is granted. Lists of all layers add up. Everything asked for
 * is judged as text, in the form in which the policy lists it. Pure.
 */
#ifndef DCM_WORKER_POLICY_LISTS_H
#define DCM_WORKER_POLICY_LISTS_H

#include "common/error.h"
#include "worker/policy_layers.h"

enum list {
    IMAGES,       /* "debian-ssh" */
    PORTS,        /* "80/tcp" */
    ADDRESSES,    /* "10.0.0.2" */
    RESTART,      /* "always" */
    MOUNTS,       /* "/data/maps:ro" */
    DEVICES,      /* "/dev/fuse" */
    CAPABILITIES, /* "NET_ADMIN" */
    ENV,          /* "TZ" */
    LIST_COUNT
};

/* Is it granted? FAULT_DENIED names the grant that has ended, or the place of one that could be. */
int list_check(const struct judged *judged, enum list list, const char *asked, struct error *err);

/* Everything that a request's args ask for and lists grant, but for image and ports. */
int lists_check(const struct judged *judged, const json_t *args, struct error *err);

/* The items of one list of all layers, each once. A new array. */
json_t *list_items(const struct judged *judged, enum list list);
/* Every item of every list as an item of policy_grants (worker/policy.h), added to the array. Of an
 * item that several layers have, the one counts that ends last. */
void lists_list(const struct judged *judged, json_t *grants);

#endif
