/* HTTP over the engine's Unix socket: from a call to its answer. */
#include "worker/engine_transfer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/clock.h"
#include "common/count.h"
#include "common/fault_point.h"

static inline void auto_url(CURLU **slot)
{
    curl_url_cleanup(*slot);
}

static inline void auto_headers(struct curl_slist **slot)
{
    curl_slist_free_all(*slot);
}

void auto_engine_answer(struct engine_answer *answer)
{
    free(answer->bytes);
}

int engine_new(const char *socket_path, struct engine **ret_engine, struct error *err)
{
    AUTO(engine) struct engine *engine = calloc(1, sizeof(*engine));
    if (engine) {
        engine->socket = engine->previous = -1;
        engine->socket_path = strdup(socket_path);
        engine->curl = curl_easy_init();
    }
    if (!engine || !engine->socket_path || !engine->curl)
        return fail(err, FAULT_INTERNAL, "out of memory");
    *ret_engine = TAKE(engine);
    return 0;
}

void engine_free(struct engine *engine)
{
    if (!engine)
        return;
    curl_easy_cleanup(engine->curl);
    free(engine->socket_path);
    free(engine);
}

/* The version's own question is the only one whose path has no version in it: an engine that is
 * too old refuses the others without saying how old it is. */
static int make_url(const struct engine *engine, const struct engine_call *call, CURLU **ret_url,
                    struct error *err)
{
    AUTO(url) CURLU *url = curl_url();
    char path[ENGINE_PATH_SIZE + sizeof("/v" ENGINE_API)];

    snprintf(path, sizeof(path), "%s%s", engine->greeted ? "/v" ENGINE_API : "", call->path);
    bool bad = !url || curl_url_set(url, CURLUPART_URL, "http://localhost", 0) != CURLUE_OK ||
               curl_url_set(url, CURLUPART_PATH, path, CURLU_URLENCODE) != CURLUE_OK;
    for (size_t i = 0; !bad && i < ENGINE_QUERY_MAX && call->query[i]; i++)
        bad = curl_url_set(url, CURLUPART_QUERY, call->query[i],
                           CURLU_APPENDQUERY | CURLU_URLENCODE) != CURLUE_OK;
    if (bad)
        return fail(err, FAULT_INTERNAL, "cannot make a URL of %s", call->path);
    *ret_url = TAKE(url);
    return 0;
}

/* libcurl's own words are about files and peers. */
static const struct {
    CURLcode code;
    const char *text;
} reasons[] = {
    {CURLE_OPERATION_TIMEDOUT, "no answer in time"},
    {CURLE_GOT_NOTHING, "it closed the connection without an answer"},
    {CURLE_PARTIAL_FILE, "the connection broke"},
    {CURLE_RECV_ERROR, "the connection broke"},
    {CURLE_SEND_ERROR, "the connection broke"},
};

static const char *reason_of(CURL *curl, CURLcode code)
{
    long number = 0;
    curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
    if (code == CURLE_COULDNT_CONNECT && number)
        return strerror((int)number);
    for (size_t i = 0; i < COUNT(reasons); i++)
        if (reasons[i].code == code)
            return reasons[i].text;
    return curl_easy_strerror(code);
}

/* What libcurl's verdict means. */
static int conclude(struct engine *engine, const struct transfer *transfer, CURLcode code,
                    struct error *err)
{
    if (transfer->end == FAILED)
        return -1; /* *err is filled */
    if (code == CURLE_OK || transfer->end == ENDED)
        return 0;

    engine->greeted = false; /* another engine may come back in its place */
    return fail(err, FAULT_DEPENDENCY, "the Docker engine at %s: %s", engine->socket_path,
                reason_of(engine->curl, code));
}

void engine_measure(struct engine *engine, struct metrics *metrics)
{
    engine->metrics = metrics;
}

