#include "submitter/options.h"

#include <stdbool.h>
#include <string.h>

#include "submitter/commands.h"
#include "submitter/options_private.h"

/* Where we are in it. */
struct line {
    struct options *options;
    int argc, next;
    char **argv;
};

/* attached: what stands in the same word as the option, or NULL. */
static int take_option(struct line *line, enum option which, const char *attached,
                       struct error *err)
{
    const char *name = option_name(which), *value = attached;

    if (option_value(which) && !value) {
        if (line->next == line->argc)
            return fail(err, FAULT_INVALID, "--%s needs a value: --%s %s", name, name,
                        option_value(which));
        value = line->argv[line->next++];
    }
    return option_take(which, value, line->options, err);
}

/* word: "name" or "name=value". */
static int take_long(struct line *line, const char *word, struct error *err)
{
    size_t length = strcspn(word, "=");
    const char *attached = word[length] == '=' ? word + length + 1 : NULL;

    for (enum option i = 0; i < OPTION_COUNT; i++) {
        const char *name = option_name(i);
        if (strncmp(name, word, length) != 0 || name[length] != '\0')
            continue;
        if (attached && !option_value(i))
            return fail(err, FAULT_INVALID, "--%s takes no value", name);
        return take_option(line, i, attached, err);
    }
    return fail(err, FAULT_INVALID, "there is no option --%.*s: see help", (int)length, word);
}

/* letters: "d", "dq", "p80", or "p" with its value in the next word. */
static int take_letters(struct line *line, const char *letters, struct error *err)
{
    while (*letters) {
        enum option which = 0;
        while (which < OPTION_COUNT && option_letter(which) != *letters)
            which++;
        if (which == OPTION_COUNT)
            return fail(err, FAULT_INVALID, "there is no option -%c: see help", *letters);
        letters++;
        if (option_value(which))
            return take_option(line, which, *letters ? letters : NULL, err);
        if (take_option(line, which, NULL, err) == -1)
            return -1;
    }
    return 0;
}

/* Options are taken as they come; other words are moved to the front of argv. */
static int split(struct line *line, int *ret_words, struct error *err)
{
    int words = 0;
    bool only_words = false;

    while (line->next < line->argc) {
        char *word = line->argv[line->next++];
        int status = 0;
        if (only_words || word[0] != '-' || word[1] == '\0')
            line->argv[words++] = word;
        else if (strcmp(word, "--") == 0)
            only_words = true;
        else if (word[1] == '-')
            status = take_long(line, word + 2, err);
        else
            status = take_letters(line, word + 1, err);
        if (status == -1)
            return -1;
    }
    *ret_words = words;
    return 0;
}

/* What is to be explained is a command line itself. */
static int take_explained(struct options *options, struct error *err)
{
    const struct command *command = command_find(options->operands[0]);

    if (!command)
        return fail(err, FAULT_INVALID, "there is no command \"%s\": see help",
                    options->operands[0]);
    if (!command_is_explained(command))
        return fail(err, FAULT_INVALID, "%s makes no request that a rule could refuse",
                    command->name);
    options->explained = command;
    options->operands++;
    options->count--;
    return 0;
}

/* also: what may stand on the line for another reason. */
static int check_command(const struct options *options, const struct command *command,
                         option_set also, struct error *err)
{
    option_set foreign = options->given & ~(command->options | also | TAKES_ALWAYS);

    for (enum option i = 0; i < OPTION_COUNT; i++)
        if (foreign & TAKES(i))
            return fail(err, FAULT_INVALID, "%s takes no --%s: see help %s", command->name,
                        option_name(i), command->name);
    if (options->given & TAKES(OPTION_HELP))
        return 0;
    /* The gate takes the user from the kernel: there is nothing that it could be told. */
    if (options->as && !options->config)
        return fail(err, FAULT_INVALID, "--as needs --config: through the gate you are yourself");
    if (options->count < command->least)
        return fail(err, FAULT_INVALID, "%s needs more: %s %s", command->name, command->name,
                    command->operands);
    if (options->count > command->most)
        return fail(err, FAULT_INVALID, "%s takes no \"%s\": %s %s", command->name,
                    options->operands[command->most], command->name, command->operands);
    return 0;
}

int options_parse(int argc, char *argv[], struct options *ret_options, struct error *err)
{
    struct line line = {.options = ret_options, .argc = argc, .argv = argv};
    int words = 0;

    *ret_options = (struct options){0};
    if (split(&line, &words, err) == -1)
        return -1;
    if (words == 0)
        return 0;
    ret_options->command = command_find(argv[0]);
    if (!ret_options->command)
        return fail(err, FAULT_INVALID, "there is no command \"%s\": see help", argv[0]);
    ret_options->operands = argv + 1;
    ret_options->count = words - 1;
    if (ret_options->command->op != OP_POLICY_EXPLAIN || ret_options->count == 0)
        return check_command(ret_options, ret_options->command, 0, err);
    if (take_explained(ret_options, err) == -1)
        return -1;
    return check_command(ret_options, ret_options->explained, ret_options->command->options, err);
}

int options_ports(const struct options *options, struct ports *ret_ports, struct error *err)
{
    *ret_ports = options->ports;
    for (int i = 1; i < options->count; i++)
        if (ports_parse(options->operands[i], ret_ports, err) == -1)
            return -1;
    return 0;
}
