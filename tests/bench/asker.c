/*
 * A client of the gate that keeps its connection: each line is the args of a request (none: empty),
 * and the turn lasts until its result has come.
 *
 *   bench-asker SOCKET USER OP
 */
#include <stdio.h>

#include "common/auto.h"
#include "schemas/result.h"
#include "schemas/units.h"
#include "submitter/courier.h"
#include "submitter/follow.h"
#include "tests/bench/turns.h"

#define SUBMIT_MS 4000

struct asker {
    struct courier *courier;
    const char *user;
    enum op op;
};

static int check_done(const json_t *result, struct error *err)
{
    struct error fault = {0};
    if (result_fault(result, &fault) == FAULT_NONE)
        return 0;
    return fail(err, fault.fault, "%s: %s", result_state(result), fault.text);
}

static int ask(const char *line, void *context, struct error *err)
{
    const struct asker *asker = context;
    AUTO(request) struct request request = {.op = asker->op, .submitted = timestamp_now()};
    json_auto_t *result = NULL;

    identifier_new(request.id);
    snprintf(request.user, sizeof request.user, "%s", asker->user);
    request.args = *line ? json_loads(line, 0, NULL) : json_object();
    if (!request.args)
        return fail(err, FAULT_INVALID, "these are no args: %s", line);
    courier_foresee(asker->courier, request.id, follow_pace.wait_ms);
    if (asker->courier->methods->submit(asker->courier, &request, 1, SUBMIT_MS, err) < 0)
        return -1;
    struct following following = {.courier = asker->courier,
                                  .id = request.id,
                                  .submitted = true,
                                  .fresh = true,
                                  .request = &request,
                                  .pace = &follow_pace};
    return follow(&following, &result, err) < 0 ? -1 : check_done(result, err);
}

int main(int argc, char **argv)
{
    struct error err = {0};
    AUTO(courier) struct courier *courier = NULL;
    struct asker asker = {0};

    if (argc != 4 || op_from_name(argv[3], &asker.op) < 0) {
        fprintf(stderr, "usage: bench-asker SOCKET USER OP\n");
        return 2;
    }
    if (courier_gate_open(argv[1], NULL, &courier, &err) < 0)
        return turns_refuse(&err);
    asker.courier = courier;
    asker.user = argv[2];
    return turns_serve(ask, &asker);
}
