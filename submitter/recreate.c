#include <string.h>

#include "common/auto.h"
#include "submitter/ask.h"
#include "submitter/commands.h"

/* The ports that are to take the present ones' place. NULL with *err clear: they stay. */
static json_t *ports_wanted(const struct options *options, struct error *err)
{
    struct ports ports;
    bool is_alone = options->count == 2 && options->ports.count == 0;

    if (is_alone && strcmp(options->operands[1], "none") == 0)
        return json_array();
    if (options_ports(options, &ports, err) == -1)
        return NULL;
    return ports.count ? ports_to_json(&ports) : NULL;
}

int run_recreate(const struct session *session, const struct command *command,
                 const struct options *options)
{
    struct error reason = {0};
    AUTO(request) struct request request = {0};
    const char *container = options->operands[0];

    if (!name_is_container_reference(container)) {
        fail(&reason, FAULT_INVALID, "\"%.40s\" is not a container's name or SSH port", container);
        return render_error(session, command->name, NULL, &reason);
    }
    json_t *ports = ports_wanted(options, &reason);
    if (reason.fault != FAULT_NONE)
        return render_error(session, command->name, NULL, &reason);
    json_t *args = json_pack("{s:s, s:o*}", "container", container, "ports", ports);
    if (ask_build(session, options, command->op, args, &request, &reason) == -1)
        return render_error(session, command->name, NULL, &reason);
    return ask_all(session, options, command, &request, &container, 1);
}
