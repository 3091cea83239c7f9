/* A request as text: the message's body. */
#include "schemas/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "schemas/formats.h"

/* By hand but for the args: the rest are words that need no quoting, as the tables of a request's
 * fields see to, and a tree of them would cost ten times as much as the text. */
int request_write(const struct request *request, char **ret_text, struct error *err)
{
    char submitted[TIMESTAMP_SIZE], deadline[TIMESTAMP_SIZE];
    bool has_deadline = request->deadline != 0;
    AUTO(string) char *args = json_dumps(request->args, JSON_COMPACT);
    char *text = NULL;

    timestamp_format(request->submitted, submitted);
    timestamp_format(request->deadline, deadline);
    if (!args ||
        asprintf(&text,
                 "{\"v\":%d,\"id\":\"%s\",\"op\":\"%s\",\"user\":\"%s\",\"submitted\":\"%s\""
                 "%s%s%s%s,\"args\":%s}",
                 REQUEST_VERSION, request->id, op_name(request->op), request->user, submitted,
                 has_deadline ? ",\"deadline\":\"" : "", has_deadline ? deadline : "",
                 has_deadline ? "\"" : "", request->batch ? ",\"class\":\"batch\"" : "",
                 args) == -1)
        return fail(err, FAULT_INTERNAL, "out of memory");
    *ret_text = text;
    if (strlen(text) <= REQUEST_MAX_BYTES)
        return 0;
    free(TAKE(*ret_text));
    return fail(err, FAULT_INVALID, "longer than %d bytes", REQUEST_MAX_BYTES);
}

/* What request_write takes for words. */
static int check_words(const struct request *request, struct error *err)
{
    static const struct field word_fields[] = {
        {.name = "id", .required = true, REQUEST_ID},
        {.name = "user", .required = true, USER},
    };
    static const struct shape word_shape = SHAPE(word_fields);
    json_auto_t *words = json_pack("{s:s, s:s}", "id", request->id, "user", request->user);

    if (!words)
        return fail(err, FAULT_INVALID, "the request is not text in UTF-8");
    return fields_check(words, &word_shape, "", err);
}

int request_encode(const struct request *request, char **ret_text, struct error *err)
{
    AUTO(request) struct request again = {0};
    AUTO(string) char *text = NULL;

    if (check_words(request, err) == -1 || request_write(request, &text, err) == -1 || !text ||
        request_decode(text, strlen(text), &again, err) == -1)
        return -1;
    *ret_text = TAKE(text);
    return 0;
}
