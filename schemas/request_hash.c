/* Apart from all else about requests: who only asks does without a library for digests. */
#include <stdio.h>
#include <stdlib.h>

#include "common/auto.h"
#include "schemas/digest.h"
#include "schemas/request.h"

/* Sorted by name, as json_digest has it. */
void request_hash(const struct request *request, char ret_hash[REQUEST_HASH_SIZE])
{
    AUTO(string) char *args = json_dumps(request->args, JSON_SORT_KEYS | JSON_COMPACT);
    AUTO(string) char *text = NULL;

    if (!args || asprintf(&text, "{\"args\":%s,\"op\":\"%s\",\"user\":\"%s\"}", args,
                          op_name(request->op), request->user) == -1)
        abort(); /* as json_digest does */
    text_digest(text, ret_hash);
}
