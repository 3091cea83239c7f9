#include <limits.h>
#include <stdio.h>
#include <wchar.h>

#include "common/count.h"
#include "submitter/shell_prompt_private.h"

/* In bind's notation (editrc(5)). Arrows and others as terminals send them, whatever TERM says. */
static const struct key {
    const char *keys, *does;
} granted[] = {
    {"^A", "ed-move-to-beg"},
    {"^B", "ed-prev-char"},
    {"^D", "em-delete-or-list"},
    {"^E", "ed-move-to-end"},
    {"^F", "ed-next-char"},
    {"^H", "ed-delete-prev-char"},
    {"^I", "dcm-complete"},
    {"^J", "ed-newline"},
    {"^K", "ed-kill-line"},
    {"^L", "ed-clear-screen"},
    {"^M", "ed-newline"},
    {"^N", "ed-next-history"},
    {"^P", "ed-prev-history"},
    {"^R", "em-inc-search-prev"},
    {"^T", "ed-transpose-chars"},
    {"^U", "em-kill-line"},
    {"^W", "ed-delete-prev-word"},
    {"^Y", "em-yank"},
    {"^?", "ed-delete-prev-char"},
    {"\\e[A", "ed-prev-history"},
    {"\\e[B", "ed-next-history"},
    {"\\e[C", "ed-next-char"},
    {"\\e[D", "ed-prev-char"},
    {"\\eOA", "ed-prev-history"},
    {"\\eOB", "ed-next-history"},
    {"\\eOC", "ed-next-char"},
    {"\\eOD", "ed-prev-char"},
    {"\\e[H", "ed-move-to-beg"},
    {"\\e[F", "ed-move-to-end"},
    {"\\e[1~", "ed-move-to-beg"},
    {"\\e[4~", "ed-move-to-end"},
    {"\\e[3~", "ed-delete-next-char"},
    {"\\e[1;5C", "em-next-word"},
    {"\\e[1;5D", "ed-prev-word"},
    {"\\ef", "em-next-word"},
    {"\\eb", "ed-prev-word"},
    {"\\ed", "em-delete-next-word"},
    {"\\e^?", "ed-delete-prev-word"},
};

/* Emacs' keys are a table of 256; above 127 stand its meta keys, and M-x is also the letter ø.
 * Removing a key removes every sequence that begins with it. */
int prompt_bind_keys(EditLine *edit, prompt_completer *complete)
{
    int status = el_set(edit, EL_EDITOR, "emacs");

    for (unsigned c = 1; c < 256; c++) {
        char octal[8];
        wchar_t wide = (wchar_t)c;
        char key[MB_LEN_MAX + 1] = {0};
        mbstate_t state = {0};
        if (c >= ' ' && c < 127)
            continue; /* letters insert themselves */
        if (c < 128)
            snprintf(octal, sizeof(octal), "\\%03o", c);
        else if (wcrtomb(key, wide, &state) == (size_t)-1)
            return -1;
        status |= c < 128 ? el_set(edit, EL_BIND, "-r", octal, NULL)
                          : el_set(edit, EL_BIND, key, "ed-insert", NULL);
    }
    status |= el_set(edit, EL_ADDFN, "dcm-complete", "complete a word", complete);
    for (size_t i = 0; i < COUNT(granted); i++)
        status |= el_set(edit, EL_BIND, granted[i].keys, granted[i].does, NULL);
    return status;
}
