/* enqueue: requests from a file or a pipe, many on their way at a time. None is followed. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/fields.h"
#include "schemas/units.h"
#include "submitter/ask.h"
#include "submitter/lines.h"

#define TOGETHER 1024
#define SURELY_BYTES (REQUEST_MAX_BYTES - 512) /* what is left out has room beside */
#define TIMEOUT_MS 10000                       /* for those that go together */

/* A line: a request with what became of it, or what is wrong with the line. */
struct entry {
    size_t line;
    struct error reason;
};

struct queueing {
    const struct session *session;
    const struct command *command;
    const struct options *options;
    struct lines lines;
    size_t line; /* the number of the last one read */
    int status;  /* the first failure's */
    size_t failed;
    struct entry *entries; /* in the order of the lines */
    size_t count;
    struct request *requests; /* of those entries without a reason, in order */
    struct error *reasons;    /* what became of requests[i] */
    size_t asked;
};

static void auto_queueing(struct queueing *queueing)
{
    lines_end(&queueing->lines);
    free(queueing->entries);
    free(queueing->requests);
    free(queueing->reasons);
}

/* ---- reading ---- */

/* What a line leaves out is as for any other command. */
static void fill_in(const struct queueing *queueing, json_t *message)
{
    const struct options *options = queueing->options;
    char id[IDENTIFIER_SIZE], submitted[TIMESTAMP_SIZE], deadline[TIMESTAMP_SIZE];
    int64_t now = timestamp_now();

    identifier_new(id);
    timestamp_format(now, submitted);
    timestamp_format(now + options->deadline_s * 1000, deadline);
    json_auto_t *usual =
        json_pack("{s:i, s:s, s:s, s:s, s:s*, s:s*}", "v", REQUEST_VERSION, "id", id, "user",
                  queueing->session->user, "submitted", submitted, "deadline",
                  options->given & TAKES(OPTION_DEADLINE) ? deadline : NULL, "class",
                  options->given & TAKES(OPTION_BATCH) ? "batch" : NULL);
    json_object_update_missing(message, usual);
}

/* Of a line that is nearly as long as any: with what it has left out it may be too long. */
static int check_length(struct request *request, struct error *err)
{
    AUTO(string) char *text = NULL;

    if (request_write(request, &text, err) == 0)
        return 0;
    request_clear(request);
    return -1;
}

static int read_request(const struct queueing *queueing, const char *line, size_t length,
                        struct request *ret_request, struct error *err)
{
    json_auto_t *message = NULL;

    if (json_from_bytes(line, length, REQUEST_MAX_BYTES, &message, err) == -1)
        return -1;
    if (!json_is_object(message))
        return fail(err, FAULT_INVALID, "a request is a JSON object");
    fill_in(queueing, message);
    const char *user = text_at(message, "user");
    if (!queueing->options->config && user && strcmp(user, queueing->session->user) != 0)
        return fail(err, FAULT_INVALID, "user: you can ask for yourself only, who are %s",
                    queueing->session->user);
    if (request_from_json(message, ret_request, err) == -1)
        return -1;
    return length < SURELY_BYTES ? 0 : check_length(ret_request, err);
}

static bool is_blank(const char *line, size_t length)
{
    while (length > 0 && strchr(" \t\r", line[length - 1]) && line[length - 1])
        length--;
    return length == 0;
}

static void take_line(struct queueing *queueing, const char *line, size_t length)
{
    struct entry *entry = &queueing->entries[queueing->count];

    if (is_blank(line, length))
        return;
    queueing->count++;
    *entry = (struct entry){.line = queueing->line};
    if (read_request(queueing, line, length, &queueing->requests[queueing->asked],
                     &entry->reason) == 0)
        queueing->asked++;
}

/* As many lines as there are, but for the first of them without waiting. 1: there may be more; 0:
 * the end; -1: reading failed. */
static int read_some(struct queueing *queueing, struct error *err)
{
    const char *line = NULL;
    size_t length = 0;
    int got = 1;

    while (queueing->count < TOGETHER &&
           (queueing->count == 0 || !lines_would_wait(&queueing->lines))) {
        got = lines_next(&queueing->lines, &line, &length, err);
        if (got != 1)
            break;
        queueing->line++;
        take_line(queueing, line, length);
    }
    return got;
}

/* ---- telling ---- */

static int tell_bad_line(const struct queueing *queueing, const struct entry *entry,
                         const char *subject)
{
    const struct session *session = queueing->session;

    if (queueing->options->given & TAKES(OPTION_JSON)) {
        json_auto_t *words =
            json_pack("{s:I, s:{s:s, s:s}}", "line", (json_int_t)entry->line, "error", "code",
                      fault_code(entry->reason.fault), "message", entry->reason.text);
        render_json(session->out, words);
    }
    return render_error(session, queueing->command->name, subject, &entry->reason);
}

