#include "submitter/courier_direct.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/amqp_link.h"
#include "common/auto.h"
#include "common/fault_point.h"
#include "schemas/topology.h"
#include "submitter/clock.h"
#include "submitter/mailbox.h"

#define CONNECT_LEAST_MS 500 /* an endpoint gets this long, however many share the deadline */
#define KEEP_TIMEOUT_MS 2000

struct direct {
    struct courier courier; /* first: what callers hold is a pointer to it */
    char user[USER_NAME_MAX + 1];
    char **brokers; /* NULL-terminated */
    char *store;
    struct amqp_link *link;         /* NULL while unconnected */
    struct mailbox *mailbox;        /* NULL: no store is configured */
    char followed[IDENTIFIER_SIZE]; /* the container.logs request that the user reads, or "" */
};

static struct direct *direct_of(struct courier *courier)
{
    return (struct direct *)courier;
}

/* Endpoints are tried in turn, so each gets its share of the time. */
static int connect_broker(struct direct *direct, int timeout_ms, struct error *err)
{
    int endpoints = 0;

    if (direct->link)
        return 0;
    while (direct->brokers[endpoints])
        endpoints++;
    int share = endpoints ? timeout_ms / endpoints : timeout_ms;

    struct amqp_link_options options = {
        .endpoints = (const char *const *)direct->brokers,
        .name = program_invocation_short_name,
        .timeout_ms = share > CONNECT_LEAST_MS ? share : CONNECT_LEAST_MS,
        .heartbeat_s = COURIER_HEARTBEAT_S,
        .publishes = true,
    };
    return amqp_link_open(&options, &direct->link, err);
}

/* A connection without heartbeats is one that the broker ends with a complaint in its log. */
static void keep_broker(struct direct *direct)
{
    if (direct->link && amqp_link_tick(direct->link, NULL) == -1)
        amqp_link_close(TAKE(direct->link));
}

static int publish_once(struct direct *direct, const struct amqp_publication *publication,
                        int timeout_ms, struct error *err)
{
    int64_t until = clock_ms() + timeout_ms;

    if (connect_broker(direct, timeout_ms, err) == -1)
        return -1;
    if (amqp_link_publish(direct->link, publication, clock_left(until, timeout_ms), err) == 0)
        return 0;
    if (amqp_link_is_broken(direct->link))
        amqp_link_close(TAKE(direct->link));
    return -1;
}

/*
 * A warm connection may have died unnoticed, and a confirm may be lost with its connection: either
 * is worth one more attempt, on a fresh one. The id is the same, so asking twice is asking once.
 */
static int publish(struct direct *direct, const struct amqp_publication *publication, int64_t until,
                   struct error *err)
{
    struct error first = {0}, second = {0};
    bool was_warm = direct->link != NULL;
    int left = clock_left(until, INT32_MAX);

    if (publish_once(direct, publication, left * 2 / 3, &first) == 0)
        return 0;

    /* A broker that has no room says so on a sound connection: it would say so again. */
    bool perhaps_asked = first.fault == FAULT_UNCONFIRMED;
    bool again =
        perhaps_asked || (was_warm && first.fault == FAULT_DEPENDENCY && direct->link == NULL);
    left = clock_left(until, INT32_MAX);
    if (again && left > 0) {
        if (publish_once(direct, publication, left, &second) == 0)
            return 0;
        if (!perhaps_asked)
            first = second; /* of an attempt that may have asked, the doubt stays */
    }
    return fail(err, first.fault, "%s", first.text);
}

static int direct_submit(struct courier *courier, const struct request *request, int timeout_ms,
                         struct error *err)
{
    struct direct *direct = direct_of(courier);
    int64_t until = clock_ms() + timeout_ms;
    AUTO(string) char *body = NULL;
    struct error reason = {0};

    if (request_encode(request, &body, err) == -1)
        return -1;
    /* A store that is down is no reason not to ask: the worker compares too. */
    if (direct->mailbox && mailbox_check_id(direct->mailbox, request, &reason) == -1 &&
        reason.fault == FAULT_CONFLICT)
        return fail(err, reason.fault, "%s", reason.text);

    struct amqp_publication publication = {
        .exchange = EXCHANGE_REQUESTS,
        .routing_key = ROUTE_INTERACTIVE,
        .message_id = request->id,
        .body = body,
        .length = strlen(body),
    };
    FAULT_POINT("confirm.before");
    if (publish(direct, &publication, until, err) == -1)
        return -1;
    FAULT_POINT("confirm.after");

