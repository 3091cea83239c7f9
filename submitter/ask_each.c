/* The commands that do one thing to each of their operands. */
#include <stdlib.h>

#include "common/auto.h"
#include "submitter/ask.h"

struct batch {
    struct request *requests;
    const char **subjects;
    size_t count;
};

static void auto_batch(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        request_clear(&batch->requests[i]);
    free(batch->requests);
    free(batch->subjects);
}

/* A faulty operand is a mistake in the command: nothing is asked then. */
static int build(const struct session *session, const struct options *options, enum op op,
                 args_maker *make_args, struct batch *batch, struct error *err)
{
    if (!batch->requests || !batch->subjects)
        return fail(err, FAULT_INTERNAL, "out of memory");
    if (options->id && options->count > 1)
        return fail(err, FAULT_INVALID, "--id is that of one request: name one");
    for (int i = 0; i < options->count; i++) {
        batch->subjects[i] = options->operands[i];
        json_t *args = make_args(session, options, &batch->subjects[i], err);
        if (!args || ask_build(session, options, op, args, &batch->requests[i], err) == -1)
            return -1;
        batch->count++;
    }
    return 0;
}

int ask_each(const struct session *session, const struct options *options,
             const struct command *command, args_maker *make_args)
{
    struct error reason = {0};
    AUTO(batch) struct batch batch = {0};

    batch.requests = calloc((size_t)options->count, sizeof(*batch.requests));
    batch.subjects = calloc((size_t)options->count, sizeof(*batch.subjects));
    if (build(session, options, command->op, make_args, &batch, &reason) == -1)
        return render_error(session, command->name, NULL, &reason);
    return ask_all(session, options, command, batch.requests, batch.subjects, batch.count);
}
