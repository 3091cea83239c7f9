/* What stands in the lines of the audit log. */
#include "worker/audit.h"

#include "common/auto.h"
#include "common/log.h"
#include "common/members.h"
#include "schemas/units.h"
#include "worker/dispatch.h"

/* With what every line has. entry: stolen. NULL: out of memory. */
static json_t *line_of(const struct runner *runner, const char *event, json_t *entry)
{
    char now[TIMESTAMP_SIZE];
    timestamp_format(timestamp_now(), now);
    if (json_object_set_new(entry, "v", json_integer(1)) == 0 &&
        json_object_set_new(entry, "time", json_string(now)) == 0 &&
        json_object_set_new(entry, "server", json_string(runner->config->server)) == 0 &&
        json_object_set_new(entry, "event", json_string(event)) == 0)
        return entry;
    json_decref(entry);
    return NULL;
}

static void say_unwritten(const json_t *line, const struct error *reason)
{
    AUTO(string) char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    log_error("not written to the audit log (%s): %s", reason->text, text ? text : "out of memory");
}

/* entry: stolen. */
static void append(const struct runner *runner, const char *event, json_t *entry)
{
    json_auto_t *line = line_of(runner, event, entry);
    struct error err = {0};
    if (audit_append(runner->config->audit, &line, 1, &err) < 0)
        say_unwritten(line, &err);
}

/* Of variables the names alone: users hand secrets to their programs by them. */
static json_t *names_of(json_t *variables)
{
    json_t *names = json_array();
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(variables, name, value)
    {
        json_array_append_new(names, json_string(name));
    }
    return names;
}

/* As they were asked for. Those of an explanation hold another request's. */
static json_t *shown_args(json_t *args)
{
    json_t *shown = json_copy(args);
    json_t *inner = json_object_get(shown, "args");
    json_t *variables = json_object_get(shown, "env");
    if (json_is_object(variables))
        json_object_set_new(shown, "env", names_of(variables));
    json_t *inner_variables = json_object_get(inner, "env");
    if (json_is_object(inner_variables)) {
        json_t *copy = json_copy(inner);
        json_object_set_new(copy, "env", names_of(inner_variables));
        json_object_set_new(shown, "args", copy);
    }
    return shown;
}

/* What it came to, if it came to a thing of this kind. */
static void add_thing(json_t *entry, const json_t *result, const char *kind)
{
    const json_t *thing = json_object_get(result, kind);
    const json_t *name = json_object_get(thing, "name"), *id = json_object_get(thing, "id");
    if (thing)
        json_object_set_new(entry, kind, json_pack("{s:O*, s:O*}", "name", name, "id", id));
}

/* The rules by which it was allowed, each once. */
static json_t *rules_of(const struct verdicts *decided)
{
    json_t *rules = json_array(), *verdict = NULL;
    size_t i = 0;
    if (!decided)
        return rules;
    json_auto_t *seen = json_object();
    json_array_foreach(decided->list, i, verdict)
    {
        json_t *rule = json_object_get(verdict, "rule");
        if (!rule || json_object_get(seen, json_string_value(rule)))
            continue;
        json_object_set_new(seen, json_string_value(rule), json_true());
        json_array_append(rules, rule);
    }
    return rules;
}

static json_t *asked(const struct job *job, const char *state)
{
    const struct request *request = &job->request;
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:s}", "request", request->id, "op",
                     op_name(request->op), "user", request->user, "publisher", job->publisher,
                     "args", shown_args(request->args), "state", state);
}

static json_t *ended(const struct job *job, const json_t *result)
{
    json_t *error = json_object_get(result, "error");
    json_t *entry = asked(job, text_at(result, "state"));
    json_object_set_new(entry, "rules", rules_of(job->decided));
    if (error)
        json_object_set(entry, "error", error);
    add_thing(entry, result, "container");
    add_thing(entry, result, "image");
    return entry;
}

void audit_request(const struct runner *runner, const struct job *job, const json_t *result)
{
    append(runner, "request", ended(job, result));
}

void audit_requests(const struct runner *runner, const struct job *jobs, size_t count,
                    const json_t *result)
{
    json_t *lines[WORKS_MOST] = {NULL};
    struct error err = {0};
    for (size_t i = 0; i < count; i++)
        lines[i] = line_of(runner, "request", ended(&jobs[i], result));
    bool written = audit_append(runner->config->audit, lines, count, &err) == 0;
    for (size_t i = 0; i < count; i++) {
        log_request(jobs[i].request.id);
        if (!written)
            say_unwritten(lines[i], &err);
        json_decref(lines[i]);
    }
    log_request(NULL);
}

static json_t *error_of(const struct error *reason)
{
    return json_pack("{s:s, s:s, s:s*}", "code", fault_code(reason->fault), "message", reason->text,
                     "rule", reason->rule[0] ? reason->rule : NULL);
}

void audit_refusal(const struct runner *runner, const struct job *job, const struct error *refusal)
{
    json_t *entry = asked(job, fault_state(refusal->fault));
    json_object_set_new(entry, "error", error_of(refusal));
    append(runner, "request", entry);
}

void audit_message(const struct runner *runner, const char *publisher, const struct error *reason)
{
    append(runner, "message",
           json_pack("{s:s, s:o}", "publisher", publisher, "error", error_of(reason)));
}

void audit_expiry(const struct runner *runner, const char *user, const char *name, const char *id,
                  const char *done)
{
    append(runner, "expiry",
           json_pack("{s:s, s:{s:s, s:s}, s:s}", "user", user, "container", "name", name, "id", id,
                     "done", done));
}

void audit_difference(const struct runner *runner, const json_t *item)
{
    append(runner, "difference", json_pack("{s:O}", "difference", item));
}
