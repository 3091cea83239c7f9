#include "schemas/topology.h"

#include <stdio.h>

void queue_of_user(char ret_queue[QUEUE_NAME_SIZE], const char *user)
{
    snprintf(ret_queue, QUEUE_NAME_SIZE, QUEUE_BATCH "%s", user);
}

void route_of(char ret_route[ROUTE_SIZE], const char *user, bool batch)
{
    snprintf(ret_route, ROUTE_SIZE, "%s%s", batch ? ROUTE_BATCH : ROUTE_INTERACTIVE,
             batch ? user : "");
}
