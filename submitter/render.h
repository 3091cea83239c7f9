/*
 * How one request looks: what it came to, what went wrong, and how far it is; for people, as a line
 * of JSON, or as a bare id. Text from elsewhere goes out escaped (printable.h).
 */
#ifndef DCM_SUBMITTER_RENDER_H
#define DCM_SUBMITTER_RENDER_H

#include <jansson.h>
#include <stdio.h>

#include "common/error.h"
#include "submitter/options.h"
#include "submitter/session.h"

/* One line. */
void render_json(FILE *out, const json_t *value);

/* What a request came to, in whatever state it is: the result on session->out, the words about a
 * failure on session->err. subject: what it is about, as the user named it, or NULL. Returns the
 * exit status. */
int render_result(const struct session *session, const struct options *options,
                  const json_t *result, const char *subject);

/* Of a result; command: what it is about. (explain.c) */
void render_explanation(FILE *out, const char *command, const json_t *explanation);

/* One line on session->err: "dcm-submit: stop container2635: …", with the rule that decided.
 * command and subject may be NULL. Returns the exit status. */
int render_error(const struct session *session, const char *command, const char *subject,
                 const struct error *reason);

/* Progress, on one line of a terminal: "container2635: queued → placed → starting → done". */
struct progress {
    FILE *out;           /* NULL: nobody watches */
    const char *subject; /* in front of it; may be NULL */
    char last[16];
};
void progress_show(struct progress *progress, const char *phase);
void progress_end(struct progress *progress);

#endif
