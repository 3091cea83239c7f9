#include "submitter/shell_words.h"

#include <stdlib.h>
#include <string.h>

#include "common/auto.h"

#define BLANKS " \t\n"
#define QUOTED_BY_BACKSLASH "$`\"\\" /* between double quotes; before others it is a letter */

/* Both point into a line and into room that is as long: a word is never longer than it was. */
struct scan {
    const char *from;
    char *to;
};

static int take_single(struct scan *scan, struct error *err)
{
    const char *end = strchr(++scan->from, '\'');

    if (!end)
        return fail(err, FAULT_INVALID, "a ' is not closed");
    size_t length = (size_t)(end - scan->from);
    memcpy(scan->to, scan->from, length);
    scan->to += length;
    scan->from = end + 1;
    return 0;
}

/* A backslash with a newline behind it is nothing at all: the line goes on. */
static int take_backslash(struct scan *scan, struct error *err)
{
    scan->from++;
    if (*scan->from == '\0')
        return fail(err, FAULT_INVALID, "there is nothing behind the last \\");
    if (*scan->from != '\n')
        *scan->to++ = *scan->from;
    scan->from++;
    return 0;
}

static int take_double(struct scan *scan, struct error *err)
{
    scan->from++;
    while (*scan->from != '"') {
        if (*scan->from == '\0')
            return fail(err, FAULT_INVALID, "a \" is not closed");
        if (*scan->from == '\\' && scan->from[1] && strchr(QUOTED_BY_BACKSLASH "\n", scan->from[1]))
            take_backslash(scan, NULL);
        else
            *scan->to++ = *scan->from++;
    }
    scan->from++;
    return 0;
}

static int take_letter(struct scan *scan, struct error *err)
{
    (void)err;
    *scan->to++ = *scan->from++;
    return 0;
}

static int take_word(struct scan *scan, struct error *err)
{
    while (*scan->from && !strchr(BLANKS, *scan->from)) {
        int (*take)(struct scan *, struct error *) = *scan->from == '\''   ? take_single
                                                     : *scan->from == '"'  ? take_double
                                                     : *scan->from == '\\' ? take_backslash
                                                                           : take_letter;
        if (take(scan, err) == -1)
            return -1;
    }
    *scan->to++ = '\0';
    return 0;
}

int words_split(const char *line, struct words *ret_words, struct error *err)
{
    size_t length = strlen(line);
    /* Every word but the last has a blank behind it, and so there are never more than this. */
    AUTO(string) char *room = malloc(length + 1);
    char **texts = calloc(length / 2 + 2, sizeof(*texts));
    struct scan scan = {line, room};
    int count = 0;

    if (!room || !texts) {
        free(texts);
        return fail(err, FAULT_INTERNAL, "out of memory");
    }
    while (*(scan.from += strspn(scan.from, BLANKS))) {
        texts[count++] = scan.to;
        if (take_word(&scan, err) == -1) {
            free(texts);
            return -1;
        }
    }
    *ret_words = (struct words){count, texts, TAKE(room)};
    return 0;
}

void words_clear(struct words *words)
{
    free(words->texts);
    free(words->room);
    *words = (struct words){0};
}
