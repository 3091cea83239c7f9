/* Time for waiting, in milliseconds: it runs on evenly whatever becomes of the date. */
#ifndef DCM_COMMON_CLOCK_H
#define DCM_COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What is left of a time that ends at `until`, as a timeout: from 0 to `most`. */
static inline int clock_left(int64_t until, int most)
{
    int64_t left = until - clock_ms();
    if (left < 0)
        return 0;
    return left < most ? (int)left : most;
}

#endif
