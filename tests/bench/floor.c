/*
 * The floor: the least that broker and store take for a request with a result, in the way that DCM
 * promises it. Publish persistently and wait for the confirm; a quorum queue; consume; keep a
 * record in the store for a week, wake who waits for it; acknowledge. No policy, no ids checked,
 * nothing parsed. Whatever DCM takes beyond this is its own.
 *
 *   bench-floor BROKER STORE QUEUE MODE
 *       serve PREFETCH TOGETHER   a consumer that records so many at a time
 *       turns                     a client that keeps its connections
 *       once                      a client that connects for one request
 *       enqueue COUNT             publish, and print the ids
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/amqp_link.h"
#include "common/count.h"
#include "common/redis_link.h"
#include "schemas/identifier.h"
#include "tests/bench/turns.h"

#define TIMEOUT_MS 5000
#define ANSWER_MS 20000
#define BODY_BYTES 220 /* about what a ping of DCM's has: the id, and blanks */
#define KEPT_S "604800"
#define TOGETHER_MOST 256
#define ENQUEUE_MOST 1024 /* published together, of which AMQP_WINDOW are on their way */
#define KEY_SIZE 64
#define COMMANDS_EACH 3

struct floor {
    const char *broker, *store, *queue;
    struct amqp_link *link;
    struct redis_link *redis;
    const char *const *words; /* what stands behind the mode */
};

static int open_floor(struct floor *floor, bool publishes, struct error *err)
{
    const char *endpoints[] = {floor->broker, NULL};
    /* No heartbeats: a client is idle for as long as others have their turns. */
    struct amqp_link_options broker = {.endpoints = endpoints,
                                       .name = "bench-floor",
                                       .timeout_ms = TIMEOUT_MS,
                                       .publishes = publishes};
    struct redis_link_options store = {.url = floor->store, .timeout_ms = TIMEOUT_MS};

    if (amqp_link_open(&broker, &floor->link, err) < 0)
        return -1;
    return redis_link_new(&store, &floor->redis, err);
}

static void close_floor(struct floor *floor)
{
    amqp_link_close(floor->link);
    redis_link_free(floor->redis);
}

/* ---- who consumes ---- */

struct record {
    char id[IDENTIFIER_SIZE], result[KEY_SIZE], events[KEY_SIZE];
    const char *set[5], *add[5], *expire[3];
};

static void plan_record(struct record *record, const char *id, struct redis_command *commands)
{
    snprintf(record->id, sizeof record->id, "%s", id);
    snprintf(record->result, sizeof record->result, "bench:result:%s", record->id);
    snprintf(record->events, sizeof record->events, "bench:events:%s", record->id);
    memcpy(record->set, (const char *[]){"SET", record->result, "done", "EX", KEPT_S},
           sizeof record->set);
    memcpy(record->add, (const char *[]){"XADD", record->events, "*", "event", "done"},
           sizeof record->add);
    memcpy(record->expire, (const char *[]){"EXPIRE", record->events, KEPT_S},
           sizeof record->expire);
    commands[0] = (struct redis_command){5, record->set};
    commands[1] = (struct redis_command){5, record->add};
    commands[2] = (struct redis_command){3, record->expire};
}

/* As many as have come, of which there has to be one. */
static int take_up(struct floor *floor, size_t most, struct record *records,
                   struct redis_command *commands, size_t *ret_count, uint64_t *ret_last,
                   struct error *err)
{
    size_t count = 0;

    while (count < most) {
        struct amqp_delivery delivery = {0};
        enum amqp_arrival arrival = AMQP_NOTHING;
        if (amqp_link_next(floor->link, count ? 0 : TIMEOUT_MS, BODY_BYTES, &arrival, &delivery,
                           err) < 0)
            return -1;
        if (arrival == AMQP_DELIVERY) {
            char id[IDENTIFIER_SIZE];
            snprintf(id, sizeof id, "%.*s", IDENTIFIER_SIZE - 1, delivery.body);
            plan_record(&records[count], id, &commands[count * COMMANDS_EACH]);
            *ret_last = delivery.tag;
            count++;
        } else if (count > 0) {
            break;
        }
        amqp_delivery_clear(&delivery);
    }
    *ret_count = count;
    return 0;
}

