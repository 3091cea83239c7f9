/* Logs and events: what there is already, and then what comes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/members.h"
#include "tests/standin/standin.h"

#define EVENTS_TOPIC "events"

static bool has_terminal(const json_t *container)
{
    return flag_at(json_object_get(container, "Config"), "Tty");
}

/* Docker Engine API 1.41, ContainerAttach, "Stream format". */
static void add_frame(struct bytes *bytes, bool framed, bool is_error, const char *text)
{
    uint32_t length = (uint32_t)strlen(text);
    unsigned char header[8] = {is_error ? 2 : 1,
                               0,
                               0,
                               0,
                               (unsigned char)(length >> 24),
                               (unsigned char)(length >> 16),
                               (unsigned char)(length >> 8),
                               (unsigned char)length};
    if (framed)
        bytes_add(bytes, header, sizeof(header));
    bytes_add(bytes, text, length);
}

void log_line(struct standin *standin, const json_t *container, bool is_error, const char *text)
{
    struct bytes bytes = {0};
    const char *id = container_id(container);

    json_array_append_new(json_object_get(standin->logs, id),
                          json_pack("{s:b, s:s}", "error", is_error, "text", text));
    add_frame(&bytes, !has_terminal(container), is_error, text);
    http_publish(id, bytes.data, bytes.length);
    free(bytes.data);
}

void stream_logs(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    const json_t *container = find_container(standin, call->target);
    const char *tail = query_text(call, "tail");

    if (!container) {
        refuse(reply, 404, "No such container: %s", call->target);
        return;
    }
    const json_t *lines = json_object_get(standin->logs, container_id(container));
    size_t count = json_array_size(lines);
    size_t wanted = *tail && strcmp(tail, "all") != 0 ? strtoul(tail, NULL, 10) : count;

    reply->type = "application/vnd.docker.raw-stream";
    for (size_t i = count - (wanted < count ? wanted : count); i < count; i++) {
        const json_t *line = json_array_get(lines, i);
        bool is_error = flag_at(line, "error");
        if (query_flag(call, is_error ? "stderr" : "stdout"))
            add_frame(&reply->body, !has_terminal(container), is_error, text_at(line, "text"));
    }
    if (query_flag(call, "follow") && is_running(container))
        snprintf(reply->topic, sizeof(reply->topic), "%s", container_id(container));
}

/* POST /standin/logs/<container> {"error":false,"text":"…"}: the container writes this. */
void add_output(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    const json_t *container = find_container(standin, call->target);
    const char *text = text_at(call->body, "text");

    if (!container || !text) {
        refuse(reply, 400, "no such container, or no text");
        return;
    }
    log_line(standin, container, flag_at(call->body, "error"), text);
    reply->status = 204;
}

static void add_event(struct bytes *bytes, const json_t *event)
{
    char *text = json_dumps(event, JSON_COMPACT);
    if (!text)
        abort();
    bytes_add(bytes, text, strlen(text));
    bytes_add(bytes, "\n", 1);
    free(text);
}

void standin_event(struct standin *standin, const json_t *container, const char *action)
{
    json_t *labels = json_object_get(json_object_get(container, "Config"), "Labels");
    json_t *image = json_object_get(json_object_get(container, "Config"), "Image");
    json_t *attributes = json_is_object(labels) ? json_copy(labels) : json_object();
    struct bytes bytes = {0};
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    json_object_set(attributes, "image", image);
    json_object_set_new(attributes, "name", json_string(container_name(container)));
    json_t *event = json_pack(
        "{s:s, s:s, s:O, s:s, s:s, s:{s:s, s:o}, s:s, s:I, s:I}", "status", action, "id",
        container_id(container), "from", image, "Type", "container", "Action", action, "Actor",
        "ID", container_id(container), "Attributes", attributes, "scope", "local", "time",
        (json_int_t)now.tv_sec, "timeNano", (json_int_t)now.tv_sec * 1000000000 + now.tv_nsec);
    if (json_array_size(standin->events) >= EVENTS_MAX)
        json_array_remove(standin->events, 0);
    json_array_append(standin->events, event);
    add_event(&bytes, event);
    if (!standin->mute)
        http_publish(EVENTS_TOPIC, bytes.data, bytes.length);
    free(bytes.data);
    json_decref(event);
}

void stream_events(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    const char *since = query_text(call, "since");
    size_t i;
    json_t *event;

    json_array_foreach(standin->events, i, event)
    {
        if (*since && number_at(event, "time") >= strtoll(since, NULL, 10))
            add_event(&reply->body, event);
    }
    reply->type = "application/json";
    snprintf(reply->topic, sizeof(reply->topic), "%s", EVENTS_TOPIC);
}
