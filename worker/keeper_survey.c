#include "worker/keeper_survey.h"

#include <stdio.h>

#include "common/auto.h"
#include "common/members.h"
#include "worker/store_keeper.h"

static void auto_survey(struct survey *survey)
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

const char *survey_engine_name(const json_t *listed)
{
    const char *name = json_string_value(json_array_get(json_object_get(listed, "Names"), 0));
    return name && name[0] == '/' ? name + 1 : "";
}

void survey_key(const char *user, const char *name, char ret_key[KEEPER_KEY_SIZE])
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
        survey_key(user, name, key);
        json_object_set(survey->by_name, key, item);
        json_object_set_new(survey->users, user, json_true());
        if (id && number_at(item, "until") == 0)
            json_object_set(survey->by_id, id, item);
    }
    json_array_foreach(survey->containers, i, item)
    {
        json_object_set_new(survey->in_engine, survey_engine_name(item), json_true());
        if (text_at(item, "Id"))
            json_object_set_new(survey->ids, text_at(item, "Id"), json_true());
    }
    return 0;
}

int survey_add(struct survey *survey, enum difference kind, json_t *item, struct error *err)
{
    json_object_set_new(item, "kind", json_string(difference_name(kind)));
    json_object_set_new(item, "remedy", json_string(difference_remedy(kind)));
    if (json_array_append_new(survey->found, item))
        return fail(err, FAULT_INTERNAL, "out of memory");
    return 0;
}

static int look_at_all(struct survey *survey, struct error *err)
{
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(survey->entries, i, item)
    {
        if (survey_entry(survey, item, err) < 0)
            return -1;
    }
    json_array_foreach(survey->containers, i, item)
    {
        if (survey_container(survey, item, err) < 0)
            return -1;
    }
    return survey_leases(survey, err) < 0 ? -1 : survey_networks(survey, err);
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
