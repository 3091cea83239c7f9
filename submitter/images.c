/* images, commit, rmi */
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "schemas/units.h"
#include "submitter/ask.h"
#include "submitter/commands.h"
#include "submitter/lists.h"

static int list_images(const struct session *session, json_t **ret_items, struct error *err)
{
    return session->courier->methods->list(session->courier, LIST_IMAGES, ret_items, err);
}

/* {"images":[…]}, each with the server that a list knows besides. */
static void print_document(FILE *out, const json_t *items)
{
    json_auto_t *images = json_array();
    json_auto_t *document = json_pack("{s:O}", "images", images);
    size_t i;
    json_t *item;

    json_array_foreach(items, i, item)
    {
        json_t *image = json_copy(json_object_get(item, "image"));
        json_object_set(image, "server", json_object_get(item, "server"));
        json_array_append_new(images, image);
    }
    render_json(out, document);
}

int run_images(const struct session *session, const struct command *command,
               const struct options *options)
{
    struct error reason = {0};
    json_auto_t *items = NULL;
    size_t i;
    json_t *item;

    if (list_images(session, &items, &reason) == -1)
        return render_error(session, command->name, NULL, &reason);
    if (options->given & TAKES(OPTION_JSON)) {
        print_document(session->out, items);
    } else if (options->given & TAKES(OPTION_QUIET)) {
        json_array_foreach(items, i, item)
        {
            const json_t *image = json_object_get(item, "image");
            fprintf(session->out, "%s\n", json_string_value(json_object_get(image, "id")));
        }
    } else {
        print_images(session->out, items, timestamp_now());
    }
    return 0;
}

void images_propose(const struct session *session)
{
    json_auto_t *items = NULL;

    /* The mistake is told whether or not there is a list to go with it. */
    if (session->courier && list_images(session, &items, NULL) == 0)
        print_images(session->err, items, timestamp_now());
}

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

/* Nothing is asked while one of the names cannot be an image's. */
static int check_images(const struct options *options, struct error *err)
{
    for (int i = 0; i < options->count; i++)
        if (!name_is_image_reference(options->operands[i]))
            return fail(err, FAULT_INVALID, "\"%.128s\" is not an image's name or id",
                        options->operands[i]);
    if (options->id && options->count > 1)
        return fail(err, FAULT_INVALID, "--id is that of one request: name one image");
    return 0;
}

int run_rmi(const struct session *session, const struct command *command,
            const struct options *options)
{
    struct error reason = {0};
    size_t count = (size_t)options->count, built = 0;
    struct request *requests = calloc(count, sizeof(struct request));
    int status;

    if (!requests)
        fail(&reason, FAULT_INTERNAL, "out of memory");
    else
        check_images(options, &reason);
    while (reason.fault == FAULT_NONE && built < count) {
        json_t *args = json_pack("{s:s}", "image", options->operands[built]);
        if (ask_build(session, options, command->op, args, &requests[built], &reason) == 0)
            built++;
    }
    if (reason.fault != FAULT_NONE)
        status = render_error(session, command->name, NULL, &reason);
    else
        status = ask_all(session, options, command, requests,
                         (const char *const *)options->operands, count);
    while (built > 0)
        request_clear(&requests[--built]);
    free(requests);
    return status;
}