    /* It has been asked: that it cannot be noted down here is no failure. */
    if (direct->mailbox)
        mailbox_queue(direct->mailbox, request, NULL);
    if (direct->mailbox && request->op == OP_JOB_CANCEL)
        mailbox_cancel(direct->mailbox, request->user,
                       json_string_value(json_object_get(request->args, "request")), NULL);
    if (request->op == OP_CONTAINER_LOGS)
        memcpy(direct->followed, request->id, IDENTIFIER_SIZE);
    return 0;
}

static int need_mailbox(const struct direct *direct, const char *id, struct error *err)
{
    if (!direct->mailbox)
        return fail(err, FAULT_INVALID, "the configuration names no store, so only --detach works");
    if (id && !identifier_is_valid(id))
        return fail(err, FAULT_INVALID, "this is no request's id");
    return 0;
}

static int direct_record(struct courier *courier, const char *id, json_t **ret_result,
                         struct error *err)
{
    struct direct *direct = direct_of(courier);

    if (need_mailbox(direct, id, err) == -1 ||
        mailbox_record(direct->mailbox, direct->user, id, ret_result, err) == -1)
        return -1;

    const char *op = json_string_value(json_object_get(*ret_result, "op"));
    if (op && strcmp(op, op_name(OP_CONTAINER_LOGS)) == 0)
        memcpy(direct->followed, id, IDENTIFIER_SIZE);
    return 0;
}

static int direct_events(struct courier *courier, const char *id, char cursor[COURIER_CURSOR_SIZE],
                         int wait_ms, json_t **ret_events, struct error *err)
{
    struct direct *direct = direct_of(courier);

    if (need_mailbox(direct, id, err) == -1)
        return -1;
    keep_broker(direct); /* whoever follows a request calls this every few seconds */
    /* Or the worker would take the reader for gone, and end the stream. */
    if (strcmp(direct->followed, id) == 0 &&
        mailbox_follow(direct->mailbox, direct->user, id, err) == -1)
        return -1;
    return mailbox_events(direct->mailbox, direct->user, id, cursor, wait_ms, ret_events, err);
}

static int direct_list(struct courier *courier, enum listing listing, json_t **ret_list,
                       struct error *err)
{
    struct direct *direct = direct_of(courier);

    if (need_mailbox(direct, NULL, err) == -1)
        return -1;
    return mailbox_list(direct->mailbox, direct->user, listing, ret_list, err);
}

static void direct_close(struct courier *courier)
{
    struct direct *direct = direct_of(courier);

    amqp_link_close(direct->link);
    mailbox_free(direct->mailbox);
    for (size_t i = 0; direct->brokers && direct->brokers[i]; i++)
        free(direct->brokers[i]);
    free(direct->brokers);
    free(direct->store);
    free(direct);
}

static const struct courier_methods direct_methods = {
    .submit = direct_submit,
    .record = direct_record,
    .events = direct_events,
    .list = direct_list,
    .close = direct_close,
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

int courier_direct_open(const char *const *brokers, const char *store, const char *user,
                        struct courier **ret_courier, struct error *err)
{
    struct direct *direct = calloc(1, sizeof(*direct));
    if (!direct)
        return fail(err, FAULT_INTERNAL, "out of memory");

    AUTO(courier) struct courier *courier = &direct->courier;
    courier->methods = &direct_methods;
    direct->brokers = copy_list(brokers);
    direct->store = store ? strdup(store) : NULL;
    if (!direct->brokers || (store && !direct->store))
        return fail(err, FAULT_INTERNAL, "out of memory");
    courier_direct_set_user(courier, user);
    if (direct->store && mailbox_new(direct->store, &direct->mailbox, err) == -1)
        return -1;
    *ret_courier = TAKE(courier);
    return 0;
}

void courier_direct_set_user(struct courier *courier, const char *user)
{
    struct direct *direct = direct_of(courier);

    snprintf(direct->user, sizeof(direct->user), "%s", user);
    direct->followed[0] = '\0';
}

int courier_direct_keep(struct courier *courier, struct error *err)
{
    struct direct *direct = direct_of(courier);

    keep_broker(direct);
    return connect_broker(direct, KEEP_TIMEOUT_MS, err);
}
