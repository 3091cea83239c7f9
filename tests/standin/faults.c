/* What a test asks of the stand-in itself: faults to make, calls that came, bodies that came. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "common/members.h"
#include "tests/standin/standin.h"

/*
 * {"method":"POST","path":"/containers/create","times":3,"status":500,"delay_ms":200,"after":true}
 * path: a pattern (fnmatch(3)) without the API's version. times: 1 if left out. status: 0 drops the
 * connection; left out: the true answer, held back by delay_ms. after: the effect comes first.
 */
void add_fault(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    const char *method = NULL;
    const char *path = NULL;
    int times = 1;
    int status = -1;
    int delay = 0;
    int after = 0;

    if (json_unpack_ex(call->body, NULL, JSON_STRICT, "{s:s, s:s, s?i, s?i, s?i, s?b}", "method",
                       &method, "path", &path, "times", &times, "status", &status, "delay_ms",
                       &delay, "after", &after) < 0) {
        refuse(reply, 400, "not a fault");
        return;
    }
    json_t *fault = json_copy(call->body);
    json_object_set_new(fault, "times", json_integer(times));
    json_array_append_new(standin->faults, fault);
    reply->status = 204;
}

void clear_faults(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    (void)call;
    json_array_clear(standin->faults);
    reply->status = 204;
}

json_t *standin_fault(struct standin *standin, const struct call *call)
{
    size_t i;
    json_t *fault;

    json_array_foreach(standin->faults, i, fault)
    {
        const char *method = text_at(fault, "method");
        const char *path = text_at(fault, "path");
        if (strcmp(method, call->method) != 0 || fnmatch(path, call->path, 0) != 0)
            continue;
        json_int_t times = number_at(fault, "times") - 1;
        json_object_set_new(fault, "times", json_integer(times));
        json_incref(fault);
        if (times <= 0)
            json_array_remove(standin->faults, i);
        return fault;
    }
    return NULL;
}

void standin_count(struct standin *standin, const char *method, const char *pattern)
{
    char route[NAME_MAX_SIZE];
    snprintf(route, sizeof(route), "%s %s", method, pattern);
    json_int_t count = number_at(standin->counts, route);
    json_object_set_new(standin->counts, route, json_integer(count + 1));
}

void show_counts(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    (void)call;
    reply_json(reply, 200, json_incref(standin->counts));
}

void show_bodies(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    (void)call;
    reply_json(reply, 200, json_incref(standin->bodies));
}
