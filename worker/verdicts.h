/*
 * What was decided about each thing that a request asks for. Whoever judges takes it down. For
 * `explain` he then goes on, so that all refusals are told and not only the first; a real request
 * ends with its first refusal (`strict`), and what allowed the rest goes to the audit log. NULL:
 * like strict, and nobody wants to know. Pure.
 */
#ifndef DCM_WORKER_VERDICTS_H
#define DCM_WORKER_VERDICTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/* Of a result, which also has to pass through a packet of the gate's (64 KiB). */
#define VERDICTS_BYTES 49152

struct verdicts {
    json_t *list;   /* {"what","allowed"[,"rule"][,"message"]}, in order; owned */
    size_t bytes;   /* that it takes as JSON */
    size_t omitted; /* for which there was no room */
    bool refused;   /* one of all of them */
    bool strict;    /* of a real request: the first refusal ends it, and is not taken down */
};
void verdicts_begin(struct verdicts *ret_verdicts, bool strict);
void verdicts_clear(struct verdicts *verdicts);
static inline void auto_verdicts(struct verdicts *verdicts)
{
    verdicts_clear(verdicts);
}

/* what: "image debian-ssh". Allowed by this rule; "": none of the policy's had to. Returns 0. */
int verdict_allowed(struct verdicts *verdicts, const char *rule, const char *what, ...)
    __attribute__((format(printf, 3, 4)));
/* Refused for the reason in *err, which is not NULL unless verdicts are. 0: taken down, go on. -1:
 * nobody goes on, or *err is no refusal but says that something is out of reach. */
int verdict_refused(struct verdicts *verdicts, const struct error *err, const char *what, ...)
    __attribute__((format(printf, 3, 4)));

/* The store's word (worker/store.h, store_opinion); context: verdicts. */
void verdict_heard(const char *what, const char *rule, const struct error *refusal, void *context);

#endif
