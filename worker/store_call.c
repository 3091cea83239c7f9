/* Calling our functions in the store, and whether it is the store that we rely upon. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/auto.h"
#include "common/fault_point.h"
#include "schemas/keys.h"
#include "worker/store_private.h"

#define NAME_SIZE 64
#define NUMBER_SIZE 24

/* An id of a generation as the store has it. */
static void write_generation(uint64_t generation, char text[NUMBER_SIZE])
{
    snprintf(text, NUMBER_SIZE, "%016" PRIx64, generation);
}

static void write_seq(uint64_t seq, char text[NUMBER_SIZE])
{
    snprintf(text, NUMBER_SIZE, "%" PRIu64, seq);
}

static size_t append(const char **argv, size_t argc, const char *const *texts)
{
    while (texts && *texts)
        argv[argc++] = *texts++;
    return argc;
}

static size_t length_of(const char *const *texts)
{
    size_t length = 0;
    while (texts && texts[length])
        length++;
    return length;
}

/* A call as it is sent; what argv points to is the call's, or its own. */
struct fcall {
    size_t argc;
    const char **argv; /* owned */
    char name[NAME_SIZE], count[NUMBER_SIZE];
};

static void auto_fcall(struct fcall *fcall)
{
    free(fcall->argv);
}

/* `guard` are the function's first two keys and its first two arguments, or NULL. */
static int write_call(const struct store_call *call, const char *const guard[4],
                      struct fcall *fcall, struct error *err)
{
    size_t most = 2 + STORE_KEYS_MAX + STORE_ARGUMENTS_MAX + 4 + length_of(call->more_keys) +
                  length_of(call->more_arguments);
    const char **argv = fcall->argv = calloc(most, sizeof(*argv));
    size_t argc = 2;
    if (!argv)
        return fail(err, FAULT_INTERNAL, "out of memory");
    snprintf(fcall->name, sizeof(fcall->name), "%s_%s", store_library, call->function);
    argv[0] = fcall->name;
    argv[1] = fcall->count;
    if (guard)
        argc = append(argv, argc, (const char *[]){guard[0], guard[1], NULL});
    argc = append(argv, append(argv, argc, call->keys), call->more_keys);
    snprintf(fcall->count, sizeof(fcall->count), "%zu", argc - 2);
    if (guard)
        argc = append(argv, argc, (const char *[]){guard[2], guard[3], NULL});
    fcall->argc = append(argv, append(argv, argc, call->arguments), call->more_arguments);
    return 0;
}

void store_measure(struct store *store, struct metrics *metrics)
{
    store->metrics = metrics;
}

/* A store that answers no is there. */
static int measure(const struct store *store, int status, const struct error *err)
{
    bool is_there = status == 0 || (err && err->fault != FAULT_DEPENDENCY);
    metrics_set(store->metrics, METRIC_STORE_UP, NULL, is_there);
    return status;
}

static int send_call(struct store *store, const struct store_call *call, const char *const guard[4],
                     json_t **ret_reply, struct error *err)
{
    AUTO(fcall) struct fcall fcall = {0};
    if (write_call(call, guard, &fcall, err) < 0)
        return -1;
    FAULT_POINT(call->function);
    int status = redis_link_function(store->link, fcall.argc, fcall.argv, ret_reply, err);
    FAULT_POINT(call->function); /* a second pass: the store has done it */
    return measure(store, status, err);
}

int store_tell(struct store *store, const struct store_call *call, struct error *err)
{
    AUTO(fcall) struct fcall fcall = {0};
    if (write_call(call, NULL, &fcall, err) < 0)
        return -1;
    const struct redis_command command = {fcall.argc, fcall.argv};
    if (redis_link_tell(store->link, &command, err) == 0)
        return 0; /* which says nothing yet of the store */
    return measure(store, -1, err);
}

int store_call_plain(struct store *store, const struct store_call *call, json_t **ret_answer,
                     struct error *err)
{
    return send_call(store, call, NULL, ret_answer, err);
}

/* What a guarded function is told of the store that we rely upon. */
struct guard {
    char key[KEY_SIZE], generation[NUMBER_SIZE], seq[NUMBER_SIZE];
    const char *parts[4];
};

static int write_guard(const struct store *store, struct guard *guard, struct error *err)
{
    if (store->generation == GENERATION_UNKNOWN)
        return fail(err, FAULT_DEPENDENCY, "the store has still to be compared with the engine");
    key_of_server(guard->key, KEY_SERVER, store->server);
    write_generation(store->generation, guard->generation);
    write_seq(watermark_seq(store->mark), guard->seq);
    guard->parts[0] = KEY_GENERATION;
    guard->parts[1] = guard->key;
    guard->parts[2] = guard->generation;
    guard->parts[3] = guard->seq;
    return 0;
}

/* A guarded function's reply: {seq, answer}, or that the store is another one. */
static int read_reply(struct store *store, const json_t *reply, json_t **ret_answer,
                      struct error *err)
{
    const json_t *counted = json_array_get(reply, 0);
    if (!json_is_integer(counted)) {
        watermark_doubt(store->mark);
        return fail(err, FAULT_DEPENDENCY,
                    "the store has lost data: it is being put back from engine and journal");
    }
    store->seq = (uint64_t)json_integer_value(counted);
    watermark_rise(store->mark, store->seq);
    if (ret_answer)
        *ret_answer = json_incref(json_array_get(reply, 1));
    return 0;
}

