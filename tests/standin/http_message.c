#include "tests/standin/http_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/hex.h"

#define HEAD_MAX 65536
#define BODY_MAX (16L << 20)

void bytes_add(struct bytes *bytes, const void *data, size_t length)
{
    if (length == 0)
        return;
    char *grown = realloc(bytes->data, bytes->length + length);
    if (!grown)
        abort(); /* a test's engine need not survive this */
    memcpy(grown + bytes->length, data, length);
    bytes->data = grown;
    bytes->length += length;
}

void bytes_drop(struct bytes *bytes, size_t length)
{
    if (length == 0)
        return;
    bytes->length -= length;
    memmove(bytes->data, bytes->data + length, bytes->length);
    if (bytes->length == 0) {
        free(bytes->data);
        bytes->data = NULL;
    }
}

/* In place; text only ever shrinks. */
static void decode_percent(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        int byte = *from == '%' ? hex_byte(from + 1) : -1;
        if (byte >= 0) {
            *to++ = (char)byte;
            from += 2;
        } else if (*from == '+') {
            *to++ = ' ';
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

static json_t *parse_query(char *text)
{
    json_t *query = json_object();
    char *rest = text;
    for (char *pair = strsep(&rest, "&"); pair; pair = strsep(&rest, "&")) {
        char *value = pair;
        char *name = strsep(&value, "=");
        decode_percent(name);
        if (value)
            decode_percent(value);
        json_object_set_new(query, name, json_string(value ? value : ""));
    }
    return query;
}

/* Header lines of which only one counts. -1: chunks, which no client of ours sends. */
static long content_length(char *lines)
{
    long length = 0;
    char *rest = lines;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        if (strncasecmp(line, "transfer-encoding:", 18) == 0)
            return -1;
        if (strncasecmp(line, "content-length:", 15) == 0)
            length = strtol(line + 15, NULL, 10);
    }
    return length > BODY_MAX ? -1 : length;
}

ssize_t http_parse(const struct bytes *input, struct http_request *ret_request)
{
    const char *end = input->length ? memmem(input->data, input->length, "\r\n\r\n", 4) : NULL;
    if (!end)
        return input->length > HEAD_MAX ? -1 : 0;

    size_t head_length = (size_t)(end - input->data);
    char *head = strndup(input->data, head_length);
    char *lines = head;
    const char *first = strsep(&lines, "\n");
    char target[2048];
    struct http_request request = {0};
    long body_length = lines ? content_length(lines) : 0;
    int fields = sscanf(first, "%7s %2047s HTTP/1.1", request.method, target);
    free(head);
    if (fields != 2 || body_length < 0)
        return -1;
    if (input->length - head_length - 4 < (size_t)body_length)
        return 0;

    char *query = target;
    const char *path = strsep(&query, "?");
    snprintf(request.path, sizeof(request.path), "%s", path);
    decode_percent(request.path);
    request.query = query ? parse_query(query) : json_object();
    request.body = end + 4;
    request.body_length = (size_t)body_length;
    *ret_request = request;
    return (ssize_t)(head_length + 4) + body_length;
}

void http_head(struct bytes *output, int status, const char *type, ssize_t length)
{
    char head[256];
    int used = snprintf(head, sizeof(head),
                        "HTTP/1.1 %d -\r\nApi-Version: 1.41\r\nServer: dcm-standin\r\n", status);
    if (type)
        used += snprintf(head + used, sizeof(head) - (size_t)used, "Content-Type: %s\r\n", type);
    if (length < 0)
        used += snprintf(head + used, sizeof(head) - (size_t)used,
                         "Transfer-Encoding: chunked\r\n\r\n");
    else if (status == 204 || status == 304) /* RFC 9112, section 6.3: never a body */
        used += snprintf(head + used, sizeof(head) - (size_t)used, "\r\n");
    else
        used += snprintf(head + used, sizeof(head) - (size_t)used, "Content-Length: %zd\r\n\r\n",
                         length);
    bytes_add(output, head, (size_t)used);
}

void http_chunk(struct bytes *output, const void *data, size_t length)
{
    char size[32];
    int used = snprintf(size, sizeof(size), "%zx\r\n", length);
    bytes_add(output, size, (size_t)used);
    bytes_add(output, data, length);
    bytes_add(output, "\r\n", 2);
}
