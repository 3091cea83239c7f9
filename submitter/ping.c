#include "common/auto.h"
#include "submitter/ask.h"
#include "submitter/commands.h"

int run_ping(const struct session *session, const struct command *command,
             const struct options *options)
{
    struct error reason = {0};
    AUTO(request) struct request request = {0};

    if (ask_build(session, options, command->op, json_object(), &request, &reason) == -1)
        return render_error(session, command->name, NULL, &reason);
    return ask_all(session, options, command, &request, (const char *[]){NULL}, 1);
}
