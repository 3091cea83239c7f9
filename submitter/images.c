/* commit, rmi: users' own images */
#include "common/auto.h"
#include "submitter/ask.h"
#include "submitter/commands.h"
#include "submitter/find.h"

int run_commit(const struct session *session, const struct command *command,
               const struct options *options)
{
    struct error reason = {0};
    AUTO(request) struct request request = {0};
    const char *container = options->operands[0], *name = options->operands[1];
    bool replace = (options->given & TAKES(OPTION_REPLACE)) != 0;

    if (!name_is_container_reference(container))
        fail(&reason, FAULT_INVALID, "\"%.40s\" is not a container's name or SSH port", container);
    else if (!name_is_image(name))
        fail(&reason, FAULT_INVALID, "\"%.128s\" is not an image's name", name);
    if (reason.fault != FAULT_NONE)
        return render_error(session, command->name, NULL, &reason);
    json_t *args = json_pack("{s:s, s:s, s:o*, s:s*}", "container", container, "name", name,
                             "replace", replace ? json_true() : NULL, "message", options->message);
    if (ask_build(session, options, command->op, args, &request, &reason) == -1)
        return render_error(session, command->name, NULL, &reason);
    return ask_all(session, options, command, &request, &container, 1);
}

static json_t *args_for_image(const struct session *session, const struct options *options,
                              const char **text, struct error *err)
{
    const char *image = NULL;

    (void)options;
    if (find_image(session, *text, &image, err) == -1)
        return NULL;
    *text = image_called(session, *text);
    return json_pack("{s:s}", "image", image);
}

int run_rmi(const struct session *session, const struct command *command,
            const struct options *options)
{
    return ask_each(session, options, command, args_for_image);
}
