/* limits: what the policy lets the user do, and what of it is used. */
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "submitter/commands.h"
#include "submitter/lists.h"
#include "submitter/render.h"

static bool is_suspension(const json_t *grant)
{
    return strcmp(text_at(grant, "what"), "suspended") == 0;
}

/* The servers on which the user is suspended; new reference. */
static json_t *suspended_on(const json_t *items)
{
    json_t *servers = json_array();
    size_t i;
    json_t *item;

    json_array_foreach(items, i, item)
    {
        if (is_suspension(json_object_get(item, "grant")))
            json_array_append(servers, json_object_get(item, "server"));
    }
    return servers;
}

/* {"limits":{"suspended":[server…],"grants":[…]}}: as items, but each with its server. */
static void print_document(FILE *out, const json_t *items)
{
    json_auto_t *grants = json_array();
    json_auto_t *document =
        json_pack("{s:{s:o, s:O}}", "limits", "suspended", suspended_on(items), "grants", grants);
    size_t i;
    json_t *item;

    json_array_foreach(items, i, item)
    {
        if (is_suspension(json_object_get(item, "grant")))
            continue;
        json_t *grant = json_copy(json_object_get(item, "grant"));
        json_object_set(grant, "server", json_object_get(item, "server"));
        json_array_append_new(grants, grant);
    }
    render_json(out, document);
}

int run_limits(const struct session *session, const struct command *command,
               const struct options *options)
{
    struct error reason = {0};
    json_auto_t *items = NULL;

    if (session->courier->methods->list(session->courier, LIST_LIMITS, &items, &reason) == -1)
        return render_error(session, command->name, NULL, &reason);
    if (options->given & TAKES(OPTION_JSON))
        print_document(session->out, items);
    else if (json_array_size(items) > 0)
        print_limits(session->out, items);
    else
        fprintf(session->err, "%s: no server has told your limits yet\n", session->program);
    return 0;
}
