#include <stdlib.h>

#include "common/auto.h"
#include "submitter/ask.h"
#include "submitter/commands.h"

struct batch {
    struct request *requests;
    size_t count;
};

static void auto_batch(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        request_clear(&batch->requests[i]);
    free(batch->requests);
}

static json_t *args_for(const struct options *options, const char *container)
{
    if (options->given & TAKES(OPTION_FORCE))
        return json_pack("{s:s, s:b}", "container", container, "force", 1);
    return json_pack("{s:s}", "container", container);
}

/* A container that cannot be one is a mistake in the command: nothing is asked then. */
static int check_operands(const struct options *options, struct error *err)
{
    for (int i = 0; i < options->count; i++)
        if (!name_is_container_reference(options->operands[i]))
            return fail(err, FAULT_INVALID, "\"%.40s\" is not a container's name or SSH port",
                        options->operands[i]);
    if (options->id && options->count > 1)
        return fail(err, FAULT_INVALID, "--id is that of one request: name one container");
    return 0;
}

int run_lifecycle(const struct session *session, const struct command *command,
                  const struct options *options)
{
    struct error reason = {0};
    size_t count = (size_t)options->count;
    AUTO(batch) struct batch batch = {.requests = calloc(count, sizeof(struct request))};

    if (!batch.requests)
        fail(&reason, FAULT_INTERNAL, "out of memory");
    else
        check_operands(options, &reason);
    while (reason.fault == FAULT_NONE && batch.count < count) {
        json_t *args = args_for(options, options->operands[batch.count]);
        if (ask_build(session, options, command->op, args, &batch.requests[batch.count], &reason) ==
            0)
            batch.count++;
    }
    if (reason.fault != FAULT_NONE)
        return render_error(session, command->name, NULL, &reason);
    return ask_all(session, options, command, batch.requests,
                   (const char *const *)options->operands, count);
}
