#include "worker/batches.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct batch *batches_of(const struct batches *batches, const char *user)
{
    struct batch *batch = batches->first;

    while (batch && strcmp(batch->user, user) != 0)
        batch = batch->next;
    return batch;
}

struct batch *batches_by_consumer(const struct batches *batches, unsigned number)
{
    struct batch *batch = number ? batches->first : NULL;

    while (batch && batch->consumer.number != number)
        batch = batch->next;
    return batch;
}

struct batch *batches_add(struct batches *batches, const char *user)
{
    struct batch *batch = batches_of(batches, user);

    if (batch || batches->count == BATCHES_MOST)
        return batch;
    batch = calloc(1, sizeof(*batch));
    if (!batch)
        return NULL;
    snprintf(batch->user, sizeof(batch->user), "%s", user);
    batch->next = batches->first;
    batches->first = batch;
    batches->count++;
    return batch;
}

void batches_remove(struct batches *batches, struct batch *batch)
{
    struct batch **place = &batches->first;

    while (*place && *place != batch)
        place = &(*place)->next;
    if (!*place)
        return;
    *place = batch->next;
    batches->count--;
    free(batch);
}

void batches_clear(struct batches *batches)
{
    while (batches->first)
        batches_remove(batches, batches->first);
}

void batch_serve(struct batches *batches, struct batch *batch)
{
    batch->turn = ++batches->turn;
}

void batches_disconnect(struct batches *batches)
{
    for (struct batch *batch = batches->first; batch; batch = batch->next) {
        batch->certain = false;
        batch->consumer = (struct consumer){0};
    }
}
