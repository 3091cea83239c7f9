/* HTTP/1.1 messages as a client of ours writes them: whole requests with a Content-Length. */
#ifndef DCM_STANDIN_HTTP_MESSAGE_H
#define DCM_STANDIN_HTTP_MESSAGE_H

#include <jansson.h>
#include <stddef.h>
#include <sys/types.h>

struct bytes {
    char *data;
    size_t length;
};
void bytes_add(struct bytes *bytes, const void *data, size_t length);
void bytes_drop(struct bytes *bytes, size_t length); /* from the front */

struct http_request {
    char method[8];
    char path[512];   /* decoded, without the query */
    json_t *query;    /* object of strings */
    const char *body; /* borrowed from the bytes that were parsed */
    size_t body_length;
};
/* The bytes that the request takes, 0 if it is not whole yet, -1 if it is no request of ours. On
 * success request->query is the caller's. */
ssize_t http_parse(const struct bytes *input, struct http_request *ret_request);

/* Head of an answer: length -1 announces chunks. */
void http_head(struct bytes *output, int status, const char *type, ssize_t length);
void http_chunk(struct bytes *output, const void *data, size_t length); /* length 0: the last */

#endif
