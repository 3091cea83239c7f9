/* start, stop, restart, pause, unpause, remove */
#include "submitter/ask.h"
#include "submitter/commands.h"

static json_t *args_for_container(const struct session *session, const struct options *options,
                                  const char **operand, struct error *err)
{
    const char *container = *operand;

    (void)session;
    if (!name_is_container_reference(container)) {
        fail(err, FAULT_INVALID, "\"%.40s\" is not a container's name or SSH port", container);
        return NULL;
    }
    json_t *args = json_pack("{s:s}", "container", container);
    if (options->given & TAKES(OPTION_FORCE))
        json_object_set_new(args, "force", json_true());
    return args;
}

int run_lifecycle(const struct session *session, const struct command *command,
                  const struct options *options)
{
    return ask_each(session, options, command, args_for_container);
}
