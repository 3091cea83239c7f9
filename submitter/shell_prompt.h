/*
 * A line from a terminal, with editing, history in memory and completion: the only user of libedit.
 * Every key is taken from libedit and the harmless ones are given back, because among its own
 * are some that start vi(1), and so a shell, or take commands of libedit's.
 */
#ifndef DCM_SUBMITTER_SHELL_PROMPT_H
#define DCM_SUBMITTER_SHELL_PROMPT_H

#include <signal.h>

#include "common/error.h"
#include "submitter/shell_complete.h"

struct prompt_setup {
    const char *text;                         /* "Enter command > "; borrowed, as all here */
    const volatile sig_atomic_t *interrupted; /* drops the line */
    /* Tab: what the last word of the line up to the cursor may become. */
    void (*complete)(const char *before, struct candidates *candidates, void *context);
    void *context;
};
struct prompt;

int prompt_open(const struct prompt_setup *setup, struct prompt **ret_prompt, struct error *err);
void prompt_close(struct prompt *prompt); /* accepts NULL */
static inline void auto_prompt(struct prompt **slot)
{
    prompt_close(*slot);
}

/* The next line, which is good until the next call. NULL: a signal has come, or nothing comes any
 * more. Signals are let in while it waits, and the caller's mask holds again when it returns. */
const char *prompt_read(struct prompt *prompt);
/* Arrow up finds it from now on. */
void prompt_remember(struct prompt *prompt, const char *line);

#endif
