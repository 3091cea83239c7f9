/* Timeouts on the clock of common/clock.h. */
#ifndef DCM_SUBMITTER_CLOCK_H
#define DCM_SUBMITTER_CLOCK_H

#include "common/clock.h"

/* What is left of a time that ends at `until`, as a timeout: from 0 to `most`. */
static inline int clock_left(int64_t until, int most)
{
    int64_t left = until - clock_ms();
    if (left < 0)
        return 0;
    return left < most ? (int)left : most;
}

#endif
