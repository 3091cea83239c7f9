/*
 * A small HTTP server on a Unix socket: one process, one epoll loop, answers from memory. An answer
 * can be held back, never given, or stay open as a stream for what is published later.
 */
#ifndef DCM_STANDIN_HTTP_H
#define DCM_STANDIN_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/standin/http_message.h"

#define HTTP_TOPIC_SIZE 80

struct http_reply {
    int status;
    const char *type;            /* of the content; static */
    struct bytes body;           /* of a stream: what it begins with; the server frees it */
    char topic[HTTP_TOPIC_SIZE]; /* not "": a stream of what is published under this topic */
    long delay_ms;
    bool drop;    /* close the connection instead */
    long away_ms; /* not 0: then close every connection, and take none for so long */
};
typedef void http_handler(const struct http_request *request, struct http_reply *reply,
                          void *context);

struct http_server;

/* Serves until SIGTERM or SIGINT. Returns an exit status. */
int http_serve(const char *socket_path, http_handler *handler, void *context);

/* To every stream of this topic. From within a handler, or not at all. */
void http_publish(const char *topic, const void *data, size_t length);
void http_finish(const char *topic);

/* Have this done in so many milliseconds, whoever is connected then, unless the server goes away
 * meanwhile. The reference is stolen. */
typedef void http_task(void *context, json_t *what);
void http_later(long delay_ms, http_task *task, void *context, json_t *what);

#endif
