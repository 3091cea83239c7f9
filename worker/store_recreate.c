/* A container that is made anew with other ports (schemas/store/45_recreate.lua). */
#include "common/auto.h"
#include "common/members.h"
#include "worker/store_containers.h"
#include "worker/store_private.h"

static char *wish_text(const struct ports *wanted, const char *const *addresses, struct error *err)
{
    json_t *list = json_array();
    for (; *addresses; addresses++)
        json_array_append_new(list, json_string(*addresses));
    json_auto_t *wish = json_pack("{s:I, s:o, s:o}", "life", RESERVATION_S * (json_int_t)1000,
                                  "ports", ports_to_json(wanted), "addresses", list);
    return store_text(wish, err);
}

int store_consider_ports(struct store *store, const struct request *request, const char *name,
                         const struct ports *wanted, const char *const *addresses,
                         struct error *err)
{
    AUTO(string) char *text = wish_text(wanted, addresses, err);
    if (!text)
        return -1;
    struct containers_call call = {
        .function = "consider_ports",
        .user = request->user,
        .request_id = request->id,
        .first = name,
        .second = text,
    };
    return store_call_containers(store, &call, NULL, err);
}

int store_reserve_ports(struct store *store, const struct request *request, const char *name,
                        const struct ports *wanted, const char *const *addresses,
                        struct ports *ret_ports, struct error *err)
{
    AUTO(string) char *text = wish_text(wanted, addresses, err);
    if (!text)
        return -1;
    struct containers_call call = {
        .function = "reserve_ports",
        .user = request->user,
        .request_id = request->id,
        .first = name,
        .second = text,
    };
    json_auto_t *answer = NULL;
    if (store_call_containers(store, &call, &answer, err))
        return -1;
    if (ports_from_json(json_object_get(answer, "ports"), ret_ports, err))
        return fail_while(err, "the store's reservation");
    return 0;
}

int store_release_ports(struct store *store, const struct request *request, const char *name,
                        struct error *err)
{
    struct containers_call call = {
        .function = "release_ports",
        .user = request->user,
        .request_id = request->id,
        .first = name,
    };
    return store_call_containers(store, &call, NULL, err);
}

int store_replace(struct store *store, const struct request *request, const json_t *container,
                  struct error *err)
{
    const char *name = text_at(container, "name");
    AUTO(string) char *text = store_text(container, err);
    if (!name || !text)
        return fail(err, FAULT_INTERNAL, "a container without a name replaces none");
    struct containers_call call = {
        .function = "replace",
        .user = request->user,
        .request_id = request->id,
        .first = name,
        .second = text,
    };
    return store_call_containers(store, &call, NULL, err);
}
