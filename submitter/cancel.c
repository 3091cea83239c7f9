#include "common/auto.h"
#include "submitter/ask.h"
#include "submitter/commands.h"
#include "submitter/find.h"

int run_cancel(const struct session *session, const struct command *command,
               const struct options *options)
{
    const char *const *operands = (const char *const *)options->operands;
    struct error reason = {0};
    char id[IDENTIFIER_SIZE];
    AUTO(request) struct request request = {0};

    if (find_request(session->courier, operands[0], id, &reason) == -1 ||
        ask_build(session, options, command->op, json_pack("{s:s}", "request", id), &request,
                  &reason) == -1)
        return render_error(session, command->name, NULL, &reason);
    return ask_all(session, options, command, &request, operands, 1);
}
