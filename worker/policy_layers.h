/*
 * The policy's own: the layers of it that concern one user at one time. Pure; everything is
 * borrowed from the document.
 */
#ifndef DCM_WORKER_POLICY_LAYERS_H
#define DCM_WORKER_POLICY_LAYERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/verdicts.h"

#define POLICY_WHOLE_SIZE 48 /* "groups.<name>", names being at most 31 characters */
#define POLICY_PLACE_SIZE 80 /* "groups.<name>.extra.<index>" */

/* Where a grant can stand, weakest first. */
enum rank { RANK_NONE, RANK_DEFAULTS, RANK_GROUP, RANK_USER };

/* Who is judged, by what, and when. */
struct judged {
    const json_t *policy;
    const char *user;
    int64_t now;               /* milliseconds since the epoch */
    struct verdicts *verdicts; /* where to take down what is decided, or NULL */
};
/* As now, for a look at what has ended too. */
#define NOTHING_HAS_ENDED INT64_MIN

/* Walks over the layers: defaults, the user's groups, the user; and behind each of them its extra
 * grants that have not ended, as layers of the same rank. */
struct layers {
    struct judged judged;
    json_t *groups;
    void *group;         /* jansson's iterator over groups */
    const json_t *whole; /* NULL: the policy has no such part */
    char whole_place[POLICY_WHOLE_SIZE];
    size_t extra; /* the next of its extra grants */
    /* the layer at hand */
    enum rank rank;
    const json_t *grants; /* NULL as above */
    int64_t until;        /* when it ends; NEVER: it does not */
    char place[POLICY_PLACE_SIZE];
};
#define NEVER INT64_MAX
void layers_begin(struct layers *ret_layers, const struct judged *judged);
bool layers_next(struct layers *layers);

/* When this extra grant ends, or NEVER. */
int64_t layer_end(const json_t *extra);

bool list_has(const json_t *list, const char *text);

#endif
