#include "common/members.h"
#include "submitter/commands.h"
#include "submitter/render.h"
#include "submitter/table.h"

/* The command goes its own way, up to the request: ask_build wraps that into one to explain it. */
int run_explain(const struct session *session, const struct command *command,
                const struct options *options)
{
    (void)command;
    return options->explained->run(session, options->explained, options);
}

/* Refusals in the words of a real one. */
static void print_decisions(FILE *out, const json_t *decisions)
{
    static const char *const headings[] = {"VERDICT", "WHAT", "RULE", "WHY", NULL};
    struct table table;
    size_t i;
    json_t *decision;

    table_begin(&table, headings);
    json_array_foreach(decisions, i, decision)
    {
        bool allowed = flag_at(decision, "allowed");
        table_add(&table, allowed ? "allowed" : "refused");
        table_add(&table, text_at(decision, "what"));
        table_add(&table, text_at(decision, "rule"));
        table_add(&table, text_at(decision, "message"));
    }
    table_end(&table, out);
}

void render_explanation(FILE *out, const char *command, const json_t *explanation)
{
    const json_t *decisions = json_object_get(explanation, "decisions");
    json_int_t omitted = number_at(explanation, "omitted");

    if (json_array_size(decisions) > 0)
        print_decisions(out, decisions);
    if (omitted)
        fprintf(out, "and %" JSON_INTEGER_FORMAT " more\n", omitted);
    fprintf(out, "%s would be %s.\n", command,
            flag_at(explanation, "allowed") ? "allowed" : "refused");
}
