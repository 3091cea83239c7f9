#include "worker/verdicts.h"

#include <stdarg.h>
#include <stdio.h>

#define WHAT_SIZE 512

void verdicts_begin(struct verdicts *ret_verdicts, bool strict)
{
    *ret_verdicts = (struct verdicts){.list = json_array(), .strict = strict};
}

void verdicts_clear(struct verdicts *verdicts)
{
    json_decref(verdicts->list);
    *verdicts = (struct verdicts){0};
}

static void take_down(struct verdicts *verdicts, const char *what, const char *rule,
                      const char *message)
{
    json_auto_t *verdict = json_pack("{s:s, s:b, s:s*, s:s*}", "what", what, "allowed", !message,
                                     "rule", *rule ? rule : NULL, "message", message);
    size_t bytes = json_dumpb(verdict, NULL, 0, JSON_COMPACT) + 1; /* and a comma */

    verdicts->refused |= message != NULL;
    if (!verdict || verdicts->bytes + bytes > VERDICTS_BYTES) {
        verdicts->omitted++;
        return;
    }
    verdicts->bytes += bytes;
    json_array_append(verdicts->list, verdict);
}

int verdict_allowed(struct verdicts *verdicts, const char *rule, const char *what, ...)
{
    char text[WHAT_SIZE];
    va_list arguments;

    if (!verdicts)
        return 0;
    va_start(arguments, what);
    vsnprintf(text, sizeof(text), what, arguments);
    va_end(arguments);
    take_down(verdicts, text, rule, NULL);
    return 0;
}

int verdict_refused(struct verdicts *verdicts, const struct error *err, const char *what, ...)
{
    char text[WHAT_SIZE];
    va_list arguments;

    if (!verdicts || verdicts->strict || fault_fate(err->fault) != FATE_SETTLE)
        return -1;
    va_start(arguments, what);
    vsnprintf(text, sizeof(text), what, arguments);
    va_end(arguments);
    take_down(verdicts, text, err->rule, err->text[0] ? err->text : fault_code(err->fault));
    return 0;
}

void verdict_heard(const char *what, const char *rule, const struct error *refusal, void *context)
{
    if (refusal)
        take_down(context, what, refusal->rule, refusal->text);
    else
        take_down(context, what, rule, NULL);
}
