#include "submitter/publisher.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/amqp_link.h"
#include "common/auto.h"
#include "common/clock.h"
#include "schemas/topology.h"

#define CONNECT_LEAST_MS 500 /* an endpoint gets this long, however many share the deadline */

struct publisher {
    char **brokers;         /* NULL-terminated */
    struct amqp_link *link; /* NULL while unconnected */
};

static char **copy_list(const char *const *list)
{
    size_t count = 0;

    while (list[count])
        count++;
    char **copy = calloc(count + 1, sizeof(char *));
    for (size_t i = 0; copy && i < count; i++)
        copy[i] = strdup(list[i]);
    return copy;
}

int publisher_new(const char *const *brokers, struct publisher **ret_publisher, struct error *err)
{
    struct publisher *publisher = calloc(1, sizeof(*publisher));

    if (publisher)
        publisher->brokers = copy_list(brokers);
    if (!publisher || !publisher->brokers) {
        free(publisher);
        return fail(err, FAULT_INTERNAL, "out of memory");
    }
    *ret_publisher = publisher;
    return 0;
}

void publisher_free(struct publisher *publisher)
{
    if (!publisher)
        return;
    amqp_link_close(publisher->link);
    for (size_t i = 0; publisher->brokers[i]; i++)
        free(publisher->brokers[i]);
    free(publisher->brokers);
    free(publisher);
}

/* Endpoints are tried in turn, so each gets its share of the time. */
int publisher_connect(struct publisher *publisher, int timeout_ms, struct error *err)
{
    int endpoints = 0;

    if (publisher->link)
        return 0;
    while (publisher->brokers[endpoints])
        endpoints++;
    int share = endpoints ? timeout_ms / endpoints : timeout_ms;

    struct amqp_link_options options = {
        .endpoints = (const char *const *)publisher->brokers,
        .name = program_invocation_short_name,
        .timeout_ms = share > CONNECT_LEAST_MS ? share : CONNECT_LEAST_MS,
        .heartbeat_s = PUBLISHER_HEARTBEAT_S,
        .publishes = true,
    };
    return amqp_link_open(&options, &publisher->link, err);
}

void publisher_keep(struct publisher *publisher)
{
    if (publisher->link && amqp_link_tick(publisher->link, NULL) == -1)
        amqp_link_close(TAKE(publisher->link));
}

/* ---- a round of messages ---- */

/* Those of the requests that are to go, in their order. */
struct round {
    struct amqp_publication *messages;
    char *routes;          /* ROUTE_SIZE characters of each */
    size_t *indices;       /* of the request that messages[i] is */
    struct error *reasons; /* what came of messages[i] */
    size_t count;
    struct amqp_shipment *shipment; /* NULL: nothing is on its way */
};

static void auto_round(struct round *round)
{
    for (size_t i = 0; i < round->count; i++)
        free((char *)(uintptr_t)round->messages[i].body);
    free(round->messages);
    free(round->routes);
    free(round->indices);
    free(round->reasons);
}

static int round_begin(struct round *round, size_t most)
{
    round->messages = calloc(most, sizeof(*round->messages));
    round->routes = calloc(most, ROUTE_SIZE);
    round->indices = calloc(most, sizeof(*round->indices));
    round->reasons = calloc(most, sizeof(*round->reasons));
    return round->messages && round->routes && round->indices && round->reasons ? 0 : -1;
}

/* One that cannot be written has its reason at once. */
static void round_add(struct round *round, const struct request *request, size_t index,
                      struct error *reason)
{
    char *body = NULL, *route = &round->routes[round->count * ROUTE_SIZE];

    if (request_write(request, &body, reason) == -1)
        return;
    route_of(route, request->user, request->batch);
    round->indices[round->count] = index;
    round->messages[round->count++] = (struct amqp_publication){
        .exchange = EXCHANGE_REQUESTS,
        .routing_key = route,
        .message_id = request->id,
        .body = body,
        .length = strlen(body),
    };
}

static void drop_if_broken(struct publisher *publisher)
{
    if (publisher->link && amqp_link_is_broken(publisher->link))
        amqp_link_close(TAKE(publisher->link));
}

