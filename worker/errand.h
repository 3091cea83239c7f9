/*
 * What the link must know of a request to keep users' order and room for quick ones: whose it is,
 * which container it is about, whether it may take long, or hardly any time. Pure.
 */
#ifndef DCM_WORKER_ERRAND_H
#define DCM_WORKER_ERRAND_H

#include <stdbool.h>
#include <stddef.h>

#include "schemas/names.h"

struct errand {
    char user[USER_NAME_MAX + 1];           /* "": not known, and in nobody's way */
    char container[CONTAINER_NAME_MAX + 1]; /* as the request calls it; "": about none */
    bool slow;                              /* the engine may take many seconds for it */
    bool light; /* it asks nothing of the engine: several go to a runner at a time */
};

/* What does not decode has no errand: the runner will say what is wrong with it. */
void errand_read(const char *body, size_t length, struct errand *ret_errand);

/* Are both the same user's, on what is or may be the same container? Its SSH port may be that of a
 * container with any name that was chosen; container<port> is the one with that port. */
bool errand_clashes(const struct errand *one, const struct errand *other);

#endif
