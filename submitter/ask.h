/*
 * What commands that make requests have in common: building requests, submitting them, following
 * them to their results, and saying what became of each.
 */
#ifndef DCM_SUBMITTER_ASK_H
#define DCM_SUBMITTER_ASK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "submitter/commands.h"
#include "submitter/render.h"

#define PUBLISH_TIMEOUT_MS 4000 /* for all requests of a command together */

/* A request of ours, args included: new reference. A new id, unless options name one. Checked as
 * the worker will check it: FAULT_INVALID. args is stolen, also on failure; NULL: out of memory.
 * Where options ask for an explanation, the request asks for that instead. */
int ask_build(const struct session *session, const struct options *options, enum op op,
              json_t *args, struct request *ret_request, struct error *err);

/*
 * Submit all requests, then follow each in turn (with --detach: none) and say what it came to. Any
 * that fails does not keep the others from being tried. subjects[i]: what requests[i] is about, or
 * NULL. Returns the first failure's exit status.
 */
int ask_all(const struct session *session, const struct options *options,
            const struct command *command, const struct request *requests,
            const char *const *subjects, size_t count);

/* Say that a request was submitted, and no more; or that it was not, or perhaps not: that has a
 * line of JSON all the same. Return the exit status. */
int ask_report_detached(const struct session *session, const struct options *options,
                        const struct request *request);
int ask_report_unsubmitted(const struct session *session, const struct options *options,
                           const struct command *command, const struct request *request,
                           const char *subject, const struct error *reason);

/* What a request about this operand takes: new reference; NULL: *err says why it cannot be one. The
 * operand may become what messages call it, borrowed from the session. */
typedef json_t *args_maker(const struct session *session, const struct options *options,
                           const char **operand, struct error *err);
/* ask_all for a request of command->op about each operand; but where one of them is faulty nothing
 * is asked. */
int ask_each(const struct session *session, const struct options *options,
             const struct command *command, args_maker *make_args);

/* What is to be followed, for whom. */
struct follow_up {
    const struct session *session;
    const struct options *options;
    const char *id;
    const struct request *request; /* that we have just submitted, or NULL */
    const char *subject;           /* for messages; may be NULL */
    bool is_fresh;                 /* and nothing else with it */
    bool is_output;                /* container.logs: it ends with its reader, and does not go on */
    struct progress progress;      /* zeroed */
};
/* Follow one request, telling its progress and its output, and say what it came to. Returns the
 * exit status. */
int ask_follow(struct follow_up *follow_up);

/* An event of kind "output" to session->out or session->err; others are no output. 0, or -1 once
 * nobody reads what we write. */
int ask_print_output(const struct session *session, const struct options *options,
                     const json_t *event);

/* When --timeout ends, or 0. */
int64_t ask_until(const struct session *session, const struct options *options);

#endif
