/*
 * Scopes own. `AUTO(kind) type name` frees at the end of the scope, through auto_<kind>, which
 * accepts an empty slot; TAKE hands the value out of the scope. jansson brings json_auto_t itself.
 */
#ifndef DCM_COMMON_AUTO_H
#define DCM_COMMON_AUTO_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define AUTO(kind) __attribute__((cleanup(auto_##kind)))
#define TAKE(slot)                                                                                 \
    __extension__({                                                                                \
        __typeof__(slot) taken_ = (slot);                                                          \
        (slot) = NULL;                                                                             \
        taken_;                                                                                    \
    })
/* The same for a descriptor, whose empty slot is -1. */
#define TAKE_FD(slot)                                                                              \
    __extension__({                                                                                \
        int taken_ = (slot);                                                                       \
        (slot) = -1;                                                                               \
        taken_;                                                                                    \
    })

static inline void auto_string(char **slot)
{
    free(*slot);
}

static inline void auto_fd(int *slot)
{
    if (*slot >= 0)
        close(*slot);
}

static inline void auto_file(FILE **slot)
{
    if (*slot)
        fclose(*slot);
}

#endif
