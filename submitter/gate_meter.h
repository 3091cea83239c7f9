/*
 * How much each user has asked for of late, in memory that the gate's children share.
 *
 * Each request is kept for a week, in the store and in journals, so what one user can ask for is
 * what he can make them hold. He may ask for so many a day: as many at once, if he likes, and then
 * as they are earned again, one after the other. Only the time is kept at which all are: until then
 * he owes.
 */
#ifndef DCM_SUBMITTER_GATE_METER_H
#define DCM_SUBMITTER_GATE_METER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

struct meter;

int meter_new(long most_a_day, struct meter **ret_meter, struct error *err);
void meter_free(struct meter *meter); /* accepts NULL */
static inline void auto_meter(struct meter **slot)
{
    meter_free(*slot);
}

/* This user asks for so many, at this time in milliseconds: how many of them he may, and *err
 * filled (FAULT_QUOTA) where that is not all. Two children that count for one user at once may
 * forget a few of his requests, never all. */
size_t meter_take(struct meter *meter, uid_t uid, size_t count, int64_t now_ms, struct error *err);

#endif
