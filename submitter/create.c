#include <string.h>

#include "common/auto.h"
#include "submitter/ask.h"
#include "submitter/commands.h"

static int check_image(const struct session *session, const struct options *options,
                       struct error *err)
{
    const char *image = options->count > 0 ? options->operands[0] : NULL;

    if (!image)
        return fail(err, FAULT_INVALID, "create needs an image: %screate IMAGE [PORT…]",
                    session->prefix);
    if (name_is_image_reference(image))
        return 0;
    if (image[strspn(image, "0123456789")] == '\0')
        return fail(err, FAULT_INVALID, "\"%.40s\" is a number: use the image's name", image);
    return fail(err, FAULT_INVALID, "\"%.128s\" is not an image's name or id", image);
}

/* Ports stand behind the image, or behind -p. */
static int collect_ports(const struct options *options, struct ports *ports, struct error *err)
{
    *ports = options->ports;
    for (int i = 1; i < options->count; i++)
        if (ports_parse(options->operands[i], ports, err) == -1)
            return -1;
    return 0;
}

static json_t *number_or_null(int64_t number)
{
    return number ? json_integer(number) : NULL;
}

int run_create(const struct session *session, const struct command *command,
               const struct options *options)
{
    struct error reason = {0};
    struct ports ports;
    AUTO(request) struct request request = {0};

    if (check_image(session, options, &reason) == -1) {
        if (options->count == 0)
            images_propose(session);
        return render_error(session, NULL, NULL, &reason);
    }
    if (collect_ports(options, &ports, &reason) == -1)
        return render_error(session, command->name, NULL, &reason);

    const char *image = options->operands[0];
    json_t *args = json_pack(
        "{s:s, s:s*, s:s*, s:s*, s:o*, s:o*, s:o*, s:o*}", "image", image, "name", options->name,
        "address", options->address, "server", options->server, "millicpus",
        number_or_null(options->millicpus), "memory", number_or_null(options->memory), "pids",
        number_or_null(options->pids), "ports", ports.count ? ports_to_json(&ports) : NULL);
    if (ask_build(session, options, command->op, args, &request, &reason) == -1)
        return render_error(session, command->name, NULL, &reason);
    return ask_all(session, options, command, &request,
                   (const char *[]){options->name ? options->name : image}, 1);
}
