/*
 * Inside the engine client: one connection and the two ways to use it, a call with an answer and a
 * stream. engine_http.c has them (and libcurl, with engine_transfer.c), engine.c judges answers,
 * and engine_containers.c, engine_networks.c and engine_streams.c say what is asked. Nothing else
 * includes this file.
 */
#ifndef DCM_WORKER_ENGINE_PRIVATE_H
#define DCM_WORKER_ENGINE_PRIVATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "worker/engine.h"

#define ENGINE_PATH_SIZE 256
#define ENGINE_QUERY_MAX 6

/* What only our own containers and networks carry; their lists are filtered by it. */
#define ENGINE_OURS "filters={\"label\":[\"dcm.v=1\"]}"

struct engine_call {
    const char *method;
    const char *path; /* below the API's version; plain text, escaped on the way */
    const char *query[ENGINE_QUERY_MAX]; /* "name=value", plain text too */
    const json_t *body;
    long timeout_s; /* 0: ENGINE_TIMEOUT_S. Streams have none */
};

struct engine_answer {
    long status;
    char *bytes;
    size_t length;
};
void auto_engine_answer(struct engine_answer *answer);

/* What the engine answers, whatever its status is. FAULT_DEPENDENCY: there was no whole answer. */
int engine_exchange(struct engine *engine, const struct engine_call *call,
                    struct engine_answer *ret_answer, struct error *err);

/* Of the answer to GET /version: does it speak our version of the API? */
int engine_check_version(const struct engine_answer *answer, struct error *err);

/* Fill *err from an answer that is a refusal and return -1. */
int engine_refused(const struct engine_answer *answer, struct error *err);
/* The text of a refusal, "" if there is none. New string, NULL if out of memory. */
char *engine_message(const struct engine_answer *answer);

static inline bool engine_agrees(const struct engine_answer *answer)
{
    return answer->status / 100 == 2 || answer->status == 304; /* 304: it is so already */
}

/* The JSON of an answer; a refusal is a failure. New reference. */
int engine_decode(const struct engine_answer *answer, json_t **ret_value, struct error *err);
/* Exchange and decode: an object, a list. FAULT_ENGINE for anything else. */
int engine_ask(struct engine *engine, const struct engine_call *call, json_t **ret_value,
               struct error *err);
int engine_ask_list(struct engine *engine, const struct engine_call *call, json_t **ret_list,
                    struct error *err);

/* A stream of bytes. Either function returns 0 to go on, 1 to end the stream, which is success, or
 * -1 with *err filled. */
struct engine_stream {
    int (*piece)(const void *data, size_t length, void *context, struct error *err);
    int (*turn)(void *context, struct error *err); /* about once a second */
    void *context;
};
/* *ret_ended says that the caller ended it, not the engine. */
int engine_stream(struct engine *engine, const struct engine_call *call,
                  const struct engine_stream *stream, bool *ret_ended, struct error *err);

/* "dcm.<user>" and "dcm.<user>.<container>". */
bool engine_is_network_name(const char *text);
bool engine_is_container_name(const char *text);
/* "dcm.local/<user>/<name>:<tag>", a user's own image. */
bool engine_is_image_name(const char *text);

#endif
