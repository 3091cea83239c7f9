#include "worker/engine.h"

#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "worker/engine_private.h"

/* Of a long message both ends count: what the engine was doing, and what went wrong. The middle is
 * ids. Together they leave room in an error's text for what we were doing. */
#define MESSAGE_HEAD 90
#define MESSAGE_TAIL 110

/* What a refusal means, by its status and by what the message says; the first row that fits. The
 * rows with a text correct Docker 20.10, which does not always choose the status it means. */
static const struct {
    long status;
    const char *says;
    enum fault fault;
} meanings[] = {
    {403, "has active endpoints", FAULT_CONFLICT}, /* a network that is in use */
    {404, "network ", FAULT_ENGINE}, /* a start: the container is there, its network is not */
    {404, "", FAULT_NOT_FOUND},
    {409, "is already in progress", FAULT_DEPENDENCY}, /* a removal, soon done */
    {409, "", FAULT_CONFLICT},
    {500, "is not paused", FAULT_CONFLICT},
    {503, "", FAULT_DEPENDENCY},
};

static enum fault meaning_of(long status, const char *message)
{
    for (size_t i = 0; i < COUNT(meanings); i++)
        if (meanings[i].status == status && strstr(message, meanings[i].says))
            return meanings[i].fault;
    return FAULT_ENGINE;
}

char *engine_message(const struct engine_answer *answer)
{
    json_auto_t *value = json_loadb(answer->bytes ? answer->bytes : "", answer->length, 0, NULL);
    const char *message = text_at(value, "message");

    if (message)
        return strdup(message);
    return answer->bytes ? strndup(answer->bytes, answer->length) : strdup("");
}

/* The first place at or after this one that is not inside a character of UTF-8. */
static size_t boundary(const char *text, size_t at)
{
    while (((unsigned char)text[at] & 0xC0) == 0x80)
        at++;
    return at;
}

int engine_refused(const struct engine_answer *answer, struct error *err)
{
    AUTO(string) char *message = engine_message(answer);
    if (!message)
        return fail(err, FAULT_INTERNAL, "out of memory");

    enum fault fault = meaning_of(answer->status, message);
    size_t length = strlen(message);
    if (length == 0)
        return fail(err, fault, "the engine answers with status %ld", answer->status);
    if (length <= MESSAGE_HEAD + MESSAGE_TAIL)
        return fail(err, fault, "the engine says: %s", message);
    return fail(err, fault, "the engine says: %.*s…%s", (int)boundary(message, MESSAGE_HEAD),
                message, message + boundary(message, length - MESSAGE_TAIL));
}

int engine_decode(const struct engine_answer *answer, json_t **ret_value, struct error *err)
{
    if (!engine_agrees(answer))
        return engine_refused(answer, err);
    json_t *value = json_loadb(answer->bytes ? answer->bytes : "", answer->length, 0, NULL);
    if (!value)
        return fail(err, FAULT_ENGINE, "the engine's answer is not JSON");
    *ret_value = value;
    return 0;
}

static int ask(struct engine *engine, const struct engine_call *call, bool list, json_t **ret_value,
               struct error *err)
{
    AUTO(engine_answer) struct engine_answer answer = {0};
    json_auto_t *value = NULL;

    if (engine_exchange(engine, call, &answer, err) < 0 || engine_decode(&answer, &value, err) < 0)
        return -1;
    if (!(list ? json_is_array(value) : json_is_object(value)))
        return fail(err, FAULT_ENGINE, "the engine's answer is not %s",
                    list ? "a list" : "an object");
    *ret_value = TAKE(value);
    return 0;
}

int engine_ask(struct engine *engine, const struct engine_call *call, json_t **ret_value,
               struct error *err)
{
    return ask(engine, call, false, ret_value, err);
}

/* Anything else must not pass for an empty list, which says that everything has gone. */
int engine_ask_list(struct engine *engine, const struct engine_call *call, json_t **ret_list,
                    struct error *err)
{
    return ask(engine, call, true, ret_list, err);
}

/* "1.41" as a number that compares: 1041. -1 for anything else. */
static long version_number(const char *text)
{
    char *end = NULL;
    long major = text ? strtol(text, &end, 10) : 0;
    if (!text || *end != '.')
        return -1;
    long minor = strtol(end + 1, &end, 10);
    return *end == '\0' && major < 1000 && minor < 1000 ? major * 1000 + minor : -1;
}

int engine_check_version(const struct engine_answer *answer, struct error *err)
{
    json_auto_t *version = json_loadb(answer->bytes ? answer->bytes : "", answer->length, 0, NULL);
    const char *newest = text_at(version, "ApiVersion");
    const char *oldest = text_at(version, "MinAPIVersion");
    long ours = version_number(ENGINE_API);

    if (!engine_agrees(answer) || version_number(newest) < 0)
        return fail(err, FAULT_DEPENDENCY, "what answers is not a Docker engine");
    if (version_number(newest) < ours || version_number(oldest) > ours)
        return fail(err, FAULT_DEPENDENCY,
                    "the Docker engine speaks API %s to %s, DCM needs " ENGINE_API
                    " (Docker 20.10 to 28)",
                    oldest ? oldest : "1.0", newest);
    return 0;
}

int engine_info(struct engine *engine, json_t **ret_info, struct error *err)
{
    const struct engine_call call = {.method = "GET", .path = "/info"};

    return engine_ask(engine, &call, ret_info, err);
}

int engine_identity_of(const json_t *info, char ret_identity[ENGINE_IDENTITY_SIZE],
                       struct error *err)
{
    const char *identity = text_at(info, "ID");
    size_t length = identity ? strlen(identity) : 0;
    if (length == 0 || length >= ENGINE_IDENTITY_SIZE)
        return fail(err, FAULT_ENGINE, "the engine does not say its id");
    for (size_t i = 0; i < length; i++)
        if (identity[i] < ' ' || identity[i] > '~')
            return fail(err, FAULT_ENGINE, "the engine's id is not printable text");
    memcpy(ret_identity, identity, length + 1);
    return 0;
}

int engine_identity(struct engine *engine, char ret_identity[ENGINE_IDENTITY_SIZE],
                    struct error *err)
{
    json_auto_t *info = NULL;

    if (engine_info(engine, &info, err) < 0)
        return -1;
    return engine_identity_of(info, ret_identity, err);
}