int store_call(struct store *store, const struct store_call *call, json_t **ret_answer,
               struct error *err)
{
    struct guard guard = {.parts = {NULL}};
    json_auto_t *reply = NULL;
    if (write_guard(store, &guard, err) || send_call(store, call, guard.parts, &reply, err))
        return -1;
    return read_reply(store, reply, ret_answer, err);
}

static int send_calls(struct store *store, const struct store_call *calls, size_t count,
                      struct fcall fcalls[STORE_TOGETHER], json_t **ret_replies, struct error *err)
{
    struct guard guard = {.parts = {NULL}};
    struct redis_command commands[STORE_TOGETHER] = {0};
    if (write_guard(store, &guard, err))
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (write_call(&calls[i], guard.parts, &fcalls[i], err) < 0)
            return -1;
        commands[i] = (struct redis_command){fcalls[i].argc, fcalls[i].argv};
    }
    int status = redis_link_pipeline_functions(store->link, commands, count, ret_replies, err);
    return measure(store, status, err);
}

int store_call_all(struct store *store, const struct store_call *calls, size_t count,
                   json_t **ret_answers, struct error *err)
{
    struct fcall fcalls[STORE_TOGETHER] = {{0}};
    json_auto_t *replies = NULL, *answers = json_array();
    if (count > STORE_TOGETHER)
        return fail(err, FAULT_INTERNAL, "%zu calls are too many at a time", count);
    int status = send_calls(store, calls, count, fcalls, &replies, err);
    for (size_t i = 0; i < count; i++)
        auto_fcall(&fcalls[i]);
    for (size_t i = 0; i < count && status == 0; i++) {
        json_t *answer = NULL;
        status = read_reply(store, json_array_get(replies, i), &answer, err);
        json_array_append_new(answers, answer);
    }
    if (status == 0)
        *ret_answers = TAKE(answers);
    return status;
}

void store_begin(struct store *store)
{
    store->generation = watermark_generation(store->mark);
}

void store_trust(struct store *store, uint64_t generation)
{
    store->generation = generation;
}

uint64_t store_seq(const struct store *store)
{
    return store->seq;
}

int store_check(struct store *store, struct error *err)
{
    return store_call(store, &(struct store_call){.function = "check"}, NULL, err);
}

static int new_generation(uint64_t *ret_generation, struct error *err)
{
    uint64_t generation = 0;
    if (getrandom(&generation, sizeof(generation), 0) != (ssize_t)sizeof(generation))
        return fail(err, FAULT_INTERNAL, "the system gives no random bytes");
    generation >>= 1; /* the journal's numbers have a sign */
    *ret_generation = generation ? generation : 1;
    return 0;
}

int store_open(struct store *store, uint64_t generation, uint64_t seq, struct opening *ret_opening,
               struct error *err)
{
    char key[KEY_SIZE], mine[NUMBER_SIZE], known[NUMBER_SIZE], fresh[NUMBER_SIZE];
    json_auto_t *reply = NULL;
    uint64_t random = 0, highest = watermark_seq(store->mark);
    if (new_generation(&random, err) < 0)
        return -1;
    key_of_server(key, KEY_SERVER, store->server);
    write_generation(generation, mine);
    write_seq(seq > highest ? seq : highest, known);
    write_generation(random, fresh);
    struct store_call call = {
        .function = "open", .keys = {KEY_GENERATION, key}, .arguments = {mine, known, fresh}};
    if (store_call_plain(store, &call, &reply, err))
        return -1;
    const char *word = json_string_value(json_array_get(reply, 0));
    const char *id = json_string_value(json_array_get(reply, 1));
    if (!word || !id)
        return fail(err, FAULT_INTERNAL, "the store does not say of which generation it is");
    *ret_opening = (struct opening){
        .is_same = strcmp(word, "same") == 0,
        .generation = strtoull(id, NULL, 16),
        .holds = (uint64_t)json_integer_value(json_array_get(reply, 2)),
    };
    return 0;
}

/* FUNCTION LIST answers, of each library, names and values in turn. */
static const char *code_of(const json_t *libraries)
{
    const json_t *library = json_array_get(libraries, 0);
    for (size_t i = 0; i + 1 < json_array_size(library); i += 2) {
        const char *name = json_string_value(json_array_get(library, i));
        if (name && strcmp(name, "library_code") == 0)
            return json_string_value(json_array_get(library, i + 1));
    }
    return "";
}

int store_provide(struct store *store, struct error *err)
{
    json_auto_t *libraries = NULL;
    if (redis_link_text(store->link, &libraries, err, "FUNCTION", "LIST", "LIBRARYNAME",
                        QUEUE_LIBRARY, "WITHCODE", NULL))
        return -1;
    if (strcmp(code_of(libraries), queue_functions) == 0)
        return 0;
    return redis_link_text(store->link, NULL, err, "FUNCTION", "LOAD", "REPLACE", queue_functions,
                           NULL);
}
