/* The full comparison of containers, entries, leases and networks: what differs, as items for
 * keeper_settle.c. Nothing is changed here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "schemas/result.h"
#include "schemas/units.h"
#include "worker/describe.h"
#include "worker/keeper_private.h"
#include "worker/requests/requests.h"
#include "worker/store_keeper.h"

/* All that is compared. */
struct survey {
    struct runner *keeper;
    bool rebuilding;
    json_t *entries;    /* of this server, with "user" */
    json_t *by_id;      /* of these the bound ones, by the container's id */
    json_t *by_name;    /* all, by "user/name" */
    json_t *containers; /* the engine's list */
    json_t *in_engine;  /* the engine's names of these: true */
    json_t *ids;        /* and their ids */
    json_t *users;      /* who has entries or containers here */
    struct keeper_census census;
    json_t *found;
};

static void survey_clear(struct survey *survey)
{
    json_decref(survey->entries);
    json_decref(survey->by_id);
    json_decref(survey->by_name);
    json_decref(survey->containers);
    json_decref(survey->in_engine);
    json_decref(survey->ids);
    json_decref(survey->users);
    json_decref(survey->found);
}
static inline void auto_survey(struct survey *survey)
{
    survey_clear(survey);
}

static const char *engine_name_in(const json_t *listed)
{
    const char *name = json_string_value(json_array_get(json_object_get(listed, "Names"), 0));
    return name && name[0] == '/' ? name + 1 : "";
}

static void index_key(const char *user, const char *name, char ret_key[KEEPER_KEY_SIZE])
{
    snprintf(ret_key, KEEPER_KEY_SIZE, "%s/%s", user, name);
}

/* Entries first: one that is bound was in the engine before the list is made. */
static int read_all(struct survey *survey, struct error *err)
{
    struct runner *keeper = survey->keeper;
    size_t i = 0;
    json_t *item = NULL;
    char key[KEEPER_KEY_SIZE];
    if (runner_identity(keeper, err) < 0 ||
        store_containers_of_server(keeper->store, &survey->entries, err) < 0 ||
        engine_container_list(keeper->engine, &survey->containers, err) < 0)
        return -1;
    json_array_foreach(survey->entries, i, item)
    {
        const json_t *container = json_object_get(item, "container");
        const char *id = text_at(container, "id"), *name = text_at(container, "name");
        const char *user = text_at(item, "user");
        if (!user || !name)
            continue;
        index_key(user, name, key);
        json_object_set(survey->by_name, key, item);
        json_object_set_new(survey->users, user, json_true());
        if (id && number_at(item, "until") == 0)
            json_object_set(survey->by_id, id, item);
    }
    json_array_foreach(survey->containers, i, item)
    {
        json_object_set_new(survey->in_engine, engine_name_in(item), json_true());
        if (text_at(item, "Id"))
            json_object_set_new(survey->ids, text_at(item, "Id"), json_true());
    }
    return 0;
}

static int add(struct survey *survey, enum difference kind, json_t *item, struct error *err)
{
    json_object_set_new(item, "kind", json_string(difference_name(kind)));
    json_object_set_new(item, "remedy", json_string(difference_remedy(kind)));
    if (json_array_append_new(survey->found, item))
        return fail(err, FAULT_INTERNAL, "out of memory");
    return 0;
}

static int add_entry(struct survey *survey, enum difference kind, const json_t *entry,
                     const char *request, struct error *err)
{
    const json_t *container = json_object_get(entry, "container");
    return add(survey, kind,
               json_pack("{s:O, s:O, s:O, s:s?}", "user", json_object_get(entry, "user"), "name",
                         json_object_get(container, "name"), "id", json_object_get(container, "id"),
                         "request", request),
               err);
}

/* Has this request ended here? One that the journal does not know may have: it says nothing. */
static int has_ended(struct survey *survey, const char *request, bool *ret_ended, struct error *err)
{
    AUTO(journal_entry) struct journal_entry entry = {0};
    if (!request || journal_find(survey->keeper->journal, request, &entry, err) < 0)
        return request ? -1 : 0;
    *ret_ended = entry.state == JOURNAL_ENDED;
    return 0;
}

