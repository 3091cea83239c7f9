/* What index, engine and journal say of each container. */
#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "schemas/result.h"
#include "schemas/units.h"
#include "worker/describe.h"
#include "worker/keeper_survey.h"
#include "worker/requests/requests.h"

static int add_entry(struct survey *survey, enum difference kind, const json_t *entry,
                     const char *request, struct error *err)
{
    const json_t *container = json_object_get(entry, "container");
    return survey_add(survey, kind,
                      json_pack("{s:O, s:O, s:O, s:s?}", "user", json_object_get(entry, "user"),
                                "name", json_object_get(container, "name"), "id",
                                json_object_get(container, "id"), "request", request),
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

int survey_entry(struct survey *survey, const json_t *entry, struct error *err)
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
    return survey_add(
        survey, kind,
        json_pack("{s:O?, s:O?, s:O, s:O?}", "user", json_object_get(labels, "dcm.user"), "name",
                  json_object_get(labels, "dcm.name"), "id", json_object_get(listed, "Id"),
                  "request", json_object_get(labels, "dcm.request")),
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
    return *ret_aside || strcmp(survey_engine_name(listed), ret_engine_name) == 0;
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
    if (engine_container_inspect(survey->keeper->engine, id, &inspected, err) < 0 ||
        keeper_look_at_wait(survey->keeper, entry, inspected, &news, address, err) < 0)
        return fault_fate(err->fault) == FATE_SETTLE ? 0 : -1; /* no answer holds up all others */
    seen->same_state = seen->same_state && !news && strcmp(shown ? shown : "", address) == 0;
    return 0;
}

int survey_container(struct survey *survey, const json_t *listed, struct error *err)
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
