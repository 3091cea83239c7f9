#include "common/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/utf8.h"

/* All that a fault decides, one row each. docs/protocol.md has the codes. */
static const struct {
    const char *code;
    const char *state;
    int exit_status;
    enum fate fate;
} faults[FAULT_COUNT] = {
    [FAULT_NONE] = {"", "done", 0, FATE_SETTLE},
    [FAULT_INVALID] = {"invalid", "failed", 2, FATE_SETTLE},
    [FAULT_DENIED] = {"policy_denied", "refused", 3, FATE_SETTLE},
    [FAULT_QUOTA] = {"quota_exceeded", "refused", 3, FATE_SETTLE},
    [FAULT_NOT_FOUND] = {"not_found", "failed", 4, FATE_SETTLE},
    [FAULT_CONFLICT] = {"conflict", "failed", 1, FATE_SETTLE},
    [FAULT_ENGINE] = {"engine_error", "failed", 1, FATE_SETTLE},
    [FAULT_EXPIRED] = {"expired", "expired", 1, FATE_SETTLE},
    [FAULT_CANCELLED] = {"cancelled", "cancelled", 1, FATE_SETTLE},
    /* The first row with a code is the one that fault_from_code finds. */
    [FAULT_DEPENDENCY] = {"unavailable", "failed", 6, FATE_RETRY},
    [FAULT_UNCONFIRMED] = {"unavailable", "unknown", 7, FATE_RETRY},
    [FAULT_UNFINISHED] = {"unavailable", "running", 5, FATE_RETRY}, /* it has not ended */
    [FAULT_NO_ROOM] = {"unavailable", "refused", 3, FATE_SETTLE},
    [FAULT_INTERNAL] = {"internal", "failed", 1, FATE_PARK},
    [FAULT_UNKNOWN] = {"internal", "unknown", 1, FATE_SETTLE},
};

/* The text goes into JSON, onto terminals and into one line of a log, and may quote an engine, a
 * file or a user: whatever could break one of these becomes a question mark. It also mends a
 * character that truncation has cut in two. */
static void make_printable(char *text)
{
    while (*text) {
        size_t length = utf8_printable(text);
        if (length == 0)
            *text = *text == '\n' || *text == '\t' ? ' ' : '?';
        text += length ? length : 1;
    }
}

/* Formats into a copy first: an argument may well be err->text itself. */
__attribute__((format(printf, 4, 0))) static void
fill(struct error *err, enum fault fault, const char *rule, const char *fmt, va_list arguments)
{
    char text[sizeof(err->text)];

    vsnprintf(text, sizeof(text), fmt, arguments);
    make_printable(text);
    memcpy(err->text, text, sizeof(text));
    if (rule != err->rule)
        snprintf(err->rule, sizeof(err->rule), "%s", rule);
    make_printable(err->rule);
    err->fault = fault;
}

int fail(struct error *err, enum fault fault, const char *fmt, ...)
{
    if (err) {
        va_list arguments;
        va_start(arguments, fmt);
        fill(err, fault, "", fmt, arguments);
        va_end(arguments);
    }
    return -1;
}

int fail_by_rule(struct error *err, enum fault fault, const char *rule, const char *fmt, ...)
{
    if (err) {
        va_list arguments;
        va_start(arguments, fmt);
        fill(err, fault, rule, fmt, arguments);
        va_end(arguments);
    }
    return -1;
}

int fail_while(struct error *err, const char *fmt, ...)
{
    if (err) {
        struct error cause = *err;
        va_list arguments;
        va_start(arguments, fmt);
        fill(err, cause.fault, err->rule, fmt, arguments);
        va_end(arguments);

        size_t used = strlen(err->text);
        snprintf(err->text + used, sizeof(err->text) - used, ": %s", cause.text);
        make_printable(err->text);
    }
    return -1;
}

/* A fault from outside the enumeration is our own mistake. */
static enum fault checked(enum fault fault)
{
    return (unsigned)fault < FAULT_COUNT ? fault : FAULT_INTERNAL;
}

const char *fault_code(enum fault fault)
{
    return faults[checked(fault)].code;
}

enum fault fault_from_code(const char *code)
{
    for (size_t i = FAULT_NONE + 1; code && i < FAULT_COUNT; i++)
        if (strcmp(faults[i].code, code) == 0)
            return (enum fault)i;
    return FAULT_INTERNAL;
}

enum fault fault_of_end(const char *code, const char *state)
{
    for (size_t i = FAULT_NONE + 1; code && state && i < FAULT_COUNT; i++)
        if (strcmp(faults[i].code, code) == 0 && strcmp(faults[i].state, state) == 0)
            return (enum fault)i;
    return fault_from_code(code);
}

const char *fault_state(enum fault fault)
{
    return faults[checked(fault)].state;
}

int fault_exit_status(enum fault fault)
{
    return faults[checked(fault)].exit_status;
}

enum fate fault_fate(enum fault fault)
{
    return faults[checked(fault)].fate;
}
