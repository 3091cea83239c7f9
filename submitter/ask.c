#include "submitter/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/event.h"
#include "schemas/result.h"
#include "schemas/units.h"
#include "submitter/follow.h"
#include "submitter/printable.h"

int ask_build(const struct session *session, const struct options *options, enum op op,
              json_t *args, struct request *ret_request, struct error *err)
{
    AUTO(string) char *text = NULL;
    struct request request = {.op = op, .submitted = timestamp_now(), .args = args};

    if (args && options->explained) {
        request.op = OP_POLICY_EXPLAIN;
        request.args = args = json_pack("{s:s, s:o}", "op", op_name(op), "args", args);
    }
    if (!args)
        return fail(err, FAULT_INTERNAL, "out of memory");
    if (options->id)
        memcpy(request.id, options->id, IDENTIFIER_SIZE); /* well-formed: as long as any */
    else
        identifier_new(request.id);
    memcpy(request.user, session->user, sizeof(request.user));
    if (options->given & TAKES(OPTION_DEADLINE))
        request.deadline = request.submitted + options->deadline_s * 1000;
    request.batch = options->given & TAKES(OPTION_BATCH);
    if (request_encode(&request, &text, err) == -1) {
        request_clear(&request);
        return -1;
    }
    *ret_request = request;
    return 0;
}

int64_t ask_until(const struct session *session, const struct options *options)
{
    if (!(options->given & TAKES(OPTION_TIMEOUT)))
        return 0;
    return session->started + options->timeout_s * 1000;
}

/* 0, or -1 after words about it; a reader that has seen enough needs none. */
static int flush(const struct session *session, FILE *out)
{
    if (fflush(out) == 0)
        return 0;
    if (errno != EPIPE)
        fprintf(session->err, "%s: cannot write the output: %s\n", session->program,
                strerror(errno));
    return -1;
}

int ask_print_output(const struct session *session, const struct options *options,
                     const json_t *event)
{
    const char *stream = NULL;
    AUTO(string) char *data = NULL;
    unsigned char *bytes = NULL;
    size_t length = 0;

    if (options->given & TAKES(OPTION_JSON)) {
        render_json(session->out, event);
        return flush(session, session->out);
    }
    if (event_output_data(event, &stream, &bytes, &length, NULL) == -1)
        return 0; /* no worker of ours writes such an event */
    data = (char *)bytes;

    bool to_err = strcmp(stream, "stderr") == 0;
    FILE *out = to_err ? session->err : session->out;
    if (to_err ? session->err_is_terminal : session->out_is_terminal)
        print_escaped(out, data, length);
    else
        fwrite(data, 1, length, out);
    return flush(session, out);
}

static int heed(const json_t *event, void *context)
{
    struct follow_up *follow_up = context;
    const char *kind = text_at(event, "kind");

    if (kind && strcmp(kind, "output") == 0) {
        progress_end(&follow_up->progress);
        return ask_print_output(follow_up->session, follow_up->options, event);
    }
    progress_show(&follow_up->progress, text_at(event, "phase"));
    return 0;
}

/* Following ended before the request did: say how to come back to it. */
static int report_unfinished(const struct follow_up *follow_up, const struct error *reason)
{
    const struct session *session = follow_up->session;
    json_auto_t *result = NULL;

    if (follow_up->is_output) {
        /* Ctrl-C and a reader that has seen enough are the usual ways to end it. */
        if (!*session->interrupted && !ferror(session->out))
            render_error(session, NULL, follow_up->subject, reason);
        return fault_exit_status(FAULT_UNFINISHED);
    }
    if (session->courier->methods->record(session->courier, follow_up->id, &result, NULL) == -1 &&
        follow_up->request)
        result = result_new(follow_up->request);
    if (result)
        render_result(session, follow_up->options, result, follow_up->subject);

    struct error words = *reason;
    fail(&words, reason->fault, "%.120s; goes on: %swait %s", reason->text, session->prefix,
         follow_up->id);
    return render_error(session, NULL, follow_up->subject, &words);
}