static int look_at_entry(struct survey *survey, const json_t *entry, struct error *err)
{
    const char *id = text_at(json_object_get(entry, "container"), "id");
    const char *heir = text_at(json_object_get(entry, "heir"), "request");
    bool is_bound = number_at(entry, "until") == 0;
    bool ended = false, heir_ended = false;
    if ((!is_bound && has_ended(survey, text_at(entry, "request"), &ended, err) < 0) ||
        has_ended(survey, heir, &heir_ended, err) < 0)
        return -1;
    if (is_bound && id && !json_object_get(survey->ids, id))
        return add_entry(survey, DIFFERENCE_GONE, entry, text_at(entry, "request"), err);
    if (ended)
        return add_entry(survey, DIFFERENCE_ABANDONED, entry, text_at(entry, "request"), err);
    return heir_ended ? add_entry(survey, DIFFERENCE_HEIRLESS, entry, heir, err) : 0;
}

/* Does the engine also have the other container of a recreate? */
static bool has_sibling(const struct survey *survey, const char *engine_name, bool aside)
{
    static const char *const words[] = {ENGINE_ASIDE_RUNNING, ENGINE_ASIDE_STOPPED};
    char other[ENGINE_NAME_SIZE + sizeof ENGINE_ASIDE_RUNNING];
    if (aside)
        return json_object_get(survey->in_engine, engine_name);
    for (size_t i = 0; i < COUNT(words); i++) {
        snprintf(other, sizeof other, "%s%s", engine_name, words[i]);
        if (json_object_get(survey->in_engine, other))
            return true;
    }
    return false;
}

/* What the journal says of it. */
static int ask_journal(struct survey *survey, const json_t *listed, struct sighting *seen,
                       struct error *err)
{
    struct journal *journal = survey->keeper->journal;
    const char *id = text_at(listed, "Id");
    const char *request = text_at(json_object_get(listed, "Labels"), "dcm.request");
    char replacer[IDENTIFIER_SIZE];
    bool ended = false;
    AUTO(journal_entry) struct journal_entry entry = {0};
    if (journal_replacer(journal, id, replacer, &ended, err) < 0 ||
        journal_find(journal, request ? request : "", &entry, err) < 0 ||
        journal_is_tombstone(journal, id, &seen->buried, err) < 0)
        return -1;
    seen->is_replacing = replacer[0] && !ended;
    seen->request = entry.state;
    seen->from_create = entry.op == OP_CONTAINER_CREATE;
    seen->succeeded = entry.result && strcmp(result_state(entry.result), "done") == 0;
    return 0;
}

static bool shows_state(const json_t *entry, const char *state)
{
    const char *known = text_at(json_object_get(entry, "container"), "state");
    return known && strcmp(known, state) == 0;
}

static int add_container(struct survey *survey, enum difference kind, const json_t *listed,
                         struct error *err)
{
    const json_t *labels = json_object_get(listed, "Labels");
    return add(survey, kind,
               json_pack("{s:O?, s:O?, s:O, s:O?}", "user", json_object_get(labels, "dcm.user"),
                         "name", json_object_get(labels, "dcm.name"), "id",
                         json_object_get(listed, "Id"), "request",
                         json_object_get(labels, "dcm.request")),
               err);
}

/* Labels alone prove little: the name in the engine has to say the same. */
static bool is_ours(const struct survey *survey, const json_t *listed,
                    char ret_engine_name[ENGINE_NAME_SIZE], bool *ret_aside)
{
    struct labels expected = {.kind = "container"};
    const json_t *labels = json_object_get(listed, "Labels");
    const char *user = text_at(labels, "dcm.user"), *name = text_at(labels, "dcm.name");
    if (!user || !name || !text_at(listed, "State") ||
        !labels_verify(survey->keeper->keyring, survey->keeper->identity, labels, &expected))
        return false;
    engine_name_of(user, name, ret_engine_name);
    *ret_aside = keeper_is_aside(listed, user, name);
    return *ret_aside || strcmp(engine_name_in(listed), ret_engine_name) == 0;
}

/* Of one that stands still: does the index show what it waits for? Only ports of its own can have
 * kept the engine from starting it: SSH's are on every address. */
