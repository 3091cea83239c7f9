#include "common/members.h"
#include "schemas/units.h"
#include "submitter/commands.h"
#include "submitter/find.h"
#include "submitter/lists.h"
#include "submitter/render.h"

/* A list of the courier's, in the three ways in which it is told. */
struct list {
    enum listing listing;
    const char *name; /* of the one document: {"containers":[…]} */
    const char *part; /* what an item is about, beside its server; NULL: the item itself is */
    const char *id;
    const char *none; /* a person who sees a bare heading wonders whether something went wrong */
    void (*print)(FILE *out, const json_t *items, int64_t now);
};
static const struct list list_of_containers = {
    LIST_CONTAINERS, "containers", "container", "id", "You have no containers.", print_containers};
static const struct list list_of_images = {
    LIST_IMAGES, "images", "image", "id", "There are no images for you.", print_images};
static const struct list list_of_requests = {
    LIST_REQUESTS, "jobs", NULL, "request", "You have asked for nothing in the last days.",
    print_requests};

static int fetch(const struct session *session, const struct list *list, json_t **ret_items,
                 struct error *err)
{
    return session->courier->methods->list(session->courier, list->listing, ret_items, err);
}

/* What the item is about as a document: the server that the item knows stands in it too. */
static json_t *object_of(const struct list *list, json_t *item)
{
    if (!list->part)
        return json_incref(item);
    json_t *object = json_copy(json_object_get(item, list->part));
    json_object_set(object, "server", json_object_get(item, "server"));
    return object;
}

static void print_document(FILE *out, const struct list *list, const json_t *items)
{
    json_auto_t *objects = json_array();
    json_auto_t *document = json_pack("{s:O}", list->name, objects);
    size_t i;
    json_t *item;

    json_array_foreach(items, i, item) json_array_append_new(objects, object_of(list, item));
    render_json(out, document);
}

static void print_ids(FILE *out, const struct list *list, const json_t *items)
{
    size_t i;
    json_t *item;

    json_array_foreach(items, i, item)
    {
        const json_t *object = list->part ? json_object_get(item, list->part) : item;
        const char *id = text_at(object, list->id);
        if (id)
            fprintf(out, "%s\n", id);
    }
}

#define UNNUMBERED (TAKES(OPTION_JSON) | TAKES(OPTION_QUIET))

/* The session's images by number are from now on these. */
static void remember_numbers(const struct session *session, json_t *items)
{
    if (!session->numbered)
        return;
    json_decref(*session->numbered);
    *session->numbered = json_incref(items);
}

static int show_list(const struct session *session, const struct command *command,
                     const struct options *options, const struct list *list)
{
    struct error reason = {0};
    json_auto_t *items = NULL;

    if (fetch(session, list, &items, &reason) == -1)
        return render_error(session, command->name, NULL, &reason);
    if (options->given & TAKES(OPTION_JSON))
        print_document(session->out, list, items);
    else if (options->given & TAKES(OPTION_QUIET))
        print_ids(session->out, list, items);
    else if (json_array_size(items) > 0)
        list->print(session->out, items, timestamp_now());
    else if (session->out_is_terminal)
        fprintf(session->err, "%s\n", list->none);
    if (list->listing == LIST_IMAGES && !(options->given & UNNUMBERED))
        remember_numbers(session, items);
    return 0;
}

int run_ps(const struct session *session, const struct command *command,
           const struct options *options)
{
    return show_list(session, command, options, &list_of_containers);
}

int run_jobs(const struct session *session, const struct command *command,
             const struct options *options)
{
    return show_list(session, command, options, &list_of_requests);
}

int run_images(const struct session *session, const struct command *command,
               const struct options *options)
{
    return show_list(session, command, options, &list_of_images);
}

bool images_propose(const struct session *session)
{
    json_auto_t *items = NULL;

    if (!session->courier || fetch(session, &list_of_images, &items, NULL) == -1 ||
        json_array_size(items) == 0)
        return false;
    print_images(session->err, items, timestamp_now());
    remember_numbers(session, items);
    return true;
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
