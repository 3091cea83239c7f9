#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "worker/engine_private.h"
#include "worker/log_frames.h"

#define EVENT_MAX (1 << 20)

/* Logs: frames, or raw bytes of a terminal. */
struct log_reader {
    struct log_frames frames;
    bool tty;
    engine_sink *sink;
    void *context;
};

static int log_piece(const void *data, size_t length, void *context, struct error *err)
{
    struct log_reader *reader = context;

    if (reader->tty)
        return reader->sink("stdout", data, length, reader->context) != 0;
    return log_frames_feed(&reader->frames, data, length, reader->sink, reader->context, err);
}

static int log_turn(void *context, struct error *err)
{
    const struct log_reader *reader = context;

    (void)err;
    return reader->sink("stdout", NULL, 0, reader->context) != 0;
}

int engine_container_logs(struct engine *engine, const struct engine_logs *logs, engine_sink *sink,
                          void *context, struct error *err)
{
    char path[ENGINE_PATH_SIZE];
    char tail[32] = "tail=all";
    const struct engine_call call = {
        .method = "GET",
        .path = path,
        .query = {"stdout=1", "stderr=1", logs->follow ? "follow=1" : "follow=0", tail}};
    struct log_reader reader = {.tty = logs->tty, .sink = sink, .context = context};
    const struct engine_stream stream = {log_piece, log_turn, &reader};
    bool ended = false;

    if (!name_is_engine_id(logs->id))
        return fail(err, FAULT_INVALID, "not a container's full id");
    snprintf(path, sizeof(path), "/containers/%s/logs", logs->id);
    if (logs->tail > 0)
        snprintf(tail, sizeof(tail), "tail=%ld", logs->tail);
    if (engine_stream(engine, &call, &stream, &ended, err) < 0)
        return -1;
    if (!ended && !log_frames_are_whole(&reader.frames))
        return fail(err, FAULT_DEPENDENCY, "the engine's log ended within a frame");
    return 0;
}

/* Events: JSON objects, one a line, and lines split anywhere. */
struct event_reader {
    char *line;
    size_t length;
    engine_event *callback;
    void *context;
};

static int keep(struct event_reader *reader, const char *data, size_t length, struct error *err)
{
    if (length == 0)
        return 0;
    if (length > EVENT_MAX - reader->length)
        return fail(err, FAULT_ENGINE, "the engine sends an event larger than %d bytes", EVENT_MAX);
    char *line = realloc(reader->line, reader->length + length);
    if (!line)
        return fail(err, FAULT_INTERNAL, "out of memory");
    memcpy(line + reader->length, data, length);
    reader->line = line;
    reader->length += length;
    return 0;
}

static int tell(struct event_reader *reader, struct error *err)
{
    json_auto_t *event = json_loadb(reader->line ? reader->line : "", reader->length, 0, NULL);

    reader->length = 0;
    if (!json_is_object(event))
        return fail(err, FAULT_ENGINE, "the engine sends an event that is not JSON");
    return reader->callback(event, reader->context) != 0;
}

static int event_piece(const void *data, size_t length, void *context, struct error *err)
{
    struct event_reader *reader = context;
    const char *next = data;
    const char *end = next + length;

    for (;;) {
        const char *newline = memchr(next, '\n', (size_t)(end - next));
        if (keep(reader, next, (size_t)((newline ? newline : end) - next), err) < 0)
            return -1;
        if (!newline)
            return 0;
        int verdict = tell(reader, err);
        if (verdict != 0)
            return verdict;
        next = newline + 1;
    }
}

static int event_turn(void *context, struct error *err)
{
    const struct event_reader *reader = context;

    (void)err;
    return reader->callback(NULL, reader->context) != 0;
}

int engine_events(struct engine *engine, int64_t since, engine_event *callback, void *context,
                  struct error *err)
{
    char from[32];
    const struct engine_call call = {
        .method = "GET", .path = "/events", .query = {from, "filters={\"type\":[\"container\"]}"}};
    struct event_reader reader = {.callback = callback, .context = context};
    const struct engine_stream stream = {event_piece, event_turn, &reader};
    bool ended = false;

    snprintf(from, sizeof(from), "since=%" PRId64, since);
    int result = engine_stream(engine, &call, &stream, &ended, err);
    free(reader.line);
    if (result == 0 && !ended)
        return fail(err, FAULT_DEPENDENCY, "the engine ended the stream of events");
    return result;
}