static void round_ship(struct publisher *publisher, struct round *round, int timeout_ms)
{
    struct error reason = {0};

    if (round->count == 0)
        return;
    if (publisher_connect(publisher, timeout_ms, &reason) == -1) {
        for (size_t i = 0; i < round->count; i++)
            round->reasons[i] = reason;
        return;
    }
    amqp_link_ship(publisher->link, round->messages, round->count, round->reasons,
                   &round->shipment);
    drop_if_broken(publisher);
}

static void round_land(struct publisher *publisher, struct round *round, int timeout_ms)
{
    if (round->shipment)
        amqp_shipment_land(TAKE(round->shipment), timeout_ms);
    drop_if_broken(publisher);
}

/* Those that another attempt may help. A broker that has no room says so on a sound connection: it
 * would say so again. */
static void round_choose(struct round *again, const struct round *first, bool was_stale)
{
    for (size_t i = 0; i < first->count; i++) {
        enum fault fault = first->reasons[i].fault;
        if (fault != FAULT_UNCONFIRMED && !(fault == FAULT_DEPENDENCY && was_stale))
            continue;
        again->indices[again->count] = i;
        again->messages[again->count] = first->messages[i];
        again->messages[again->count++].body = strdup(first->messages[i].body);
    }
}

/* Of an attempt that may have asked, the doubt stays. */
static void round_merge(struct round *first, const struct round *again)
{
    for (size_t i = 0; i < again->count; i++) {
        struct error *reason = &first->reasons[again->indices[i]];
        if (reason->fault != FAULT_UNCONFIRMED || again->reasons[i].fault == FAULT_NONE)
            *reason = again->reasons[i];
    }
}

/* ---- both attempts ---- */

struct publishing {
    struct round round;
    struct error *reasons; /* the caller's, of all requests */
    size_t count;
    int64_t until;
    bool was_warm;
};

struct publishing *publisher_begin(struct publisher *publisher, const struct request *requests,
                                   size_t count, int timeout_ms, struct error *reasons)
{
    struct publishing *publishing = calloc(1, sizeof(*publishing));
    struct round *round = publishing ? &publishing->round : NULL;
    bool has_memory = round && round_begin(round, count) == 0;

    for (size_t i = 0; i < count; i++) {
        if (reasons[i].fault != FAULT_NONE)
            continue;
        if (has_memory)
            round_add(round, &requests[i], i, &reasons[i]);
        else
            fail(&reasons[i], FAULT_INTERNAL, "out of memory");
    }
    if (!publishing)
        return NULL;
    publishing->reasons = reasons;
    publishing->count = count;
    publishing->until = clock_ms() + timeout_ms;
    publishing->was_warm = publisher->link != NULL;
    round_ship(publisher, round, timeout_ms * 2 / 3);
    return publishing;
}

static void publish_again(struct publisher *publisher, struct publishing *publishing)
{
    AUTO(round) struct round again = {0};
    bool was_stale = publishing->was_warm && publisher->link == NULL;
    int left = clock_left(publishing->until, INT32_MAX);

    if (left <= 0 || round_begin(&again, publishing->round.count) == -1)
        return;
    round_choose(&again, &publishing->round, was_stale);
    int64_t until = clock_ms() + left;
    round_ship(publisher, &again, left);
    round_land(publisher, &again, clock_left(until, left));
    round_merge(&publishing->round, &again);
}

int publisher_finish(struct publisher *publisher, struct publishing *publishing)
{
    int status = 0;

    if (!publishing)
        return -1;
    struct round *round = &publishing->round;
    round_land(publisher, round, clock_left(publishing->until, INT32_MAX) * 2 / 3);
    publish_again(publisher, publishing);
    for (size_t i = 0; i < round->count; i++)
        publishing->reasons[round->indices[i]] = round->reasons[i];
    for (size_t i = 0; i < publishing->count; i++)
        if (publishing->reasons[i].fault != FAULT_NONE)
            status = -1;
    auto_round(round);
    free(publishing);
    return status;
}
