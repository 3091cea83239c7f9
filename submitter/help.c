#include "submitter/commands.h"

static void list_commands(const struct session *session, FILE *out)
{
    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &commands[i];
        if (!command_is_offered(session, command))
            continue;
        int width = fprintf(out, "  %s", command->name);
        fprintf(out, "%*s%s", 14 - width, "", command->summary);
        if (*command->synonyms)
            fprintf(out, " (also: %s)", command->synonyms);
        fputc('\n', out);
    }
}

void commands_describe(const struct session *session, FILE *out)
{
    fprintf(out, "usage: %s[OPTION…] COMMAND [ARGUMENT…]\n\n", session->prefix);
    list_commands(session, out);
    fputs("\nOptions of every command:\n", out);
    options_describe(out, TAKES_ALWAYS & ~session->withheld);
    fprintf(out,
            "\nCONTAINER is a container's name or its SSH port. REQUEST is a request's id, or its\n"
            "last 8 or more digits. Durations: 30s, 10m, 8h, 7d. Sizes: 512m, 2g.\n"
            "More about one command: %shelp COMMAND\n",
            session->prefix);
}

void command_describe(const struct session *session, const struct command *command, FILE *out)
{
    fprintf(out, "usage: %s%s [OPTION…]%s%s\n\n  %s\n", session->prefix, command->name,
            *command->operands ? " " : "", command->operands, command->summary);
    if (*command->synonyms)
        fprintf(out, "  Also: %s\n", command->synonyms);
    fputs("\nOptions:\n", out);
    options_describe(out, (command->options | TAKES_ALWAYS) & ~session->withheld);
}

int run_help(const struct session *session, const struct command *command,
             const struct options *options)
{
    (void)command;
    if (options->count == 0) {
        commands_describe(session, session->out);
        return 0;
    }
    const struct command *about = command_find(options->operands[0]);
    if (!about) {
        fprintf(session->err, "%s: there is no command of that name: see %shelp\n",
                session->program, session->prefix);
        return fault_exit_status(FAULT_INVALID);
    }
    command_describe(session, about, session->out);
    return 0;
}

int run_list(const struct session *session, const struct command *command,
             const struct options *options)
{
    (void)command, (void)options;
    list_commands(session, session->out);
    fputs("your containers: ps\n", session->out);
    return 0;
}

int run_exit(const struct session *session, const struct command *command,
             const struct options *options)
{
    (void)command, (void)options;
    if (session->leave)
        *session->leave = true;
    return 0;
}