static int tell(const struct queueing *queueing, const struct entry *entry,
                const struct request *request, const struct error *reason)
{
    char subject[32];

    snprintf(subject, sizeof(subject), "line %zu", entry->line);
    if (!request)
        return tell_bad_line(queueing, entry, subject);
    if (reason->fault != FAULT_NONE)
        return ask_report_unsubmitted(queueing->session, queueing->options, queueing->command,
                                      request, subject, reason);
    return ask_report_detached(queueing->session, queueing->options, request);
}

/* In the order of the lines; and ready for the next ones. */
static void tell_all(struct queueing *queueing)
{
    for (size_t i = 0, asked = 0; i < queueing->count; i++) {
        const struct entry *entry = &queueing->entries[i];
        bool is_request = entry->reason.fault == FAULT_NONE;
        int status = tell(queueing, entry, is_request ? &queueing->requests[asked] : NULL,
                          is_request ? &queueing->reasons[asked] : NULL);
        asked += is_request;
        queueing->failed += status != 0;
        if (queueing->status == 0)
            queueing->status = status;
    }
    for (size_t i = 0; i < queueing->asked; i++)
        request_clear(&queueing->requests[i]);
    fflush(queueing->session->out);
}

/* ---- the whole ---- */

/* The rest would fare no better. */
static bool is_hopeless(const struct queueing *queueing)
{
    for (size_t i = 0; i < queueing->asked; i++)
        if (queueing->reasons[i].fault != FAULT_DEPENDENCY &&
            queueing->reasons[i].fault != FAULT_UNCONFIRMED)
            return false;
    return queueing->asked > 0;
}

static int give_up(struct queueing *queueing, const struct error *reason)
{
    struct error words = *reason;

    fail(&words, reason->fault, "%.120s; nothing behind line %zu was submitted", reason->text,
         queueing->line - queueing->count);
    int status = render_error(queueing->session, queueing->command->name, NULL, &words);
    return queueing->status ? queueing->status : status;
}

static int enqueue_all(struct queueing *queueing)
{
    struct courier *courier = queueing->session->courier;
    struct error reason = {0};
    int more = 1;

    while (more == 1) {
        queueing->count = queueing->asked = 0;
        more = read_some(queueing, &reason);
        if (more == -1)
            return give_up(queueing, &reason);
        if (queueing->asked > 0)
            courier->methods->submit(courier, queueing->requests, queueing->asked, TIMEOUT_MS,
                                     queueing->reasons);
        bool hopeless = is_hopeless(queueing);
        tell_all(queueing);
        queueing->count = 0;
        if (more == 1 && (hopeless || *queueing->session->interrupted)) {
            fail(&reason, hopeless ? FAULT_DEPENDENCY : FAULT_UNFINISHED, "%s",
                 hopeless ? "the broker does not take them" : "interrupted");
            return give_up(queueing, &reason);
        }
    }
    if (queueing->failed > 0)
        fprintf(queueing->session->err, "%s: %s: %zu of the requests were not submitted\n",
                queueing->session->program, queueing->command->name, queueing->failed);
    return queueing->status;
}

static int open_input(const struct session *session, const char *name, int *ret_fd,
                      struct error *err)
{
    bool is_input = strcmp(name, "-") == 0;

    if (is_input && session->in >= 0)
        *ret_fd = dup(session->in);
    else if (is_input)
        return fail(err, FAULT_INVALID, "a prompt has no other input: ssh HOST enqueue - <FILE");
    else if (session->withheld & TAKES(OPTION_CONFIG))
        return fail(err, FAULT_INVALID, "files are not read here: ssh HOST enqueue - <FILE");
    else
        *ret_fd = open(name, O_RDONLY | O_CLOEXEC);
    return *ret_fd >= 0 ? 0 : fail(err, FAULT_INVALID, "%.128s: %s", name, strerror(errno));
}

int run_enqueue(const struct session *session, const struct command *command,
                const struct options *options)
{
    AUTO(queueing)
    struct queueing queueing = {.session = session, .command = command, .options = options};
    AUTO(fd) int fd = -1;
    struct error reason = {0};

    queueing.entries = calloc(TOGETHER, sizeof(*queueing.entries));
    queueing.requests = calloc(TOGETHER, sizeof(*queueing.requests));
    queueing.reasons = calloc(TOGETHER, sizeof(*queueing.reasons));
    if (!queueing.entries || !queueing.requests || !queueing.reasons)
        fail(&reason, FAULT_INTERNAL, "out of memory");
    else if (open_input(session, options->operands[0], &fd, &reason) == 0)
        lines_begin(fd, REQUEST_MAX_BYTES, &queueing.lines, &reason);
    if (reason.fault != FAULT_NONE)
        return render_error(session, command->name, NULL, &reason);
    return enqueue_all(&queueing);
}