/* What we ended ourselves says nothing against the engine. */
static void measure(const struct engine *engine, const struct transfer *transfer, CURLcode code)
{
    long status = transfer->answer->status;
    bool answered = code == CURLE_OK || transfer->end != GOES_ON;
    const char *kind = NULL;
    if (!answered)
        kind = code == CURLE_OPERATION_TIMEDOUT ? "timeout" : "unreachable";
    else if (status >= 400)
        kind = status >= 500 ? "failed" : "refused";
    metrics_set(engine->metrics, METRIC_ENGINE_UP, NULL, answered);
    metrics_add(engine->metrics, METRIC_ENGINE_ERRORS, kind, NULL);
}

static int perform(struct engine *engine, const struct engine_call *call, struct transfer *transfer,
                   struct error *err)
{
    AUTO(url) CURLU *url = NULL;
    AUTO(headers) struct curl_slist *headers = NULL;
    AUTO(string) char *body = NULL; /* libcurl does not copy it */

    if (make_url(engine, call, &url, err) < 0 ||
        engine_transfer_prepare(engine, call, transfer, err) < 0)
        return -1;
    body = call->body ? json_dumps(call->body, JSON_COMPACT) : strdup("");
    /* libcurl would announce a form, and hold a larger body back for a "100 Continue". */
    headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (!body || !headers || !curl_slist_append(headers, "Expect:") ||
        curl_easy_setopt(engine->curl, CURLOPT_HTTPHEADER, headers) != CURLE_OK ||
        curl_easy_setopt(engine->curl, CURLOPT_CURLU, url) != CURLE_OK)
        return fail(err, FAULT_INTERNAL, "out of memory");
    if (strcmp(call->method, "POST") == 0)
        curl_easy_setopt(engine->curl, CURLOPT_POSTFIELDS, body);

    bool acts = strcmp(call->method, "GET") != 0;
    engine->acted |= acts;
    engine->busy = true;
    if (acts)
        FAULT_POINT("act.before");
    CURLcode code = curl_easy_perform(engine->curl);
    if (acts)
        FAULT_POINT("act.after");
    engine->busy = false;
    curl_easy_getinfo(engine->curl, CURLINFO_RESPONSE_CODE, &transfer->answer->status);
    measure(engine, transfer, code);
    return conclude(engine, transfer, code, err);
}

void engine_mark(struct engine *engine)
{
    engine->acted = false;
}

bool engine_has_acted(const struct engine *engine)
{
    return engine->acted;
}

static int greet(struct engine *engine, struct error *err)
{
    AUTO(engine_answer) struct engine_answer answer = {0};
    struct transfer transfer = {.curl = engine->curl, .answer = &answer, .err = err};
    const struct engine_call call = {.method = "GET", .path = "/version"};

    if (engine->busy)
        return fail(err, FAULT_INTERNAL, "the engine is used from within its own callback");
    if (engine->greeted)
        return 0;
    if (perform(engine, &call, &transfer, err) < 0 || engine_check_version(&answer, err) < 0)
        return -1;
    engine->greeted = true;
    return 0;
}

int engine_exchange(struct engine *engine, const struct engine_call *call,
                    struct engine_answer *ret_answer, struct error *err)
{
    AUTO(engine_answer) struct engine_answer answer = {0};
    struct transfer transfer = {.curl = engine->curl, .answer = &answer, .err = err};

    if (greet(engine, err) < 0 || perform(engine, call, &transfer, err) < 0)
        return -1;
    *ret_answer = answer;
    answer.bytes = NULL;
    return 0;
}

int engine_stream(struct engine *engine, const struct engine_call *call,
                  const struct engine_stream *stream, bool *ret_ended, struct error *err)
{
    AUTO(engine_answer) struct engine_answer refusal = {0};
    struct transfer transfer = {
        .curl = engine->curl, .stream = stream, .answer = &refusal, .err = err};

    if (greet(engine, err) < 0)
        return -1;
    transfer.last_turn = clock_ms();
    if (perform(engine, call, &transfer, err) < 0)
        return -1;
    if (transfer.end != ENDED && !engine_agrees(&refusal))
        return engine_refused(&refusal, err);
    *ret_ended = transfer.end == ENDED;
    return 0;
}
