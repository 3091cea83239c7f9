/*
 * What a word at the prompt may become: commands, options of the command, containers, images. Pure:
 * what the user has is asked for by whoever calls.
 */
#ifndef DCM_SUBMITTER_SHELL_COMPLETE_H
#define DCM_SUBMITTER_SHELL_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>

#include "submitter/commands.h"

enum completes {
    COMPLETES_NOTHING,
    COMPLETES_COMMAND,
    COMPLETES_OPTION,
    COMPLETES_CONTAINER,
    COMPLETES_IMAGE
};

struct completion {
    enum completes kind;
    const struct command *command; /* that stands before it, or NULL */
    const char *stem;              /* what stands there of the word; borrowed from the line */
};
/* By the line up to the cursor. Nothing within quotes: no name of ours needs any. */
struct completion completion_of(const char *before);

/* Words that begin with the stem, in the order in which they came. */
struct candidates {
    const char *stem; /* borrowed */
    char **texts;     /* owned, and so is each */
    size_t count;
};
/* Kept if it begins with the stem. Without memory it is left out. */
void candidates_add(struct candidates *candidates, const char *prefix, const char *text);
/* What the program itself knows: commands and options, without those that the session withholds. */
void candidates_add_own(struct candidates *candidates, const struct session *session,
                        const struct completion *completion);
/* How long the beginning is that all have. */
size_t candidates_common(const struct candidates *candidates);
void candidates_clear(struct candidates *candidates);
static inline void auto_candidates(struct candidates *candidates)
{
    candidates_clear(candidates);
}

#endif
