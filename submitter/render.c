#include "submitter/render.h"

#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/result.h"
#include "submitter/commands.h"
#include "submitter/printable.h"

void render_json(FILE *out, const json_t *value)
{
    AUTO(string) char *text = json_dumps(value, JSON_COMPACT);
    if (text)
        fprintf(out, "%s\n", text);
}

/* ---- what a request did, in words ---- */

/* The command that asks for such a thing: what people know it by. */
static const char *command_name(const char *op_text)
{
    enum op op;

    if (op_from_name(op_text, &op) == 0)
        for (size_t i = 0; i < command_count; i++)
            if (commands[i].op == op)
                return commands[i].name;
    return op_text;
}

static void tell_end(FILE *out, const json_t *container)
{
    const char *expires = text_at(container, "expires");

    if (expires)
        fprintf(out, "It will be stopped at %s; extend gives it more time.\n", expires);
}

static void tell_created(FILE *out, const json_t *result, const char *verb)
{
    const json_t *container = json_object_get(result, "container");
    const char *address = text_at(container, "address");
    const char *id = text_at(container, "id");
    const char *name = text_at(container, "name");
    const char *user = text_at(result, "user");

    if (!address || !id || !name || !user)
        return;
    fprintf(out,
            "Using alias %s\n"
            "%s\n"
            "Container %s %s successfully.\n"
            "To connect use\n"
            "  ssh %s@%s -p %" JSON_INTEGER_FORMAT "\n"
            "You can also login as root.\n"
            "Use name or port number to identify the container to DCM.\n",
            address, id, name, verb, user, address, number_at(container, "ssh_port"));
    tell_end(out, container);
}

static void tell_changed(FILE *out, const json_t *result, const char *verb)
{
    const char *name = text_at(json_object_get(result, "container"), "name");

    if (name)
        fprintf(out, "Container %s %s.\n", name, verb);
    else
        fprintf(out, "Container %s.\n", verb);
}

static void tell_extended(FILE *out, const json_t *result, const char *verb)
{
    const json_t *container = json_object_get(result, "container");
    const char *name = text_at(container, "name");
    const char *expires = text_at(container, "expires");

    fprintf(out, "Container %s%s%s to %s.\n", name ? name : "", name ? " " : "", verb,
            expires ? expires : "no end");
}

static void tell_image(FILE *out, const json_t *result, const char *verb)
{
    const char *name = text_at(json_object_get(result, "image"), "name");

    fprintf(out, "Image %s%s%s.\n", name ? name : "", name ? " " : "", verb);
}

static void tell_answered(FILE *out, const json_t *result, const char *verb)
{
    const char *server = text_at(result, "server");

    fprintf(out, "%s %s.\n", server ? server : "a server", verb);
}

static void tell_plainly(FILE *out, const json_t *result, const char *verb)
{
    (void)result;
    fprintf(out, "%s.\n", verb);
}

static void tell_explained(FILE *out, const json_t *result, const char *verb)
{
    const json_t *explanation = json_object_get(result, "explanation");

    (void)verb;
    render_explanation(out, command_name(text_at(explanation, "op")), explanation);
}

static void tell_nothing(FILE *out, const json_t *result, const char *verb)
{
    (void)out, (void)result, (void)verb;
}

static const struct deed {
    void (*tell)(FILE *out, const json_t *result, const char *verb);
    const char *verb;
} deeds[OP_COUNT] = {
    [OP_PING] = {tell_answered, "answers"},
    [OP_CONTAINER_CREATE] = {tell_created, "created"},
    [OP_CONTAINER_START] = {tell_changed, "started"},
    [OP_CONTAINER_STOP] = {tell_changed, "stopped"},
    [OP_CONTAINER_RESTART] = {tell_changed, "restarted"},
    [OP_CONTAINER_PAUSE] = {tell_changed, "paused"},
    [OP_CONTAINER_UNPAUSE] = {tell_changed, "unpaused"},
    [OP_CONTAINER_REMOVE] = {tell_changed, "removed"},
    [OP_CONTAINER_RECREATE] = {tell_created, "recreated"},
    [OP_CONTAINER_EXTEND] = {tell_extended, "extended"},
    [OP_IMAGE_COMMIT] = {tell_image, "committed"},
    [OP_IMAGE_REMOVE] = {tell_image, "removed"},
    [OP_JOB_CANCEL] = {tell_plainly, "Cancelled"},
    [OP_POLICY_EXPLAIN] = {tell_explained, NULL},
    [OP_CONTAINER_LOGS] = {tell_nothing, NULL}, /* its output was the answer */
};

