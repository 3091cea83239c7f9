/* What the tests of grants share: a policy of a few words, and the time at which it is asked. */
#ifndef DCM_TESTS_UNIT_GRANTING_H
#define DCM_TESTS_UNIT_GRANTING_H

#include <jansson.h>

#define NOW INT64_C(1795478400000) /* 2026-11-24T00:00:00Z */

/* A policy under which everybody may have a container, and alice these grants. New reference. */
json_t *granting(const char *grant);

#endif
