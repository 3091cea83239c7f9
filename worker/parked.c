/* dcm-worker --parked: the messages that were set aside, for administrators. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/amqp_link.h"
#include "common/auto.h"
#include "common/clock.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "common/settings.h"
#include "schemas/parked.h"
#include "schemas/topology.h"
#include "worker/aside.h"
#include "worker/once.h"
#include "worker/policy.h"

#define TIMEOUT_MS 5000
#define NOT_FOUND 4
#define COPIES_MOST 64 /* of one message; more are dealt with when this is repeated */

struct desk {
    struct runner runner;
    char **broker;
    struct tls_settings tls; /* to it; none: as the worker's */
    struct amqp_link *queue; /* holds what it has shown and not acknowledged until it is closed */
};

/* One message, and every copy of it. */
struct parked_item {
    json_t *document;
    const char *id, *server, *publisher, *body; /* borrowed from document; body may be NULL */
    struct request request;
    struct error unreadable; /* fault 0: `request` is what the body says */
    uint64_t tags[COPIES_MOST];
    size_t copies;
};

static void parked_item_clear(struct parked_item *item)
{
    json_decref(item->document);
    request_clear(&item->request);
    *item = (struct parked_item){.copies = 0};
}

static inline void auto_parked_item(struct parked_item *item)
{
    parked_item_clear(item);
}

static const char *text_at(const json_t *document, const char *key)
{
    return json_string_value(json_object_get(document, key));
}

static int item_read(const struct amqp_delivery *delivery, struct parked_item *ret_item,
                     struct error *err)
{
    struct parked_item item = {.copies = 1, .tags = {delivery->tag}};
    if (parked_decode(delivery->body, delivery->length, &item.document, err) < 0)
        return -1;
    item.id = text_at(item.document, "id");
    item.server = text_at(item.document, "server");
    item.publisher = text_at(item.document, "publisher");
    item.body = text_at(item.document, "body");
    if (!item.body)
        fail(&item.unreadable, FAULT_INVALID, "it is no text");
    else
        request_decode(item.body, strlen(item.body), &item.request, &item.unreadable);
    *ret_item = item;
    return 0;
}

/* ---- the queue ---- */

static int open_broker(const struct desk *desk, bool publishes, struct amqp_link **ret_link,
                       struct error *err)
{
    struct amqp_link_options options = {.endpoints = (const char *const *)desk->broker,
                                        .name = "dcm-worker --parked",
                                        .timeout_ms = TIMEOUT_MS,
                                        .publishes = publishes};
    return amqp_link_open(&options, ret_link, err);
}

/* The broker gives back what a reader held a moment after that has gone. */
static int await_turn(const struct desk *desk, size_t *ret_messages, struct error *err)
{
    const struct timespec pause = {.tv_nsec = 50 * 1000000L};
    int64_t end = clock_ms() + TIMEOUT_MS;
    size_t consumers = 1;
    while (true) {
        if (amqp_link_count(desk->queue, QUEUE_PARKED, ret_messages, &consumers, err) < 0)
            return -1;
        if (consumers == 0)
            return 0;
        if (clock_ms() > end)
            return fail(err, FAULT_CONFLICT,
                        "somebody else is reading the parked messages: try again later");
        nanosleep(&pause, NULL);
    }
}

/* item is NULL for what is not of ours. Not 0: no more of them. */
typedef int visit_item(struct parked_item *item, void *context);

static int visit_delivery(const struct amqp_delivery *delivery, visit_item *visit, void *context)
{
    AUTO(parked_item) struct parked_item item = {.copies = 0};
    struct error err = {0};
    if (item_read(delivery, &item, &err) == 0)
        return visit(&item, context);
    fprintf(stderr, "dcm-worker: a message in %s is none of ours, and stays there: %s\n",
            QUEUE_PARKED, err.text);
    return 0;
}

/* All that was there when it began. */
static int visit_all(struct desk *desk, visit_item *visit, void *context, struct error *err)
{
    size_t left = 0;
    unsigned consumer = 0;
    if (open_broker(desk, false, &desk->queue, err) < 0 || await_turn(desk, &left, err) < 0 ||
        (left > 0 && amqp_link_consume(desk->queue, QUEUE_PARKED, 0, &consumer, err) < 0))
        return -1;
    while (left > 0) {
        struct amqp_delivery delivery = {0};
        enum amqp_arrival arrival = AMQP_NOTHING;
        if (amqp_link_next(desk->queue, TIMEOUT_MS, PARKED_MAX_BYTES, &arrival, &delivery, err) < 0)
            return -1;
        if (arrival == AMQP_NOTHING || arrival == AMQP_CANCELLED)
            return fail(err, FAULT_DEPENDENCY, "the broker does not hand out what is parked");
        if (arrival != AMQP_DELIVERY)
            continue;
        left--;
        int status = visit_delivery(&delivery, visit, context);
        amqp_delivery_clear(&delivery);
        if (status != 0)
            return 0;
    }
    return 0;
}