/* ---- results ---- */

/* A request that was refused by a server's upgrade or outage has failed; 5 to 7 speak of requests
 * whose end is not known. */
static int status_of_ended(enum fault fault)
{
    int status = fault_exit_status(fault);
    return status >= fault_exit_status(FAULT_UNFINISHED) ? fault_exit_status(FAULT_INTERNAL)
                                                         : status;
}

/* An explanation ends as what it explains would: allowed, or refused. */
static int status_of_done(const json_t *result)
{
    const json_t *allowed = json_object_get(json_object_get(result, "explanation"), "allowed");
    return json_is_false(allowed) ? fault_exit_status(FAULT_DENIED) : 0;
}

/* What the request was about, or where that never came to be, the request itself. */
static void render_id(FILE *out, const json_t *result)
{
    const json_t *container = json_object_get(result, "container");
    const char *id = text_at(container ? container : json_object_get(result, "image"), "id");

    fprintf(out, "%s\n", id ? id : text_at(result, "request"));
}

static void render_done(const struct session *session, const struct options *options,
                        const json_t *result)
{
    enum op op;

    if (!(options->given & (TAKES(OPTION_JSON) | TAKES(OPTION_QUIET))) &&
        op_from_name(text_at(result, "op"), &op) == 0)
        deeds[op].tell(session->out, result, deeds[op].verb);
    const char *warning = text_at(result, "warning");
    if (warning) {
        fprintf(session->err, "%s: ", session->program);
        print_line_part(session->err, warning);
        fputc('\n', session->err);
    }
}

int render_result(const struct session *session, const struct options *options,
                  const json_t *result, const char *subject)
{
    struct error reason = {0};

    if (options->given & TAKES(OPTION_JSON))
        render_json(session->out, result);
    else if (options->given & TAKES(OPTION_QUIET))
        render_id(session->out, result);

    enum fault fault = result_fault(result, &reason);
    if (fault == FAULT_NONE) {
        render_done(session, options, result);
        return status_of_done(result);
    }
    if (!result_is_final(result))
        return fault_exit_status(FAULT_UNFINISHED);
    render_error(session, command_name(text_at(result, "op")), subject, &reason);
    return status_of_ended(fault);
}

int render_error(const struct session *session, const char *command, const char *subject,
                 const struct error *reason)
{
    FILE *out = session->err;

    fprintf(out, "%s: ", session->program);
    if (command)
        print_line_part(out, command);
    if (command && subject)
        fputc(' ', out);
    if (subject)
        print_line_part(out, subject);
    if (command || subject)
        fputs(": ", out);
    print_line_part(out, reason->text[0] ? reason->text : fault_code(reason->fault));
    if (reason->rule[0]) {
        fputs(" (rule ", out);
        print_line_part(out, reason->rule);
        fputc(')', out);
    }
    fputc('\n', out);
    return fault_exit_status(reason->fault);
}

/* ---- progress ---- */

void progress_show(struct progress *progress, const char *phase)
{
    if (!progress->out || !phase || strcmp(progress->last, phase) == 0)
        return;
    if (progress->last[0]) {
        fputs(" → ", progress->out);
    } else if (progress->subject) {
        print_line_part(progress->out, progress->subject);
        fputs(": ", progress->out);
    }
    snprintf(progress->last, sizeof(progress->last), "%s", phase);
    print_line_part(progress->out, progress->last);
    fflush(progress->out);
}

void progress_end(struct progress *progress)
{
    if (progress->out && progress->last[0])
        fputc('\n', progress->out);
    progress->last[0] = '\0';
}
