#include "submitter/shell_prompt.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "common/auto.h"
#include "submitter/printable.h"
#include "submitter/shell_prompt_private.h"

#define HISTORY_LENGTH 200
#define LIST_MOST 60 /* candidates shown at once */

struct prompt {
    struct prompt_setup setup;
    EditLine *edit;
    History *history;
};

static volatile sig_atomic_t resized;

static void resize(int signal_number)
{
    (void)signal_number;
    resized = 1;
}

static struct prompt *prompt_of(EditLine *edit)
{
    void *data = NULL;
    el_get(edit, EL_CLIENTDATA, &data);
    return data;
}

static char *prompt_text(EditLine *edit)
{
    return (char *)(uintptr_t)prompt_of(edit)->setup.text; /* libedit only reads it */
}

/* ---- a window of another size ---- */

/* How many rows of the line stand above the cursor's. */
static int rows_above(EditLine *edit)
{
    const LineInfo *line = el_line(edit);
    int width = 0;
    long column = (long)strlen(prompt_of(edit)->setup.text) + (line->cursor - line->buffer);

    return el_get(edit, EL_GETTC, "co", &width) == 0 && width > 0 ? (int)(column / width) : 0;
}

/* Write the line anew. Some terminals have wrapped it to the new width, others have not: by going
 * up the fewer rows we wipe out nothing but the line, and in the worst case leave some of it
 * behind. */
static void redraw(EditLine *edit)
{
    const char *up = NULL, *clear = NULL;
    int before = rows_above(edit);

    el_resize(edit);
    int after = rows_above(edit);
    if (el_get(edit, EL_GETTC, "up", &up) == -1 || el_get(edit, EL_GETTC, "cd", &clear) == -1 ||
        !up || !clear)
        return; /* a terminal that only goes on: libedit does what can be done */
    fputc('\r', stdout);
    for (int i = 0; i < before && i < after; i++)
        fputs(up, stdout);
    fputs(clear, stdout);
    el_set(edit, EL_REFRESH);
}

/* ---- reading ---- */

/* Wait for input; -1 with EINTR when a signal came first. Both may be there at once: then poll
 * says input, and a key typed after a change of the window would be drawn for the old one. */
static int wait_for_input(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    sigset_t none, pending;

    sigemptyset(&none);
    int status = ppoll(&input, 1, NULL, &none);
    if (status != -1 && sigpending(&pending) == 0 && sigismember(&pending, SIGWINCH) == 1) {
        sigsuspend(&none); /* runs the handler, and returns */
        return -1;
    }
    return status;
}

/* One byte; 0 at the end, -1 for a signal that ends the line. Signals are blocked outside of
 * wait_for_input(), so none comes between looking at the flag and waiting. */
static int read_byte(EditLine *edit, char *ret_byte)
{
    const struct prompt *prompt = prompt_of(edit);

    for (;;) {
        if (*prompt->setup.interrupted)
            return -1;
        if (resized) {
            resized = 0;
            redraw(edit);
        }
        if (wait_for_input() == -1) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        ssize_t length = read(STDIN_FILENO, ret_byte, 1);
        if (length != -1 || errno != EINTR)
            return (int)length;
    }
}

/* For EL_GETCFN: 1, 0 or -1. Bytes that make no character are passed over. */
static int read_character(EditLine *edit, wchar_t *ret_character)
{
    mbstate_t state = {0};
    char byte;
    int status;

    while ((status = read_byte(edit, &byte)) == 1) {
        size_t length = mbrtowc(ret_character, &byte, 1, &state);
        if (length <= 1)
            return 1;
        if (length == (size_t)-1)
            state = (mbstate_t){0};
    }
    return status;
}

/* ---- completion ---- */

static void show_candidates(const struct candidates *candidates)
{
    fputc('\n', stdout);
    for (size_t i = 0; i < candidates->count && i < LIST_MOST; i++) {
        print_line_part(stdout, candidates->texts[i]);
        fputs(i + 1 < candidates->count ? "  " : "", stdout);
    }
    fputs(candidates->count > LIST_MOST ? "…\n" : "\n", stdout);
    fflush(stdout);
}

/* el_insertstr(3) takes nothing for a mistake. */
static int insert(EditLine *edit, const char *text)
{
    return *text ? el_insertstr(edit, text) : 0;
}

/* Add what all candidates have in common; with nothing to add, show them. */
static unsigned char complete(EditLine *edit, int key)
{
    const struct prompt *prompt = prompt_of(edit);
    const LineInfo *line = el_line(edit);
    AUTO(string) char *before = strndup(line->buffer, (size_t)(line->cursor - line->buffer));
    AUTO(candidates) struct candidates candidates = {0};

    (void)key;
    if (!before)
        return CC_ERROR;
    candidates.stem = "";
    prompt->setup.complete(before, &candidates, prompt->setup.context);
    if (candidates.count == 0)
        return CC_ERROR;

    size_t typed = strlen(candidates.stem), common = candidates_common(&candidates);
    if (candidates.count > 1 && common == typed) {
        show_candidates(&candidates);
        return CC_REDISPLAY;
    }
    candidates.texts[0][common] = '\0';
    if (insert(edit, candidates.texts[0] + typed) == -1 ||
        (candidates.count == 1 && insert(edit, " ") == -1))
        return CC_ERROR;
    return CC_REFRESH;
}

/* ---- life ---- */

static int set_up(struct prompt *prompt)
{
    HistEvent event;

    if (!prompt->history || !prompt->edit ||
        history(prompt->history, &event, H_SETSIZE, HISTORY_LENGTH) == -1 ||
        history(prompt->history, &event, H_SETUNIQUE, 1) == -1)
        return -1;
    return el_set(prompt->edit, EL_CLIENTDATA, prompt) |
           el_set(prompt->edit, EL_PROMPT, prompt_text) |
           el_set(prompt->edit, EL_HIST, history, prompt->history) |
           el_set(prompt->edit, EL_GETCFN, read_character) |
           prompt_bind_keys(prompt->edit, complete);
}

int prompt_open(const struct prompt_setup *setup, struct prompt **ret_prompt, struct error *err)
{
    struct sigaction changed = {.sa_handler = resize};
    AUTO(prompt) struct prompt *prompt = calloc(1, sizeof(*prompt));

    if (!prompt)
        return fail(err, FAULT_INTERNAL, "out of memory");
    prompt->setup = *setup;
    prompt->history = history_init();
    prompt->edit = el_init("dcm", stdin, stdout, stderr);
    if (set_up(prompt) != 0)
        return fail(err, FAULT_INTERNAL, "the line editor does not take its settings");
    sigaction(SIGWINCH, &changed, NULL);
    *ret_prompt = TAKE(prompt);
    return 0;
}

void prompt_close(struct prompt *prompt)
{
    if (!prompt)
        return;
    if (prompt->edit)
        el_end(prompt->edit);
    if (prompt->history)
        history_end(prompt->history);
    free(prompt);
}

const char *prompt_read(struct prompt *prompt)
{
    sigset_t all, before;
    int length = 0;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    const char *line = el_gets(prompt->edit, &length);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return line && length > 0 ? line : NULL;
}

void prompt_remember(struct prompt *prompt, const char *line)
{
    HistEvent event;
    history(prompt->history, &event, H_ENTER, line);
}
