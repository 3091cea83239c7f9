/* Reservations, leases and index entries (schemas/store/30_containers.lua to 40_reserve.lua). */
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/units.h"
#include "worker/store_containers.h"
#include "worker/store_keeper.h"
#include "worker/store_private.h"

/* So many random ports are tried before the range is searched: in one that is 90 % full, 29 of 30
 * reservations find theirs at random. */
#define RANDOM_TRIES 32

/* New reference, or NULL. */
static json_t *random_numbers(struct error *err)
{
    uint32_t numbers[RANDOM_TRIES];
    if (getrandom(numbers, sizeof(numbers), 0) != (ssize_t)sizeof(numbers)) {
        fail(err, FAULT_INTERNAL, "the system gives no random bytes");
        return NULL;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < RANDOM_TRIES; i++)
        json_array_append_new(list, json_integer(numbers[i]));
    return list;
}

static json_t *list_of_texts(const char *const *texts)
{
    json_t *list = json_array();
    for (; *texts; texts++)
        json_array_append_new(list, json_string(*texts));
    return list;
}

char *store_wish_text(const struct wish *wish, struct error *err)
{
    if (!wish->addresses[0] || wish->first_port > wish->last_port) {
        fail(err, FAULT_INTERNAL, "this server has no addresses, or no SSH ports");
        return NULL;
    }
    char created[TIMESTAMP_SIZE];
    timestamp_format(timestamp_now(), created);
    json_t *random = random_numbers(err);
    if (!random)
        return NULL;

    /* clang-format off */
    json_auto_t *document = json_pack(
        "{s:s*, s:s, s:s, s:o, s:o, s:i, s:i, s:I, s:I, s:I, s:I, s:o, s:o,"
        " s:{s:I, s:I, s:I, s:I}, s:{s:s*, s:s*, s:s*, s:s*}}",
        "name", wish->name,
        "image", wish->image,
        "created", created,
        "ports", ports_to_json(wish->ports),
        "addresses", list_of_texts(wish->addresses),
        "first_port", (int)wish->first_port,
        "last_port", (int)wish->last_port,
        "memory", (json_int_t)wish->memory,
        "millicpus", (json_int_t)wish->millicpus,
        "pids", (json_int_t)wish->pids,
        "subnets", (json_int_t)wish->subnets,
        "avoid", wish->avoid ? ports_to_json(wish->avoid) : json_array(),
        "random", random,
        "most",
            "containers", (json_int_t)wish->most_containers,
            "memory", (json_int_t)wish->most_memory,
            "millicpus", (json_int_t)wish->most_millicpus,
            "pids", (json_int_t)wish->most_pids,
        "rules",
            "containers", wish->containers_rule,
            "memory", wish->memory_rule,
            "millicpus", wish->millicpus_rule,
            "pids", wish->pids_rule);
    /* clang-format on */
    return store_text(document, err);
}

static int read_reservation(const json_t *answer, struct reservation *ret_reservation,
                            struct error *err)
{
    struct reservation reservation = {0};
    const char *name = NULL;
    const json_t *ports = NULL;
    json_error_t where;
    int ssh_port = 0;
    int subnet = 0;
    /* json_unpack_ex wants the value unqualified, and leaves it as it is. */
    json_auto_t *copy = json_deep_copy(answer);
    if (json_unpack_ex(copy, &where, 0, "{s:s, s:i, s:i, s:o}", "name", &name, "ssh_port",
                       &ssh_port, "subnet", &subnet, "ports", &ports))
        return fail(err, FAULT_INTERNAL, "the store's reservation: %s", where.text);
    if (ports_from_json(ports, &reservation.ports, err))
        return fail_while(err, "the store's reservation");
    snprintf(reservation.name, sizeof(reservation.name), "%s", name);
    reservation.ssh_port = (uint16_t)ssh_port;
    reservation.subnet = (unsigned)subnet;
    *ret_reservation = reservation;
    return 0;
}

