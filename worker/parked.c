/* dcm-worker --parked: the messages that were set aside, for administrators. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/amqp_link.h"
#include "common/auto.h"
#include "common/count.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "common/settings.h"
#include "schemas/topology.h"
#include "worker/aside.h"
#include "worker/once.h"
#include "worker/parked_desk.h"
#include "worker/policy.h"

#define NOT_FOUND 4

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
    return desk_visit(desk, print_line, NULL, err) < 0 ? -1 : EXIT_SUCCESS;
}

/* NOT_FOUND when there is no such message. */
static int find(struct desk *desk, const char *id, struct parked_item *ret_item, struct error *err)
{
    if (desk_find(desk, id, ret_item, err) < 0)
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
    if (amqp_link_publish(out, &publication, DESK_TIMEOUT_MS, err) < 0)
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
    if (check_place(desk, &item, err) < 0 || desk_open_broker(desk, true, &out, err) < 0 ||
        check_speakers(desk, &item, out, err) < 0 ||
        aside_release(&desk->runner, &job, &ended, err) < 0 ||
        (!ended && ask_anew(&item, out, err) < 0) || desk_acknowledge(desk, &item, err) < 0)
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
    if (desk_acknowledge(desk, &item, err) < 0)
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
    for (size_t i = 0; i < COUNT(verbs); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static int run(const struct verb *verb, const struct worker_config *config, const char *id,
               struct desk *desk)
{
    AUTO(watermark) struct watermark *mark = NULL;
    struct error err = {0};
    log_open("dcm-worker", LOG_LEVEL_ERROR); /* what is done is in what is printed */
    bool own = desk->tls.ca || desk->tls.certificate;
    if (tls_configure(own ? &desk->tls : &config->tls, config->broker, config->store, &err) < 0 ||
        watermark_new(&mark, &err) < 0 || runner_open(config, mark, -1, &desk->runner, &err) < 0)
        return once_complain(EXIT_FAILURE, err.text);
    int status = verb->run(desk, id, &err);
    amqp_link_close(desk->queue);
    runner_close(&desk->runner);
    return status < 0 ? once_complain(EXIT_FAILURE, err.text) : status;
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
    const size_t count = COUNT(settings);
    const struct verb *verb = find_verb(name);
    struct desk desk = {.broker = NULL};
    struct error err = {0};
    if (!verb || verb->takes_id != (id != NULL))
        return once_complain(2, "--parked takes list, or show, requeue or drop and an id");
    if (id && !identifier_is_valid(id))
        return once_complain(2, "--parked: this is no message's id: see list");
    if (settings_read(broker, settings, count, &desk, &err) < 0)
        return once_complain(2, err.text);
    int status = run(verb, config, id, &desk);
    settings_free(settings, count, &desk);
    return status;
}
