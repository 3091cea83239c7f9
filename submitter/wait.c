#include "submitter/ask.h"
#include "submitter/commands.h"
#include "submitter/find.h"

/* text: as the user named the request, or NULL for the latest. */
static int wait_for(const struct session *session, const struct options *options, const char *text)
{
    struct error reason = {0};
    char id[IDENTIFIER_SIZE];

    if (find_request(session->courier, text, id, &reason) == -1)
        return render_error(session, "wait", NULL, &reason);
    struct follow_up follow_up = {
        .session = session, .options = options, .id = id, .subject = text};
    return ask_follow(&follow_up);
}

int run_wait(const struct session *session, const struct command *command,
             const struct options *options)
{
    (void)command;
    if (options->count == 0)
        return wait_for(session, options, NULL);

    int first_failure = 0;
    for (int i = 0; i < options->count; i++) {
        int status = wait_for(session, options, options->operands[i]);
        if (first_failure == 0)
            first_failure = status;
    }
    return first_failure;
}
