/*
 * What is between libcurl and the engine client, and included by nobody else: engine_transfer.c
 * prepares the handle and takes what arrives, engine_http.c makes calls and streams of that.
 */
#ifndef DCM_WORKER_ENGINE_TRANSFER_H
#define DCM_WORKER_ENGINE_TRANSFER_H

#include <curl/curl.h>

#include <stdint.h>

#include "worker/engine_private.h"

struct engine {
    CURL *curl;
    char *socket_path;
    bool greeted;            /* its version has been checked since it was last out of reach */
    bool busy;               /* a callback must not come back in: the curl handle is in use */
    bool acted;              /* since engine_mark */
    bool met;                /* nothing speaks against it since engine_meet */
    int socket;              /* of the newest connection; -1: none is open */
    int previous;            /* of the one before it, until that is closed; -1: it is */
    struct metrics *metrics; /* borrowed; NULL: nothing is counted */
};

/* One call or stream, while libcurl runs. */
struct transfer {
    CURL *curl;
    const struct engine_stream *stream; /* NULL: a call */
    struct engine_answer *answer;       /* of a stream: only a refusal */
    int64_t last_turn;
    enum { GOES_ON, ENDED, FAILED } end; /* by us, not by the engine or the connection */
    struct error *err;                   /* filled when we FAILED */
};

/* Set all options of the handle but URL, headers and body. */
int engine_transfer_prepare(struct engine *engine, const struct engine_call *call,
                            struct transfer *transfer, struct error *err);

#endif
