/*
 * Lines of a file or a pipe, as they come: whoever reads learns when the next one would have to be
 * waited for.
 */
#ifndef DCM_SUBMITTER_LINES_H
#define DCM_SUBMITTER_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

struct lines {
    int fd;        /* borrowed, blocking */
    size_t most;   /* bytes of a line; longer ones come as one of length most + 1 */
    char *buffer;  /* owned, of most + 2 bytes */
    size_t filled; /* bytes of it */
    size_t next;   /* where the next line begins */
    bool skipping; /* the rest of a line that was too long */
    bool ended;
};

int lines_begin(int fd, size_t most, struct lines *ret_lines, struct error *err);
void lines_end(struct lines *lines); /* accepts a zeroed struct */
static inline void auto_lines(struct lines *lines)
{
    lines_end(lines);
}

/* 1 with a line, borrowed until the next call, without its newline and not terminated; 0 at the
 * end; -1 when reading fails, or with FAULT_UNFINISHED when a signal came first. */
int lines_next(struct lines *lines, const char **ret_line, size_t *ret_length, struct error *err);

/* Would lines_next have to wait for whoever writes? */
bool lines_would_wait(const struct lines *lines);

#endif
