#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/fault_point.h"
#include "common/members.h"
#include "worker/engine_private.h"

/* "dcm.<user>", and what follows it: a user's name has no dots in it. NULL: something else. */
static const char *after_user(const char *text)
{
    char user[USER_NAME_MAX + 1];

    if (!text || strncmp(text, "dcm.", 4) != 0)
        return NULL;
    size_t length = strcspn(text + 4, ".");
    if (length >= sizeof(user))
        return NULL;
    memcpy(user, text + 4, length);
    user[length] = '\0';
    return name_is_user(user) ? text + 4 + length : NULL;
}

bool engine_is_network_name(const char *text)
{
    const char *rest = after_user(text);
    return rest && *rest == '\0';
}

bool engine_is_container_name(const char *text)
{
    const char *rest = after_user(text);
    return rest && *rest == '.' && name_is_container(rest + 1);
}

int engine_container_create(struct engine *engine, const char *engine_name, const json_t *body,
                            char ret_id[ENGINE_ID_SIZE], struct error *err)
{
    char name[ENGINE_PATH_SIZE];
    const struct engine_call call = {
        .method = "POST", .path = "/containers/create", .query = {name}, .body = body};
    json_auto_t *created = NULL;

    if (!engine_is_container_name(engine_name))
        return fail(err, FAULT_INVALID, "not a container's name in the engine");
    snprintf(name, sizeof(name), "name=%s", engine_name);
    if (engine_ask(engine, &call, &created, err) < 0)
        return -1;
    const char *id = text_at(created, "Id");
    if (!name_is_engine_id(id))
        return fail(err, FAULT_ENGINE, "the engine does not say the new container's id");
    memcpy(ret_id, id, ENGINE_ID_SIZE);
    return 0;
}

int engine_container_inspect(struct engine *engine, const char *reference, json_t **ret_container,
                             struct error *err)
{
    char path[ENGINE_PATH_SIZE];
    const struct engine_call call = {.method = "GET", .path = path};

    if (!name_is_engine_id(reference) && !engine_is_container_name(reference))
        return fail(err, FAULT_INVALID, "neither a container's full id nor its name");
    snprintf(path, sizeof(path), "/containers/%s/json", reference);
    FAULT_POINT("inspect.before");
    int status = engine_ask(engine, &call, ret_container, err);
    FAULT_POINT("inspect.after");
    return status;
}

int engine_container_list(struct engine *engine, json_t **ret_containers, struct error *err)
{
    const struct engine_call call = {
        .method = "GET", .path = "/containers/json", .query = {"all=1", ENGINE_OURS}};
    return engine_ask_list(engine, &call, ret_containers, err);
}

#define STOP_S 10 /* between the polite signal and the other one */
#define STOP_QUERY "t=10"

static const struct {
    const char *name;
    const char *query;
    long timeout_s;
} verbs[] = {
    [ENGINE_START] = {"start", NULL, ENGINE_TIMEOUT_S},
    [ENGINE_STOP] = {"stop", STOP_QUERY, ENGINE_TIMEOUT_S + STOP_S},
    [ENGINE_RESTART] = {"restart", STOP_QUERY, ENGINE_TIMEOUT_S + STOP_S},
    [ENGINE_PAUSE] = {"pause", NULL, ENGINE_TIMEOUT_S},
    [ENGINE_UNPAUSE] = {"unpause", NULL, ENGINE_TIMEOUT_S},
};

/* By another container, or by a program of the host. */
static bool says_port_is_taken(const struct engine_answer *answer)
{
    AUTO(string) char *message = engine_message(answer);
    return message && (strstr(message, "port is already allocated") ||
                       strstr(message, "address already in use"));
}

int engine_container_act(struct engine *engine, enum engine_verb verb, const char *id,
                         bool *ret_no_port, struct error *err)
{
    char path[ENGINE_PATH_SIZE];
    const struct engine_call call = {.method = "POST",
                                     .path = path,
                                     .query = {verbs[verb].query},
                                     .timeout_s = verbs[verb].timeout_s};
    AUTO(engine_answer) struct engine_answer answer = {0};

    if (ret_no_port)
        *ret_no_port = false;
    if (!name_is_engine_id(id))
        return fail(err, FAULT_INVALID, "not a container's full id");
    snprintf(path, sizeof(path), "/containers/%s/%s", id, verbs[verb].name);
    if (engine_exchange(engine, &call, &answer, err) < 0)
        return -1;
    if (engine_agrees(&answer))
        return 0;
    if (ret_no_port)
        *ret_no_port = says_port_is_taken(&answer);
    return engine_refused(&answer, err);
}

/* "dcm.alice.web.WAS-RUNNING" */
static bool is_aside_name(const char *text)
{
    static const char *const words[] = {ENGINE_ASIDE_RUNNING, ENGINE_ASIDE_STOPPED};
    char name[ENGINE_PATH_SIZE];
    size_t length = strlen(text);

    for (size_t i = 0; i < COUNT(words); i++) {
        size_t word = strlen(words[i]);
        if (length <= word || length >= sizeof(name) || strcmp(text + length - word, words[i]) != 0)
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)(length - word), text);
        return engine_is_container_name(name);
    }
    return false;
}

int engine_container_rename(struct engine *engine, const char *id, const char *engine_name,
                            struct error *err)
{
    char path[ENGINE_PATH_SIZE], name[ENGINE_PATH_SIZE];
    const struct engine_call call = {.method = "POST", .path = path, .query = {name}};
    AUTO(engine_answer) struct engine_answer answer = {0};
    json_auto_t *container = NULL;

    if (!name_is_engine_id(id) ||
        !(engine_is_container_name(engine_name) || is_aside_name(engine_name)))
        return fail(err, FAULT_INVALID, "neither a container's full id nor a name for it");
    /* The engine refuses the name that a container has. */
    if (engine_container_inspect(engine, id, &container, err) < 0)
        return -1;
    const char *present = text_at(container, "Name");
    if (present && present[0] == '/' && strcmp(present + 1, engine_name) == 0)
        return 0;
    snprintf(path, sizeof(path), "/containers/%s/rename", id);
    snprintf(name, sizeof(name), "name=%s", engine_name);
    if (engine_exchange(engine, &call, &answer, err) < 0)
        return -1;
    return engine_agrees(&answer) ? 0 : engine_refused(&answer, err);
}

int engine_container_remove(struct engine *engine, const char *id, struct error *err)
{
    char path[ENGINE_PATH_SIZE];
    const struct engine_call call = {.method = "DELETE", .path = path, .query = {"force=1", "v=1"}};
    AUTO(engine_answer) struct engine_answer answer = {0};

    if (!name_is_engine_id(id))
        return fail(err, FAULT_INVALID, "not a container's full id");
    snprintf(path, sizeof(path), "/containers/%s", id);
    if (engine_exchange(engine, &call, &answer, err) < 0)
        return -1;
    if (engine_agrees(&answer) || answer.status == 404)
        return 0;
    return engine_refused(&answer, err);
}
