#include "common/auto.h"
#include "submitter/ask.h"
#include "submitter/commands.h"
#include "submitter/find.h"
#include "submitter/run_options.h"

/* Who names no image is shown those that there are. */
static int propose_images(const struct session *session, struct error *err)
{
    bool numbered = images_propose(session) && session->numbered;
    return fail(err, FAULT_INVALID, "create needs an image: %screate IMAGE [PORT…]%s",
                session->prefix, numbered ? ", where IMAGE may be a number of that list" : "");
}

static json_t *number_or_null(int64_t number)
{
    return number ? json_integer(number) : NULL;
}

/* NULL: a text is not UTF-8. */
static json_t *args_of(const struct options *options, const char *image, const struct ports *ports)
{
    json_auto_t *args =
        json_pack("{s:s, s:s*, s:s*, s:s*, s:o*}", "image", image, "name", options->name, "address",
                  options->address, "server", options->server, "ports",
                  ports->count ? ports_to_json(ports) : NULL);
    json_auto_t *amounts =
        json_pack("{s:o*, s:o*, s:o*, s:o*}", "millicpus", number_or_null(options->millicpus),
                  "memory", number_or_null(options->memory), "pids", number_or_null(options->pids),
                  "ttl", number_or_null(options->ttl_s));
    json_auto_t *run = run_options_args(options);
    bool failed = !args || !amounts || !run || json_object_update(args, amounts) ||
                  json_object_update(args, run);

    return failed ? NULL : TAKE(args);
}

int run_create(const struct session *session, const struct command *command,
               const struct options *options)
{
    struct error reason = {0};
    struct ports ports;
    const char *image = NULL; /* borrowed */
    AUTO(request) struct request request = {0};

    if (options->count == 0)
        propose_images(session, &reason);
    else
        find_image(session, options->operands[0], &image, &reason);
    if (reason.fault != FAULT_NONE)
        return render_error(session, NULL, NULL, &reason);
    if (options_ports(options, &ports, &reason) == -1)
        return render_error(session, command->name, NULL, &reason);

    const char *subject =
        options->name ? options->name : image_called(session, options->operands[0]);
    json_t *args = args_of(options, image, &ports);
    if (ask_build(session, options, command->op, args, &request, &reason) == -1)
        return render_error(session, command->name, NULL, &reason);
    return ask_all(session, options, command, &request, &subject, 1);
}
