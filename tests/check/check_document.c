/*
 * check_document request|result|event|policy|grant|parked FILE…
 *
 * Reads each file as that kind of document, by the code that the programs use, and prints
 * "FILE: ok" or "FILE: what is wrong". Exits 0 whatever the documents are worth, 2 on misuse.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/error.h"
#include "schemas/event.h"
#include "schemas/fields.h"
#include "schemas/grant.h"
#include "schemas/parked.h"
#include "schemas/policy_document.h"
#include "schemas/request.h"
#include "schemas/result.h"

/* Larger than every kind may be, so that each kind's own bound is what refuses. */
#define FILE_MAX_BYTES (POLICY_MAX_BYTES + 2)

static int check_request(const char *bytes, size_t length, struct error *err)
{
    AUTO(request) struct request request = {0};
    return request_decode(bytes, length, &request, err);
}

/* Results and events come out of the store as C strings, in which no NUL can be. */
static int check_no_nul(const char *bytes, size_t length, struct error *err)
{
    return memchr(bytes, '\0', length) ? fail(err, FAULT_INVALID, "1:1: a NUL byte") : 0;
}

static int check_result(const char *bytes, size_t length, struct error *err)
{
    json_auto_t *result = NULL;
    return check_no_nul(bytes, length, err) || result_decode(bytes, &result, err) ? -1 : 0;
}

static int check_event(const char *bytes, size_t length, struct error *err)
{
    json_auto_t *event = NULL;
    return check_no_nul(bytes, length, err) || event_decode(bytes, &event, err) ? -1 : 0;
}

static int check_policy(const char *bytes, size_t length, struct error *err)
{
    json_auto_t *policy = NULL;
    return policy_document_decode(bytes, length, &policy, err);
}

static int check_grant(const char *bytes, size_t length, struct error *err)
{
    json_auto_t *grant = NULL;
    return json_from_bytes(bytes, length, GRANT_MAX_BYTES, &grant, err) || grant_check(grant, err)
               ? -1
               : 0;
}

static int check_parked(const char *bytes, size_t length, struct error *err)
{
    json_auto_t *parked = NULL;
    return parked_decode(bytes, length, &parked, err);
}

static const struct kind {
    const char *name;
    int (*check)(const char *bytes, size_t length, struct error *err);
} kinds[] = {
    {"request", check_request}, {"result", check_result}, {"event", check_event},
    {"policy", check_policy},   {"grant", check_grant},   {"parked", check_parked},
};

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

static int check_file(const struct kind *kind, const char *path)
{
    AUTO(file) FILE *file = fopen(path, "re");
    AUTO(string) char *bytes = malloc(FILE_MAX_BYTES);
    if (!file || !bytes) {
        perror(path);
        return -1;
    }
    size_t length = fread(bytes, 1, FILE_MAX_BYTES - 1, file);
    bytes[length] = '\0';

    struct error err = {0};
    int failed = kind->check(bytes, length, &err);
    printf("%s: %s\n", path, failed ? err.text : "ok");
    return 0;
}

int main(int argc, char **argv)
{
    const struct kind *kind = argc > 2 ? find_kind(argv[1]) : NULL;
    if (!kind) {
        fprintf(stderr, "usage: check_document request|result|event|policy|grant|parked FILE...\n");
        return 2;
    }
    for (int i = 2; i < argc; i++)
        if (check_file(kind, argv[i]))
            return 2;
    return 0;
}