static int look_at_wait(struct survey *survey, const json_t *entry, const char *id,
                        struct sighting *seen, struct error *err)
{
    const json_t *container = json_object_get(entry, "container");
    const char *shown = text_at(container, "waits_for");
    char address[WAIT_ADDRESS_SIZE];
    bool news = false;
    json_auto_t *inspected = NULL;
    if (!shown && json_array_size(json_object_get(container, "ports")) == 0)
        return 0;
    if (engine_container_inspect(survey->keeper->engine, id, &inspected, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    if (keeper_look_at_wait(survey->keeper, entry, inspected, &news, address, err) < 0)
        return -1;
    seen->same_state = seen->same_state && !news && strcmp(shown ? shown : "", address) == 0;
    return 0;
}

static int look_at_container(struct survey *survey, const json_t *listed, struct error *err)
{
    char engine_name[ENGINE_NAME_SIZE];
    const char *id = text_at(listed, "Id");
    const char *state = describe_state(text_at(listed, "State"));
    bool aside = false;
    if (!id)
        return 0;
    if (!is_ours(survey, listed, engine_name, &aside))
        return add_container(survey, DIFFERENCE_UNVERIFIED, listed, err);
    json_object_set_new(survey->users, text_at(json_object_get(listed, "Labels"), "dcm.user"),
                        json_true());
    if (!aside)
        keeper_count_container(&survey->census, state);
    const json_t *entry = json_object_get(survey->by_id, id);
    struct sighting seen = {
        .rebuilding = survey->rebuilding,
        .indexed = entry != NULL,
        .same_state = entry && shows_state(entry, state),
        .aside = aside,
        .has_sibling = has_sibling(survey, engine_name, aside),
        .age_s = timestamp_now() / 1000 - number_at(listed, "Created"),
    };
    if ((aside || !entry) && ask_journal(survey, listed, &seen, err) < 0)
        return -1;
    bool same_end = true;
    if (entry && keeper_shows_end(survey->keeper, id, entry, &same_end, err) < 0)
        return -1;
    seen.same_state = seen.same_state && same_end;
    if (strcmp(state, "paused") == 0 &&
        journal_left_paused(survey->keeper->journal, id, &seen.left_paused, err) < 0)
        return -1;
    bool stands_still = strcmp(state, "stopped") == 0;
    if (entry && !aside && stands_still && look_at_wait(survey, entry, id, &seen, err) < 0)
        return -1;
    enum difference kind = difference_of(&seen);
    return kind == DIFFERENCE_NONE ? 0 : add_container(survey, kind, listed, err);
}

/* A port of this server's that is leased for a container which no entry shows. */
static int look_at_lease(struct survey *survey, const char *port, const char *address,
                         const json_t *lease, struct error *err)
{
    char key[KEEPER_KEY_SIZE];
    const char *user = text_at(lease, "user"), *name = text_at(lease, "name");
    const char *request = text_at(lease, "request");
    if (!user || !name || !request)
        return 0;
    index_key(user, name, key);
    const json_t *entry = json_object_get(survey->by_name, key);
    const char *of_entry = text_at(entry, "request");
    const char *of_heir = text_at(json_object_get(entry, "heir"), "request");
    if ((of_entry && strcmp(of_entry, request) == 0) || (of_heir && strcmp(of_heir, request) == 0))
        return 0;
    return add(survey, DIFFERENCE_LEASE,
               json_pack("{s:s, s:s, s:s, s:s, s:s}", "user", user, "name", name, "request",
                         request, "port", port, "address", address),
               err);
}

static int look_at_leases(struct survey *survey, struct error *err)
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
    return add(survey, DIFFERENCE_NETWORK, json_pack("{s:s}", "user", user), err);
}

static int look_at_networks(struct survey *survey, struct error *err)
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

static int look_at_all(struct survey *survey, struct error *err)
{
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(survey->entries, i, item)
    {
        if (look_at_entry(survey, item, err) < 0)
            return -1;
    }
    json_array_foreach(survey->containers, i, item)
    {
        if (look_at_container(survey, item, err) < 0)
            return -1;
    }
    return look_at_leases(survey, err) < 0 ? -1 : look_at_networks(survey, err);
}

int keeper_survey(struct runner *keeper, bool rebuilding, json_t **ret_found, struct error *err)
{
    AUTO(survey)
    struct survey survey = {.keeper = keeper,
                            .rebuilding = rebuilding,
                            .by_id = json_object(),
                            .by_name = json_object(),
                            .in_engine = json_object(),
                            .ids = json_object(),
                            .users = json_object(),
                            .found = json_array()};
    if (read_all(&survey, err) < 0 || look_at_all(&survey, err) < 0 ||
        keeper_survey_images(keeper, survey.found, err) < 0)
        return -1;
    keeper_measure_census(keeper, &survey.census);
    *ret_found = TAKE(survey.found);
    return 0;
}