int ask_follow(struct follow_up *follow_up)
{
    const struct session *session = follow_up->session;
    struct error reason = {0};
    json_auto_t *result = NULL;
    struct following following = {
        .courier = session->courier,
        .id = follow_up->id,
        .submitted = follow_up->request != NULL,
        .fresh = follow_up->is_fresh,
        .request = follow_up->request,
        .until = ask_until(session, follow_up->options),
        .interrupted = session->interrupted,
        .pace = &follow_pace,
        .heed = heed,
        .context = follow_up,
    };

    if (session->err_is_terminal && !follow_up->is_output &&
        !(follow_up->options->given & TAKES(OPTION_QUIET)))
        follow_up->progress = (struct progress){session->err, follow_up->subject, ""};
    progress_show(&follow_up->progress, phase_name(PHASE_QUEUED));
    int status = follow(&following, &result, &reason);
    progress_end(&follow_up->progress);

    if (status == 0)
        return render_result(session, follow_up->options, result, follow_up->subject);
    if (reason.fault == FAULT_UNFINISHED)
        return report_unfinished(follow_up, &reason);
    return render_error(session, NULL, follow_up->request ? follow_up->subject : NULL, &reason);
}

/* ---- several at once ---- */

int ask_report_unsubmitted(const struct session *session, const struct options *options,
                           const struct command *command, const struct request *request,
                           const char *subject, const struct error *reason)
{
    struct error words = *reason;

    if (options->given & TAKES(OPTION_JSON)) {
        json_auto_t *result = result_new(request);
        result_set_failed(result, NULL, reason);
        render_json(session->out, result);
    }
    if (reason->fault == FAULT_DEPENDENCY)
        fail(&words, reason->fault, "not submitted, try again later: %.160s", reason->text);
    if (reason->fault == FAULT_UNCONFIRMED && command->options & TAKES(OPTION_ID))
        fail(&words, reason->fault, "%.120s; perhaps asked, so repeat with --id %s", reason->text,
             request->id);
    else if (reason->fault == FAULT_UNCONFIRMED && command->op == OP_COUNT)
        fail(&words, reason->fault, "%.120s; perhaps asked, so repeat it with the id %s",
             reason->text, request->id);
    else if (reason->fault == FAULT_UNCONFIRMED)
        fail(&words, reason->fault, "%.120s; perhaps asked: it does no harm to ask again",
             reason->text);
    return render_error(session, command->name, subject, &words);
}

int ask_report_detached(const struct session *session, const struct options *options,
                        const struct request *request)
{
    if (options->given & TAKES(OPTION_JSON)) {
        json_auto_t *result = result_new(request);
        render_json(session->out, result);
    } else {
        fprintf(session->out, "%s\n", request->id);
    }
    return 0;
}

static void auto_errors(struct error **slot)
{
    free(*slot);
}

int ask_all(const struct session *session, const struct options *options,
            const struct command *command, const struct request *requests,
            const char *const *subjects, size_t count)
{
    int first_failure = 0;
    AUTO(errors) struct error *reasons = calloc(count, sizeof(*reasons));

    if (!reasons) {
        struct error reason = {FAULT_INTERNAL, "", "out of memory"};
        return render_error(session, command->name, NULL, &reason);
    }
    bool is_fresh = count == 1 && !options->id;
    if (is_fresh && !(options->given & TAKES(OPTION_DETACH)))
        courier_foresee(session->courier, requests[0].id, follow_pace.wait_ms);
    session->courier->methods->submit(session->courier, requests, count, PUBLISH_TIMEOUT_MS,
                                      reasons);
    for (size_t i = 0; i < count; i++) {
        struct follow_up follow_up = {.session = session,
                                      .options = options,
                                      .id = requests[i].id,
                                      .request = &requests[i],
                                      .is_fresh = is_fresh,
                                      .subject = subjects[i],
                                      .is_output = requests[i].op == OP_CONTAINER_LOGS};
        int status;
        if (reasons[i].fault != FAULT_NONE)
            status = ask_report_unsubmitted(session, options, command, &requests[i], subjects[i],
                                            &reasons[i]);
        else if (options->given & TAKES(OPTION_DETACH))
            status = ask_report_detached(session, options, &requests[i]);
        else
            status = ask_follow(&follow_up);
        if (first_failure == 0)
            first_failure = status;
    }
    return first_failure;
}
