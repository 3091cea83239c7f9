#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "submitter/ask.h"
#include "submitter/commands.h"
#include "submitter/find.h"
#include "submitter/follow.h"

struct reading {
    const struct session *session;
    const struct options *options;
};

static int print_output(const json_t *event, void *context)
{
    const struct reading *reading = context;
    const char *kind = text_at(event, "kind");

    if (!kind || strcmp(kind, "output") != 0)
        return 0;
    return ask_print_output(reading->session, reading->options, event);
}

/* What a request has written: so far, or with --follow to its end. */
static int print_request(const struct session *session, const struct options *options,
                         const char *id)
{
    struct error reason = {0};
    json_auto_t *result = NULL;
    struct reading reading = {session, options};
    struct following following = {
        .courier = session->courier,
        .id = id,
        .until = ask_until(session, options),
        .interrupted = session->interrupted,
        .pace = &follow_pace,
        .heed = print_output,
        .context = &reading,
    };

    int status = options->given & TAKES(OPTION_FOLLOW) ? follow(&following, &result, &reason)
                                                       : follow_past(&following, &reason);
    if (status == 0)
        return 0;
    if (reason.fault == FAULT_UNFINISHED && (*session->interrupted || ferror(session->out)))
        return fault_exit_status(FAULT_UNFINISHED);
    return render_error(session, "logs", id, &reason);
}

static int print_container(const struct session *session, const struct command *command,
                           const struct options *options, const char *container)
{
    struct error reason = {0};
    AUTO(request) struct request request = {0};
    json_t *follows = options->given & TAKES(OPTION_FOLLOW) ? json_true() : NULL;
    json_t *tail = options->given & TAKES(OPTION_TAIL) ? json_integer(options->tail) : NULL;
    json_t *args =
        json_pack("{s:s, s:o*, s:o*}", "container", container, "follow", follows, "tail", tail);

    if (ask_build(session, options, command->op, args, &request, &reason) == -1)
        return render_error(session, command->name, container, &reason);
    return ask_all(session, options, command, &request, &container, 1);
}

/* 0, and *ret_id "" for a container. Whoever has both a container and a request of that name means
 * the container: the request has a longer one too. */
static int choose(const struct session *session, const char *text, char ret_id[IDENTIFIER_SIZE],
                  struct error *err)
{
    json_auto_t *item = NULL;

    ret_id[0] = '\0';
    if (!looks_like_request(text))
        return 0; /* the worker will say what is wrong with it */
    if (name_is_container_reference(text) &&
        find_container(session->courier, text, &item, NULL) == 0)
        return 0;
    return find_request(session->courier, text, ret_id, err);
}

int run_logs(const struct session *session, const struct command *command,
             const struct options *options)
{
    struct error reason = {0};
    char id[IDENTIFIER_SIZE];
    const char *text = options->operands[0];
    json_auto_t *result = NULL;

    if (choose(session, text, id, &reason) == -1)
        return render_error(session, command->name, NULL, &reason);
    if (id[0] == '\0')
        return print_container(session, command, options, text);
    if (options->explained) {
        fail(&reason, FAULT_INVALID, "what a request has written is read without asking");
        return render_error(session, command->name, text, &reason);
    }
    if (session->courier->methods->record(session->courier, id, &result, &reason) == -1)
        return render_error(session, command->name, NULL, &reason);
    return print_request(session, options, id);
}
