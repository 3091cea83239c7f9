#include "submitter/shell_complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "submitter/shell_words.h"

/* By how a command's operands begin, as usage shows them. */
static const struct source {
    const char *operand;
    enum completes kind;
} sources[] = {
    {"CONTAINER", COMPLETES_CONTAINER},
    {"IMAGE", COMPLETES_IMAGE},
    {"[COMMAND]", COMPLETES_COMMAND},
    {"COMMAND…", COMPLETES_COMMAND},
};

/* Behind the first operand stands another of its kind ("CONTAINER…") or something else. */
static enum completes kind_of_operand(const struct command *command, int before)
{
    const char *dots = strstr(command->operands, "…");

    if (before > 0 && (!dots || dots > strchrnul(command->operands, ' ')))
        return COMPLETES_NOTHING;
    for (size_t i = 0; i < COUNT(sources); i++)
        if (strncmp(command->operands, sources[i].operand, strlen(sources[i].operand)) == 0)
            return sources[i].kind;
    return COMPLETES_NOTHING;
}

/* The word is an option whose value is the next word. */
static bool awaits_value(const char *word)
{
    if (strcmp(word, "-p") == 0)
        return true;
    if (strncmp(word, "--", 2) != 0)
        return false;
    for (enum option i = 0; i < OPTION_COUNT; i++)
        if (strcmp(word + 2, option_name(i)) == 0)
            return option_value(i) != NULL;
    return false;
}

/* What follows `explain` is a command line itself. */
static bool is_explain(const char *name)
{
    const struct command *command = command_find(name);
    return command && command->op == OP_POLICY_EXPLAIN;
}

/* What comes behind these words? */
static enum completes kind_after(const struct words *words, const char *stem,
                                 const struct command **ret_command)
{
    const char *name = NULL;
    int operands = 0;

    for (int i = 0; i < words->count; i++) {
        if (strcmp(words->texts[i], "--") == 0)
            return COMPLETES_NOTHING;
        if (awaits_value(words->texts[i]) && ++i == words->count)
            return COMPLETES_NOTHING;
        if (words->texts[i][0] == '-')
            continue;
        if (!name || is_explain(name))
            name = words->texts[i];
        else
            operands++;
    }
    *ret_command = name ? command_find(name) : NULL;
    if (name && !*ret_command)
        return COMPLETES_NOTHING;
    if (stem[0] == '-')
        return COMPLETES_OPTION;
    return name ? kind_of_operand(*ret_command, operands) : COMPLETES_COMMAND;
}

struct completion completion_of(const char *before)
{
    struct completion completion = {.stem = before + strlen(before)};
    AUTO(words) struct words words = {0};

    while (completion.stem > before && completion.stem[-1] != ' ')
        completion.stem--;
    AUTO(string) char *done = strndup(before, (size_t)(completion.stem - before));
    if (done && completion.stem[strcspn(completion.stem, "'\"\\")] == '\0' &&
        words_split(done, &words, NULL) == 0)
        completion.kind = kind_after(&words, completion.stem, &completion.command);
    return completion;
}

void candidates_add(struct candidates *candidates, const char *prefix, const char *text)
{
    AUTO(string) char *whole = NULL;

    if (asprintf(&whole, "%s%s", prefix, text) == -1) {
        whole = NULL;
        return;
    }
    if (strncmp(whole, candidates->stem, strlen(candidates->stem)) != 0)
        return;
    char **texts = reallocarray(candidates->texts, candidates->count + 1, sizeof(*texts));
    if (!texts)
        return;
    candidates->texts = texts;
    texts[candidates->count++] = TAKE(whole);
}

/* Behind `explain` those that make a request. */
static void add_commands(struct candidates *candidates, const struct session *session,
                         const struct command *before)
{
    bool explains = before && before->op == OP_POLICY_EXPLAIN;

    for (size_t i = 0; i < command_count; i++)
        if (command_is_offered(session, &commands[i]) &&
            (!explains || command_is_explained(&commands[i])))
            candidates_add(candidates, "", commands[i].name);
}

static void add_options(struct candidates *candidates, const struct session *session,
                        const struct command *command)
{
    option_set set = (command ? command->options : 0) | TAKES_ALWAYS;

    for (enum option i = 0; i < OPTION_COUNT; i++)
        if (set & ~session->withheld & TAKES(i))
            candidates_add(candidates, "--", option_name(i));
}

void candidates_add_own(struct candidates *candidates, const struct session *session,
                        const struct completion *completion)
{
    if (completion->kind == COMPLETES_COMMAND)
        add_commands(candidates, session, completion->command);
    if (completion->kind == COMPLETES_OPTION)
        add_options(candidates, session, completion->command);
}

size_t candidates_common(const struct candidates *candidates)
{
    size_t length = candidates->count ? strlen(candidates->texts[0]) : 0;

    for (size_t i = 1; i < candidates->count; i++) {
        size_t same = 0;
        while (same < length && candidates->texts[0][same] == candidates->texts[i][same])
            same++;
        length = same;
    }
    return length;
}

void candidates_clear(struct candidates *candidates)
{
    for (size_t i = 0; i < candidates->count; i++)
        free(candidates->texts[i]);
    free(candidates->texts);
    *candidates = (struct candidates){0};
}
