/*
 * Users with a queue of their own in the batch class, as the link knows them: their requests are
 * served in turn, one of each. Pure: no sockets.
 */
#ifndef DCM_WORKER_BATCHES_H
#define DCM_WORKER_BATCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/names.h"

/* A queue costs the broker a process and its log: what comes for further users is not put off. */
#define BATCHES_MOST 1000

/* Of a queue. What was on its way when it was ended still comes, and bears its number. */
struct consumer {
    unsigned number; /* 0: none so far on this connection */
    bool runs;
};

struct batch {
    struct batch *next;
    char user[USER_NAME_MAX + 1];
    bool certain; /* the broker has said, since it was connected, that the queue is there */
    struct consumer consumer;
    uint64_t turn; /* when it was served last */
};

struct batches {
    struct batch *first;
    size_t count;
    uint64_t turn;
};

/* The user's, new or known; NULL when there are BATCHES_MOST, or no memory. */
struct batch *batches_add(struct batches *batches, const char *user);
void batches_remove(struct batches *batches, struct batch *batch);
void batches_clear(struct batches *batches);
struct batch *batches_of(const struct batches *batches, const char *user);
struct batch *batches_by_consumer(const struct batches *batches, unsigned number);

/* One of its requests goes to a runner: all others come first now. */
void batch_serve(struct batches *batches, struct batch *batch);
/* The connection is gone, and with it all consumers; the next broker may have other queues. */
void batches_disconnect(struct batches *batches);

#endif