static int acknowledge(struct desk *desk, const struct parked_item *item, struct error *err)
{
    for (size_t i = 0; i < item->copies; i++)
        if (amqp_link_ack(desk->queue, item->tags[i], false, err) < 0)
            return -1;
    return 0;
}

/* ---- list and show ---- */

static void print(json_t *document)
{
    json_dumpf(document, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(document);
}

static int print_line(struct parked_item *item, void *context)
{
    const json_t *document = item->document;
    bool readable = !item->unreadable.fault;
    (void)context;
    print(json_pack("{s:s, s:O, s:s, s:s, s:s?, s:s?, s:i, s:O, s:O}", "id", item->id, "at",
                    json_object_get(document, "at"), "server", item->server, "publisher",
                    item->publisher, "user", readable ? item->request.user : NULL, "op",
                    readable ? op_name(item->request.op) : NULL, "attempts",
                    (int)json_array_size(json_object_get(document, "attempts")), "bytes",
                    json_object_get(document, "bytes"), "reason",
                    json_object_get(document, "reason")));
    return 0;
}

static int list(struct desk *desk, const char *id, struct error *err)
{
    (void)id;
    return visit_all(desk, print_line, NULL, err) < 0 ? -1 : EXIT_SUCCESS;
}

struct wanted {
    const char *id;
    struct parked_item *item;
};

static bool same_body(const struct parked_item *one, const struct parked_item *other)
{
    if (!one->body || !other->body)
        return one->body == other->body;
    return strcmp(one->body, other->body) == 0;
}

/* A link that died between parking and settling has parked it again. */
static int pick(struct parked_item *item, void *context)
{
    const struct wanted *wanted = context;
    struct parked_item *found = wanted->item;
    if (strcmp(item->id, wanted->id) != 0)
        return 0;
    if (found->copies == 0) {
        *found = *item;
        *item = (struct parked_item){.copies = 0};
    } else if (found->copies < COPIES_MOST && same_body(found, item)) {
        found->tags[found->copies++] = item->tags[0];
    }
    return 0;
}

/* NOT_FOUND when there is no such message. */
static int find(struct desk *desk, const char *id, struct parked_item *ret_item, struct error *err)
{
    struct wanted wanted = {.id = id, .item = ret_item};
    if (visit_all(desk, pick, &wanted, err) < 0)
        return -1;
    if (ret_item->copies > 0)
        return 0;
    fprintf(stderr, "dcm-worker: no parked message has the id %s\n", id);
    return NOT_FOUND;
}

static int show(struct desk *desk, const char *id, struct error *err)
{
    AUTO(parked_item) struct parked_item item = {.copies = 0};
    int status = find(desk, id, &item, err);
    if (status == 0)
        print(json_incref(item.document));
    return status;
}

/* ---- requeue and drop ---- */

static int may_speak(const struct desk *desk, const char *publisher, const char *user,
                     struct error *err)
{
    if (policy_check_publisher(desk->runner.policy, publisher, user, err) == 0)
        return 0;
    return fail_while(err, "not asked for anew");
}

/* Else something that came by a publisher which may not speak for this user would pass as ours. */
static int check_speakers(const struct desk *desk, const struct parked_item *item,
                          const struct amqp_link *out, struct error *err)
{
    const char *user = item->request.user;
    if (may_speak(desk, item->publisher, user, err) < 0)
        return -1;
    return may_speak(desk, amqp_link_account(out), user, err);
}

static int check_place(const struct desk *desk, const struct parked_item *item, struct error *err)
{
    if (strcmp(item->server, desk->runner.config->server) == 0)
        return 0;
    return fail(err, FAULT_CONFLICT, "it was parked on %s, whose journal knows it: run this there",
                item->server);
}

static struct job job_of(const struct parked_item *item)
{
    struct job job = {.request = item->request, .publisher = item->publisher, .body = item->body};
    request_hash(&item->request, job.hash);
    return job;
}

static int ask_anew(const struct parked_item *item, struct amqp_link *out, struct error *err)
{
    const struct request *request = &item->request;
    char route[ROUTE_SIZE];
    route_of(route, request->user, request->batch);
    struct amqp_publication publication = {.exchange = EXCHANGE_REQUESTS,
                                           .routing_key = route,
                                           .message_id = item->id,
                                           .body = item->body,
                                           .length = strlen(item->body)};
    FAULT_POINT("requeue.before");
    if (amqp_link_publish(out, &publication, TIMEOUT_MS, err) < 0)
        return -1;
    FAULT_POINT("requeue.after");
    return 0;
}

static void print_outcome(const struct parked_item *item, const char *did, bool done,
                          const json_t *result)
{
    print(json_pack("{s:s, s:b, s:O?, s:O?}", "id", item->id, did, done, "state",
                    json_object_get(result, "state"), "error", json_object_get(result, "error")));
}

/* The journal first: what comes to a runner before that is parked again. A copy that stays because
 * we died is asked for once more, which is one request by its id. */
static int requeue(struct desk *desk, const char *id, struct error *err)
{
    AUTO(parked_item) struct parked_item item = {.copies = 0};
    AUTO(amqp_link) struct amqp_link *out = NULL;
    json_auto_t *ended = NULL;
    int status = find(desk, id, &item, err);
    if (status != 0)
        return status;
    if (item.unreadable.fault)
        return fail(err, FAULT_INVALID, "it is no request, and can only be dropped: %s",
                    item.unreadable.text);
    struct job job = job_of(&item);
    if (check_place(desk, &item, err) < 0 || open_broker(desk, true, &out, err) < 0 ||
        check_speakers(desk, &item, out, err) < 0 ||
        aside_release(&desk->runner, &job, &ended, err) < 0 ||
        (!ended && ask_anew(&item, out, err) < 0) || acknowledge(desk, &item, err) < 0)
        return -1;
    print_outcome(&item, "requeued", !ended, ended);
    return EXIT_SUCCESS;
}

/* What is no request has nobody who waits for it. */
static int end_request(struct desk *desk, const struct parked_item *item, json_t **ret_result,
                       struct error *err)
{
    struct job job = job_of(item);
    if (check_place(desk, item, err) < 0 || runner_trust(&desk->runner, err) < 0 ||
        aside_end(&desk->runner, &job, ret_result, err) < 0)
        return -1;
    FAULT_POINT("drop.after");
    return 0;
}

static int drop(struct desk *desk, const char *id, struct error *err)
{
    AUTO(parked_item) struct parked_item item = {.copies = 0};
    json_auto_t *result = NULL;
    int status = find(desk, id, &item, err);
    if (status != 0)
        return status;
    if (!item.unreadable.fault && end_request(desk, &item, &result, err) < 0)
        return -1;
    if (acknowledge(desk, &item, err) < 0)
        return -1;
    print_outcome(&item, "dropped", true, result);
    return EXIT_SUCCESS;
}

/* ---- the command ---- */

/* Each returns the exit status, or -1 with *err. */
static const struct verb {
    const char *name;
    bool takes_id;
    int (*run)(struct desk *desk, const char *id, struct error *err);
} verbs[] = {
    {"list", false, list}, {"show", true, show}, {"requeue", true, requeue}, {"drop", true, drop}};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static int complain(int status, const char *text)
{
    fprintf(stderr, "dcm-worker: %s\n", text);
    return status;
}

static int run(const struct verb *verb, const struct worker_config *config, const char *id,
               struct desk *desk)
{
    AUTO(watermark) struct watermark *mark = NULL;
    struct error err = {0};
    log_open("dcm-worker", LOG_LEVEL_ERROR); /* what is done is in what is printed */
    bool own = desk->tls.ca || desk->tls.certificate;
    if (tls_configure(own ? &desk->tls : &config->tls, &err) < 0 ||
        watermark_new(&mark, &err) < 0 || runner_open(config, mark, -1, &desk->runner, &err) < 0)
        return complain(EXIT_FAILURE, err.text);
    int status = verb->run(desk, id, &err);
    amqp_link_close(desk->queue);
    runner_close(&desk->runner);
    return status < 0 ? complain(EXIT_FAILURE, err.text) : status;
}

int once_parked(const struct worker_config *config, const char *name, const char *id,
                const char *broker)
{
    static const struct setting settings[] = {
        {.name = "broker",
         .kind = SETTING_LIST,
         .offset = offsetof(struct desk, broker),
         .secret = true},
        TLS_SETTINGS(offsetof(struct desk, tls)),
    };
    const size_t count = sizeof settings / sizeof settings[0];
    const struct verb *verb = find_verb(name);
    struct desk desk = {.broker = NULL};
    struct error err = {0};
    if (!verb || verb->takes_id != (id != NULL))
        return complain(2, "--parked takes list, or show, requeue or drop and an id");
    if (id && !identifier_is_valid(id))
        return complain(2, "--parked: this is no message's id: see list");
    if (settings_read(broker, settings, count, &desk, &err) < 0)
        return complain(2, err.text);
    int status = run(verb, config, id, &desk);
    settings_free(settings, count, &desk);
    return status;
}
