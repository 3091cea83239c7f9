#include "common/log.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "common/count.h"
#include "common/utf8.h"

static const struct {
    const char *name;
    const char *prefix; /* sd-daemon(3) */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", SD_ERR},
    [LOG_LEVEL_WARNING] = {"warning", SD_WARNING},
    [LOG_LEVEL_INFO] = {"info", SD_INFO},
    [LOG_LEVEL_DEBUG] = {"debug", SD_DEBUG},
};
#define LEVELS COUNT(levels)

static struct {
    const char *program;
    const char *part;
    char request[64];
    enum log_level threshold;
    bool to_journal;
    bool gathers;
} state = {.program = "dcm", .threshold = LOG_LEVEL_INFO};

/* One line, one write: up to PIPE_BUF bytes, lines of several processes never mix (pipe(7)). */
struct line {
    size_t length;
    bool full;
    char bytes[PIPE_BUF];
};

static struct line gathered; /* whole lines, as one */

/* JOURNAL_STREAM survives into children whose stderr leads elsewhere: compare (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char actual[64];
    struct stat status;

    if (!stream || fstat(STDERR_FILENO, &status) < 0)
        return false;
    snprintf(actual, sizeof(actual), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    return strcmp(stream, actual) == 0;
}

void log_open(const char *program, enum log_level threshold)
{
    state.program = program;
    state.threshold = threshold;
    state.to_journal = stderr_is_journal();
}

void log_part(const char *part)
{
    state.part = part;
}

void log_request(const char *id)
{
    snprintf(state.request, sizeof(state.request), "%s", id ? id : "");
}

bool log_level_parse(const char *text, enum log_level *ret_level)
{
    for (size_t i = 0; i < LEVELS; i++) {
        if (strcmp(levels[i].name, text) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* What does not fit is dropped with all that follows; two bytes stay free for the line's end. */
static void add(struct line *line, const char *bytes, size_t length)
{
    line->full = line->full || length > sizeof(line->bytes) - 2 - line->length;
    if (line->full)
        return;
    memcpy(line->bytes + line->length, bytes, length);
    line->length += length;
}

static void add_text(struct line *line, const char *text)
{
    add(line, text, strlen(text));
}

/* The contents of a quoted value. */
static void add_escaped(struct line *line, const char *text)
{
    while (*text) {
        size_t length = utf8_printable(text);
        char escape[5];

        if (length == 0)
            snprintf(escape, sizeof(escape), "\\x%02x", (unsigned char)*text);
        else if (*text == '"' || *text == '\\')
            snprintf(escape, sizeof(escape), "\\%c", *text);
        else
            escape[0] = '\0';

        if (escape[0])
            add_text(line, escape);
        else
            add(line, text, length);
        text += length ? length : 1;
    }
}

/* Bare where logfmt allows it, so that people can read and grep the usual fields. */
static void add_field(struct line *line, const char *name, const char *value)
{
    bool bare = value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789-_.:/")] == '\0';

    add_text(line, " ");
    add_text(line, name);
    add_text(line, bare ? "=" : "=\"");
    add_escaped(line, value);
    if (!bare)
        add_text(line, "\"");
}

static void add_time(struct line *line)
{
    struct timespec now;
    struct tm parts;
    char text[64];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(text, sizeof(text), "time=%Y-%m-%dT%H:%M:%S", &parts);
    add_text(line, text);
    snprintf(text, sizeof(text), ".%03ldZ", now.tv_nsec / 1000000);
    add_text(line, text);
}

/* A log that cannot be written is no reason to stop working. */
static void write_lines(const struct line *lines)
{
    ssize_t written;

    do
        written = write(STDERR_FILENO, lines->bytes, lines->length);
    while (written < 0 && errno == EINTR);
}

void log_gather(void)
{
    state.gathers = true;
}

void log_release(void)
{
    state.gathers = false;
    if (gathered.length > 0)
        write_lines(&gathered);
    gathered.length = 0;
}

static void gather(const struct line *line)
{
    if (gathered.length + line->length > sizeof(gathered.bytes)) {
        write_lines(&gathered);
        gathered.length = 0;
    }
    memcpy(gathered.bytes + gathered.length, line->bytes, line->length);
    gathered.length += line->length;
}

__attribute__((format(printf, 2, 0))) static void log_line(enum log_level level, const char *fmt,
                                                           va_list arguments)
{
    if (level > state.threshold)
        return;

    int saved_errno = errno; /* callers may log first and look at errno then */
    struct line line = {0};
    char message[2048];

    vsnprintf(message, sizeof(message), fmt, arguments);
    if (state.to_journal)
        add_text(&line, levels[level].prefix);
    add_time(&line);
    add_field(&line, "level", levels[level].name);
    add_field(&line, "program", state.program);
    if (state.part)
        add_field(&line, "part", state.part);
    if (state.request[0])
        add_field(&line, "request", state.request);
    add_text(&line, " msg=\"");
    add_escaped(&line, message);
    memcpy(line.bytes + line.length, "\"\n", 2);
    line.length += 2;
    if (state.gathers)
        gather(&line);
    else
        write_lines(&line);
    errno = saved_errno;
}

/* Four functions, one body: va_start needs the variadic function's own frame. */
#define DEFINE_LOG(function, level)                                                                \
    void function(const char *fmt, ...)                                                            \
    {                                                                                              \
        va_list arguments;                                                                         \
        va_start(arguments, fmt);                                                                  \
        log_line(level, fmt, arguments);                                                           \
        va_end(arguments);                                                                         \
    }

DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)