static int serve(struct floor *floor, struct error *err)
{
    static struct record records[TOGETHER_MOST];
    static struct redis_command commands[TOGETHER_MOST * COMMANDS_EACH];
    struct amqp_queue queue = {.name = floor->queue};
    size_t prefetch = strtoul(floor->words[0], NULL, 10);
    size_t together = strtoul(floor->words[1], NULL, 10);
    unsigned consumer = 0;

    if (together < 1 || together > TOGETHER_MOST || prefetch > UINT16_MAX)
        return fail(err, FAULT_INVALID, "at most %d together", TOGETHER_MOST);
    if (open_floor(floor, false, err) < 0 ||
        amqp_link_declare_queue(floor->link, &queue, err) < 0 ||
        amqp_link_consume(floor->link, floor->queue, (uint16_t)prefetch, &consumer, err) < 0)
        return -1;
    for (;;) {
        size_t count = 0;
        uint64_t last = 0;
        if (take_up(floor, together, records, commands, &count, &last, err) < 0 ||
            redis_link_pipeline(floor->redis, commands, count * COMMANDS_EACH, NULL, err) < 0 ||
            amqp_link_ack(floor->link, last, count > 1, err) < 0)
            return -1;
    }
}

/* ---- who asks ---- */

static struct amqp_publication new_message(const struct floor *floor, char id[IDENTIFIER_SIZE],
                                           char body[BODY_BYTES])
{
    identifier_new(id);
    memset(body, ' ', BODY_BYTES);
    memcpy(body, id, IDENTIFIER_SIZE - 1);
    return (struct amqp_publication){.exchange = "",
                                     .routing_key = floor->queue,
                                     .message_id = id,
                                     .body = body,
                                     .length = BODY_BYTES};
}

static int ask(const char *line, void *context, struct error *err)
{
    struct floor *floor = context;
    char id[IDENTIFIER_SIZE], body[BODY_BYTES], events[KEY_SIZE];
    struct amqp_publication message = new_message(floor, id, body);
    json_auto_t *entries = NULL;

    (void)line;
    snprintf(events, sizeof events, "bench:events:%s", id);
    if (amqp_link_publish(floor->link, &message, TIMEOUT_MS, err) < 0 ||
        redis_link_read_stream(floor->redis, events, "0-0", ANSWER_MS, &entries, err) < 0)
        return -1;
    if (json_array_size(entries) == 0)
        return fail(err, FAULT_UNFINISHED, "no answer to %s within %d ms", id, ANSWER_MS);
    return 0;
}

static int take_turns(struct floor *floor, struct error *err)
{
    if (open_floor(floor, true, err) < 0)
        return -1;
    return turns_serve(ask, floor);
}

static int ask_once(struct floor *floor, struct error *err)
{
    return open_floor(floor, true, err) < 0 ? -1 : ask("", floor, err);
}

static int enqueue(struct floor *floor, struct error *err)
{
    static char ids[ENQUEUE_MOST][IDENTIFIER_SIZE], bodies[ENQUEUE_MOST][BODY_BYTES];
    static struct amqp_publication messages[ENQUEUE_MOST];
    static struct error reasons[ENQUEUE_MOST];
    size_t left = strtoul(floor->words[0], NULL, 10);

    if (open_floor(floor, true, err) < 0)
        return -1;
    while (left > 0) {
        size_t count = left < ENQUEUE_MOST ? left : ENQUEUE_MOST;
        for (size_t i = 0; i < count; i++)
            messages[i] = new_message(floor, ids[i], bodies[i]);
        if (amqp_link_publish_all(floor->link, messages, count, ANSWER_MS, reasons) < 0)
            return fail(err, FAULT_DEPENDENCY, "not all were confirmed");
        for (size_t i = 0; i < count; i++)
            puts(ids[i]);
        left -= count;
    }
    return 0;
}

/* ---- the modes ---- */

static const struct mode {
    const char *name;
    int words;
    int (*run)(struct floor *floor, struct error *err);
} modes[] = {
    {"serve", 2, serve},
    {"turns", 0, take_turns},
    {"once", 0, ask_once},
    {"enqueue", 1, enqueue},
};

int main(int argc, char **argv)
{
    struct error err = {0};

    for (size_t i = 0; i < COUNT(modes); i++) {
        if (argc != 5 + modes[i].words || strcmp(argv[4], modes[i].name) != 0)
            continue;
        struct floor floor = {.broker = argv[1],
                              .store = argv[2],
                              .queue = argv[3],
                              .words = (const char *const *)argv + 5};
        int status = modes[i].run(&floor, &err);
        close_floor(&floor);
        return status < 0 ? turns_refuse(&err) : status;
    }
    fprintf(stderr,
            "usage: bench-floor BROKER STORE QUEUE serve PREFETCH TOGETHER | turns | once | "
            "enqueue COUNT\n");
    return 2;
}
