/* A request that is followed over a courier that plays a script. */
#ifndef DCM_TESTS_FOLLOW_FIXTURE_H
#define DCM_TESTS_FOLLOW_FIXTURE_H

#include <jansson.h>

#include "common/error.h"
#include "submitter/follow.h"
#include "tests/unit/fake_courier.h"

extern const struct pace quick; /* milliseconds in place of seconds */

/* What was heeded, in order. */
struct heard {
    char phases[256];
    size_t stop_after; /* events; 0: never */
    size_t count;
};

struct scene {
    struct fake_courier fake;
    struct heard heard;
    struct following following;
    json_t *result;
    struct error err;
};

/* The script is empty yet; what is heeded comes into scene->heard, at a quick pace. */
void begin(struct scene *scene);
/* follow(), and what it returns; the caller frees scene->result. */
int play(struct scene *scene);
/* Play it, and it ends like this. */
void assert_done(struct scene *scene);
void assert_unfinished(struct scene *scene);

#endif
