#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "common/count.h"
#include "common/members.h"
#include "tests/standin/standin.h"

/* A * stands for whatever is between what is before and after it, slashes included. */
static const struct route {
    const char *method;
    const char *pattern;
    route_handler *handler;
} routes[] = {
    {"GET", "/_ping", show_ping},
    {"HEAD", "/_ping", show_ping},
    {"GET", "/version", show_version},
    {"GET", "/info", show_info},
    {"GET", "/events", stream_events},
    {"GET", "/images/json", list_images},
    {"GET", "/images/*/json", show_image},
    {"DELETE", "/images/*", remove_image},
    {"POST", "/commit", commit_container},
    {"POST", "/containers/create", create_container},
    {"GET", "/containers/json", list_containers},
    {"GET", "/containers/*/json", show_container},
    {"GET", "/containers/*/logs", stream_logs},
    {"POST", "/containers/*/start", start_container},
    {"POST", "/containers/*/stop", stop_container},
    {"POST", "/containers/*/restart", restart_container},
    {"POST", "/containers/*/pause", pause_container},
    {"POST", "/containers/*/unpause", unpause_container},
    {"POST", "/containers/*/rename", rename_container},
    {"DELETE", "/containers/*", remove_container},
    {"POST", "/networks/create", create_network},
    {"GET", "/networks", list_networks},
    {"GET", "/networks/*", show_network},
    {"DELETE", "/networks/*", remove_network},
    {"POST", "/standin/faults", add_fault},
    {"DELETE", "/standin/faults", clear_faults},
    {"POST", "/standin/exit/*", exit_container},
    {"POST", "/standin/restart", restart_engine},
    {"POST", "/standin/logs/*", add_output},
    {"GET", "/standin/counts", show_counts},
    {"GET", "/standin/bodies", show_bodies},
};

void reply_json(struct http_reply *reply, int status, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text)
        abort();
    reply->status = status;
    reply->type = "application/json";
    bytes_add(&reply->body, text, strlen(text));
    bytes_add(&reply->body, "\n", 1);
    free(text);
    json_decref(value);
}

void refuse(struct http_reply *reply, int status, const char *fmt, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, fmt);
    vsnprintf(text, sizeof(text), fmt, arguments);
    va_end(arguments);
    reply_json(reply, status, json_pack("{s:s}", "message", text));
}

const char *query_text(const struct call *call, const char *name)
{
    const char *text = text_at(call->query, name);
    return text ? text : "";
}

bool query_flag(const struct call *call, const char *name)
{
    const char *text = query_text(call, name);
    return strcmp(text, "1") == 0 || strcasecmp(text, "true") == 0;
}

bool labels_fit(const struct call *call, const json_t *labels)
{
    const char *text = query_text(call, "filters");
    json_auto_t *filters = json_loads(text, 0, NULL);
    json_t *wanted = json_object_get(filters, "label");
    size_t i;
    json_t *item;

    json_array_foreach(wanted, i, item)
    {
        char name[NAME_MAX_SIZE];
        snprintf(name, sizeof(name), "%s", json_string_value(item));
        char *value = name;
        strsep(&value, "=");
        const char *actual = text_at(labels, name);
        if (!actual || (value && strcmp(actual, value) != 0))
            return false;
    }
    return true;
}

void new_id(char ret_id[65])
{
    unsigned char bytes[32];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        abort();
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(ret_id + 2 * i, 3, "%02x", bytes[i]);
}

void time_text(char ret_text[TIME_SIZE])
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t used = strftime(ret_text, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(ret_text + used, TIME_SIZE - used, ".%09ldZ", now.tv_nsec);
}

static bool fits(const char *pattern, const char *path, char target[NAME_MAX_SIZE])
{
    const char *star = strchr(pattern, '*');
    target[0] = '\0';
    if (!star)
        return strcmp(pattern, path) == 0;
    size_t before = (size_t)(star - pattern);
    size_t after = strlen(star + 1);
    size_t length = strlen(path);
    if (length <= before + after || strncmp(path, pattern, before) != 0 ||
        strcmp(path + length - after, star + 1) != 0)
        return false;
    snprintf(target, NAME_MAX_SIZE, "%.*s", (int)(length - before - after), path + before);
    return true;
}

/* "/v1.41/info" → "/info" */
static const char *without_version(const char *path)
{
    if (path[0] != '/' || path[1] != 'v' || !isdigit((unsigned char)path[2]))
        return path;
    const char *rest = strchr(path + 1, '/');
    return rest ? rest : path;
}

/* A fault holds back, replaces or drops the answer, before or after the effect. */
static void run(struct standin *standin, const struct route *route, const struct call *call,
                struct http_reply *reply)
{
    json_auto_t *fault = standin_fault(standin, call);
    const json_t *status = json_object_get(fault, "status");
    bool after = flag_at(fault, "after");

    if (!status || after)
        route->handler(standin, call, reply);
    reply->delay_ms += (long)number_at(fault, "delay_ms");
    if (!status)
        return;
    bytes_drop(&reply->body, reply->body.length);
    reply->topic[0] = '\0';
    if (json_integer_value(status) == 0)
        reply->drop = true;
    else
        refuse(reply, (int)json_integer_value(status), "the stand-in was told to fail");
}

void standin_handle(const struct http_request *request, struct http_reply *reply, void *context)
{
    struct standin *standin = context;
    char target[NAME_MAX_SIZE];
    json_auto_t *body =
        request->body_length ? json_loadb(request->body, request->body_length, 0, NULL) : NULL;
    struct call call = {request->method, without_version(request->path), target, request->query,
                        body};

    for (size_t i = 0; i < COUNT(routes); i++) {
        const struct route *route = &routes[i];
        if (strcmp(route->method, call.method) != 0 || !fits(route->pattern, call.path, target))
            continue;
        standin_count(standin, route->method, route->pattern);
        run(standin, route, &call, reply);
        return;
    }
    refuse(reply, 404, "page not found");
}
