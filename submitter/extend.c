#include "common/auto.h"
#include "schemas/units.h"
#include "submitter/ask.h"
#include "submitter/commands.h"

static json_t *args_for(const char *container, const char *duration, struct error *err)
{
    int64_t seconds = 0;

    if (!name_is_container_reference(container)) {
        fail(err, FAULT_INVALID, "\"%.40s\" is not a container's name or SSH port", container);
        return NULL;
    }
    if (duration_parse(duration, &seconds, err) == -1)
        return NULL;
    if (seconds == 0) {
        fail(err, FAULT_INVALID, "%s is too little: use at least 1s", duration);
        return NULL;
    }
    return json_pack("{s:s, s:I}", "container", container, "ttl", (json_int_t)seconds);
}

int run_extend(const struct session *session, const struct command *command,
               const struct options *options)
{
    struct error reason = {0};
    AUTO(request) struct request request = {0};
    const char *container = options->operands[0];
    json_t *args = args_for(container, options->operands[1], &reason);

    if (!args || ask_build(session, options, command->op, args, &request, &reason) == -1)
        return render_error(session, command->name, NULL, &reason);
    return ask_all(session, options, command, &request, &container, 1);
}
