/*
 * What the processes of one worker know of the store, in memory that they share: of which
 * generation it is, and the highest seq of this server that any of them has seen
 * (schemas/store/08_guard.lua). The supervisor makes it before it forks; the keeper sets the
 * generation once leases and records are what engine and journal say, and until then nobody
 * allocates anything.
 */
#ifndef DCM_WORKER_WATERMARK_H
#define DCM_WORKER_WATERMARK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

#define GENERATION_UNKNOWN 0

struct watermark;

int watermark_new(struct watermark **ret_mark, struct error *err);
void watermark_free(struct watermark *mark); /* accepts NULL */
static inline void auto_watermark(struct watermark **slot)
{
    watermark_free(*slot);
}

/* GENERATION_UNKNOWN: the store has still to be compared. */
uint64_t watermark_generation(const struct watermark *mark);
uint64_t watermark_seq(const struct watermark *mark);
/* The store has counted so far. */
void watermark_rise(struct watermark *mark, uint64_t seq);
/* From here on the store of this generation is relied upon; GENERATION_UNKNOWN: none is. */
void watermark_settle(struct watermark *mark, uint64_t generation);

/* Somebody found the store to be another than this. The keeper looks, and doubts no more. */
void watermark_doubt(struct watermark *mark);
bool watermark_is_doubted(struct watermark *mark);

#endif
