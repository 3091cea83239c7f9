/* What the store has given away: ports and subnets, and whether somebody still has a use for them.
 */
#include <string.h>

#include "common/members.h"
#include "worker/keeper_survey.h"
#include "worker/store_keeper.h"

/* A port of this server's that is leased for a container which no entry shows. */
static int look_at_lease(struct survey *survey, const char *port, const char *address,
                         const json_t *lease, struct error *err)
{
    char key[KEEPER_KEY_SIZE];
    const char *user = text_at(lease, "user"), *name = text_at(lease, "name");
    const char *request = text_at(lease, "request");
    if (!user || !name || !request)
        return 0;
    survey_key(user, name, key);
    const json_t *entry = json_object_get(survey->by_name, key);
    const char *of_entry = text_at(entry, "request");
    const char *of_heir = text_at(json_object_get(entry, "heir"), "request");
    if ((of_entry && strcmp(of_entry, request) == 0) || (of_heir && strcmp(of_heir, request) == 0))
        return 0;
    return survey_add(survey, DIFFERENCE_LEASE,
                      json_pack("{s:s, s:s, s:s, s:s, s:s}", "user", user, "name", name, "request",
                                request, "port", port, "address", address),
                      err);
}

int survey_leases(struct survey *survey, struct error *err)
{
    json_auto_t *ports = NULL;
    const char *port = NULL, *address = NULL;
    json_t *leases = NULL, *lease = NULL;
    if (store_leases(survey->keeper->store, &ports, err) < 0)
        return -1;
    json_object_foreach(ports, port, leases)
    {
        json_object_foreach(leases, address, lease)
        {
            keeper_count_lease(survey->keeper, &survey->census, port, address);
            if (look_at_lease(survey, port, address, lease, err) < 0)
                return -1;
        }
    }
    return 0;
}

static int look_at_holder(struct survey *survey, const char *user, struct error *err)
{
    if (!name_is_user(user) || json_object_get(survey->users, user))
        return 0;
    json_object_set_new(survey->users, user, json_true()); /* once is enough */
    return survey_add(survey, DIFFERENCE_NETWORK, json_pack("{s:s}", "user", user), err);
}

int survey_networks(struct survey *survey, struct error *err)
{
    struct labels expected = {.kind = "network"};
    json_auto_t *networks = NULL;
    json_auto_t *subnets = NULL;
    size_t i = 0;
    const char *subnet = NULL;
    json_t *item = NULL;
    if (engine_network_list(survey->keeper->engine, &networks, err) < 0 ||
        store_subnets(survey->keeper->store, &subnets, err) < 0)
        return -1;
    json_array_foreach(networks, i, item)
    {
        const json_t *labels = json_object_get(item, "Labels");
        const char *user = text_at(labels, "dcm.user");
        if (labels_verify(survey->keeper->keyring, survey->keeper->identity, labels, &expected) &&
            look_at_holder(survey, user ? user : "", err) < 0)
            return -1;
    }
    survey->census.subnets = json_object_size(subnets);
    json_object_foreach(subnets, subnet, item)
    {
        if (look_at_holder(survey, json_string_value(item), err) < 0)
            return -1;
    }
    return 0;
}