int store_reserve_for(struct store *store, const struct request *request, const struct wish *wish,
                      int64_t life_ms, struct reservation *ret_reservation, struct error *err)
{
    AUTO(string) char *text = store_wish_text(wish, err);
    if (!text)
        return -1;
    char life[24];
    snprintf(life, sizeof(life), "%" PRId64, life_ms);
    struct containers_call call = {
        .function = "reserve",
        .user = request->user,
        .request_id = request->id,
        .first = life,
        .second = text,
    };
    json_auto_t *answer = NULL;
    if (store_call_containers(store, &call, &answer, err))
        return -1;
    return read_reservation(answer, ret_reservation, err);
}

int store_reserve(struct store *store, const struct request *request, const struct wish *wish,
                  struct reservation *ret_reservation, struct error *err)
{
    return store_reserve_for(store, request, wish, RESERVATION_S * INT64_C(1000), ret_reservation,
                             err);
}

int store_bind(struct store *store, const struct request *request, const json_t *container,
               struct error *err)
{
    const char *name = text_at(container, "name");
    AUTO(string) char *text = store_text(container, err);
    if (!name || !text)
        return fail(err, FAULT_INTERNAL, "a container without a name cannot be bound");
    struct containers_call call = {
        .function = "bind",
        .user = request->user,
        .request_id = request->id,
        .first = name,
        .second = text,
    };
    return store_call_containers(store, &call, NULL, err);
}

int store_set_state(struct store *store, const char *user, const char *name, const char *state,
                    struct error *err)
{
    struct containers_call call = {
        .function = "state",
        .user = user,
        .first = name,
        .second = state,
    };
    return store_call_containers(store, &call, NULL, err);
}

int store_set_waiting(struct store *store, const char *user, const char *name, const char *address,
                      struct error *err)
{
    struct containers_call call = {
        .function = "state",
        .user = user,
        .first = name,
        .second = "stopped",
        .third = address,
    };
    return store_call_containers(store, &call, NULL, err);
}

int store_set_expires(struct store *store, const char *user, const char *name,
                      const json_t *expires, struct error *err)
{
    const char *text = json_string_value(expires);
    struct containers_call call = {
        .function = "expires",
        .user = user,
        .first = name,
        .second = text ? text : "",
    };
    return store_call_containers(store, &call, NULL, err);
}

int store_release(struct store *store, const char *user, const char *name, const char *request_id,
                  bool *ret_last, struct error *err)
{
    struct containers_call call = {
        .function = "release",
        .user = user,
        .request_id = request_id,
        .first = name,
    };
    json_auto_t *answer = NULL;
    if (store_call_containers(store, &call, &answer, err))
        return -1;
    if (ret_last)
        *ret_last = flag_at(answer, "last");
    return 0;
}

int store_abandon(struct store *store, const char *user, const char *name, const char *request_id,
                  struct error *err)
{
    struct containers_call call = {
        .function = "abandon",
        .user = user,
        .request_id = request_id,
        .first = name,
    };
    return store_call_containers(store, &call, NULL, err);
}

int store_restore(struct store *store, const char *user, const json_t *entry, unsigned subnet,
                  struct error *err)
{
    json_auto_t *complete = json_deep_copy(entry);
    const char *name = NULL;
    const char *request_id = NULL;
    if (json_unpack(complete, "{s:s, s:{s:s}}", "request", &request_id, "container", "name", &name))
        return fail(err, FAULT_INTERNAL, "an entry without request and name cannot be restored");
    if (json_object_set_new(complete, "subnet", json_integer(subnet)))
        return fail(err, FAULT_INTERNAL, "out of memory");
    AUTO(string) char *text = store_text(complete, err);
    if (!text)
        return -1;
    struct containers_call call = {
        .function = "restore",
        .user = user,
        .request_id = request_id,
        .first = name,
        .second = text,
    };
    return store_call_containers(store, &call, NULL, err);
}
