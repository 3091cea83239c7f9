/* What a publisher put on the queue: the worker's first look at it, and the link's. And what stands
 * in the queue of messages that were set aside. */
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/parked.h"
#include "schemas/ports.h"
#include "schemas/request.h"
#include "tests/fuzz/fuzz.h"
#include "worker/errand.h"

/* Written and read again it is the same request: what one side signs off, the other understands. */
static void check_round_trip(const struct request *request)
{
    AUTO(string) char *text = NULL;
    AUTO(request) struct request again = {0};
    char hash[REQUEST_HASH_SIZE], hash_again[REQUEST_HASH_SIZE];
    struct error err = {0};

    /* Only escapes may make it longer than a message can be. */
    if (request_encode(request, &text, &err) < 0) {
        fuzz_check_error(&err);
        HOLDS(strstr(err.text, "longer than"));
        return;
    }
    HOLDS(request_decode(text, strlen(text), &again, &err) == 0);
    request_hash(request, hash);
    request_hash(&again, hash_again);
    HOLDS(strcmp(hash, hash_again) == 0);
    HOLDS(again.deadline == request->deadline && again.submitted == request->submitted);
}

static void check_decoded(const struct request *request)
{
    struct ports ports = {0};

    HOLDS(name_is_user(request->user) && identifier_is_valid(request->id));
    HOLDS(request->op < OP_COUNT && json_is_object(request->args));
    HOLDS(ports_from_json(json_object_get(request->args, "ports"), &ports, NULL) == 0);
    HOLDS(ports.count <= PORTS_MAX);
    check_round_trip(request);
}

static void check_parked(const char *bytes, size_t length)
{
    json_auto_t *parked = NULL;
    struct error err = {0};

    if (parked_decode(bytes, length, &parked, &err) < 0) {
        fuzz_check_error(&err);
        return;
    }
    HOLDS(identifier_is_valid(text_at(parked, "id")));
    HOLDS(json_array_size(json_object_get(parked, "attempts")) <= PARKED_ATTEMPTS_MOST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(request) struct request request = {0};
    struct errand errand;
    struct error err = {0};

    check_parked((const char *)data, size);
    errand_read((const char *)data, size, &errand);
    if (request_decode((const char *)data, size, &request, &err) == 0) {
        HOLDS(strcmp(errand.user, request.user) == 0);
        check_decoded(&request);
    } else {
        fuzz_check_error(&err);
        HOLDS(errand.user[0] == '\0' && !request.args);
    }
    return 0;
}
