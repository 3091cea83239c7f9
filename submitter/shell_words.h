/*
 * A line as the words that a shell would make of it (POSIX, Shell Command Language, section 2.2):
 * blanks separate, and single quotes, double quotes and backslashes quote. That is all: nothing is
 * expanded, and `;`, `|`, `$` or `>` are letters like others. Pure.
 */
#ifndef DCM_SUBMITTER_SHELL_WORDS_H
#define DCM_SUBMITTER_SHELL_WORDS_H

#include "common/error.h"

struct words {
    int count;
    char **texts; /* NULL-terminated */
    char *room;   /* that the texts stand in */
};

/* FAULT_INVALID: a quote is not closed, or a backslash has nothing behind it. */
int words_split(const char *line, struct words *ret_words, struct error *err);
void words_clear(struct words *words); /* accepts zeroed ones */
static inline void auto_words(struct words *words)
{
    words_clear(words);
}

#endif
