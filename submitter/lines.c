#include "submitter/lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int lines_begin(int fd, size_t most, struct lines *ret_lines, struct error *err)
{
    char *buffer = malloc(most + 2);

    if (!buffer)
        return fail(err, FAULT_INTERNAL, "out of memory");
    *ret_lines = (struct lines){.fd = fd, .most = most, .buffer = buffer};
    return 0;
}

void lines_end(struct lines *lines)
{
    free(lines->buffer);
    *lines = (struct lines){.fd = -1};
}

static char *find_newline(const struct lines *lines)
{
    return memchr(lines->buffer + lines->next, '\n', lines->filled - lines->next);
}

bool lines_would_wait(const struct lines *lines)
{
    struct pollfd input = {.fd = lines->fd, .events = POLLIN};

    return !lines->ended && !find_newline(lines) && poll(&input, 1, 0) == 0;
}

/* Room for at least one more byte: a line that fills the whole buffer has been handed out. */
static int fill(struct lines *lines, struct error *err)
{
    ssize_t got;

    memmove(lines->buffer, lines->buffer + lines->next, lines->filled - lines->next);
    lines->filled -= lines->next;
    lines->next = 0;
    got = read(lines->fd, lines->buffer + lines->filled, lines->most + 2 - lines->filled);
    if (got < 0 && errno == EINTR)
        return fail(err, FAULT_UNFINISHED, "interrupted");
    if (got < 0)
        return fail(err, FAULT_INVALID, "cannot be read: %s", strerror(errno));
    lines->filled += (size_t)got;
    lines->ended = got == 0;
    return 0;
}

/* What is there of the line, up to its newline or to where it is too long. */
static bool take(struct lines *lines, const char **ret_line, size_t *ret_length)
{
    const char *newline = find_newline(lines);
    size_t length = lines->filled - lines->next;
    bool too_long = !newline && length > lines->most;

    if (!newline && !too_long && !(lines->ended && length > 0))
        return false;
    *ret_line = lines->buffer + lines->next;
    *ret_length = newline ? (size_t)(newline - *ret_line) : length;
    lines->next += *ret_length + (newline ? 1 : 0);
    lines->skipping = too_long;
    return true;
}

/* False: more of it is still to come. */
static bool skip(struct lines *lines)
{
    const char *newline = find_newline(lines);

    lines->next = newline ? (size_t)(newline - lines->buffer) + 1 : lines->filled;
    lines->skipping = !newline && !lines->ended;
    return !lines->skipping;
}

int lines_next(struct lines *lines, const char **ret_line, size_t *ret_length, struct error *err)
{
    for (;;) {
        if ((!lines->skipping || skip(lines)) && take(lines, ret_line, ret_length))
            return 1;
        if (lines->ended)
            return 0;
        if (fill(lines, err) == -1)
            return -1;
    }
}
