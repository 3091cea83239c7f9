#include "schemas/units.h"
#include "submitter/commands.h"
#include "submitter/find.h"
#include "submitter/lists.h"
#include "submitter/render.h"

/* The one document of a list: {"containers":[…]}. */
static void print_document(FILE *out, const char *name, json_t *list)
{
    json_auto_t *document = json_pack("{s:O}", name, list);
    render_json(out, document);
}

static void print_ids(FILE *out, const json_t *list, const char *part, const char *name)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        const json_t *object = part ? json_object_get(item, part) : item;
        const char *id = json_string_value(json_object_get(object, name));
        if (id)
            fprintf(out, "%s\n", id);
    }
}

/* A person who sees a bare heading wonders whether something went wrong. */
static void say_none(const struct session *session, const char *words)
{
    if (session->out_is_terminal)
        fprintf(session->err, "%s\n", words);
}

/* Containers as documents: the server that a list knows besides stands in the container too. */
static json_t *containers_of_items(const json_t *items)
{
    json_t *containers = json_array();
    size_t i;
    json_t *item;

    json_array_foreach(items, i, item)
    {
        json_t *container = json_copy(json_object_get(item, "container"));
        json_object_set(container, "server", json_object_get(item, "server"));
        json_array_append_new(containers, container);
    }
    return containers;
}

int run_ps(const struct session *session, const struct command *command,
           const struct options *options)
{
    struct error reason = {0};
    json_auto_t *items = NULL;

    if (session->courier->methods->list(session->courier, LIST_CONTAINERS, &items, &reason) == -1)
        return render_error(session, command->name, NULL, &reason);
    json_auto_t *containers = containers_of_items(items);
    if (options->given & TAKES(OPTION_JSON))
        print_document(session->out, "containers", containers);
    else if (options->given & TAKES(OPTION_QUIET))
        print_ids(session->out, items, "container", "id");
    else if (json_array_size(items) == 0)
        say_none(session, "You have no containers.");
    else
        print_containers(session->out, items, timestamp_now());
    return 0;
}

int run_show(const struct session *session, const struct command *command,
             const struct options *options)
{
    struct error reason = {0};
    json_auto_t *item = NULL;

    if (find_container(session->courier, options->operands[0], &item, &reason) == -1)
        return render_error(session, command->name, NULL, &reason);
    if (options->given & TAKES(OPTION_JSON)) {
        json_object_set_new(item, "v", json_integer(1));
        render_json(session->out, item);
    } else {
        print_container_page(session->out, item, timestamp_now());
    }
    return 0;
}

int run_jobs(const struct session *session, const struct command *command,
             const struct options *options)
{
    struct error reason = {0};
    json_auto_t *requests = NULL;

    if (session->courier->methods->list(session->courier, LIST_REQUESTS, &requests, &reason) == -1)
        return render_error(session, command->name, NULL, &reason);
    if (options->given & TAKES(OPTION_JSON))
        print_document(session->out, "jobs", requests);
    else if (options->given & TAKES(OPTION_QUIET))
        print_ids(session->out, requests, NULL, "request");
    else if (json_array_size(requests) == 0)
        say_none(session, "You have asked for nothing in the last days.");
    else
        print_requests(session->out, requests, timestamp_now());
    return 0;
}

int run_status(const struct session *session, const struct command *command,
               const struct options *options)
{
    struct error reason = {0};
    char id[IDENTIFIER_SIZE];
    json_auto_t *result = NULL;
    const char *text = options->count ? options->operands[0] : NULL;

    if (find_request(session->courier, text, id, &reason) == -1 ||
        session->courier->methods->record(session->courier, id, &result, &reason) == -1)
        return render_error(session, command->name, NULL, &reason);
    if (options->given & TAKES(OPTION_JSON))
        render_json(session->out, result);
    else
        print_request_page(session->out, result);
    return 0;
}
