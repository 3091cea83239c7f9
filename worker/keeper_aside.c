/* Containers that stand aside for one that never came: their recreate was given up. */
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "worker/keeper_private.h"
#include "worker/requests/requests.h"

bool keeper_is_aside(const json_t *listed, const char *user, const char *name)
{
    char engine_name[ENGINE_NAME_SIZE];
    const json_t *names = json_object_get(listed, "Names");
    const char *actual = json_string_value(json_array_get(names, 0));
    engine_name_of(user, name, engine_name);
    size_t length = strlen(engine_name);
    if (!actual || actual[0] != '/' || strncmp(actual + 1, engine_name, length) != 0)
        return false;
    const char *word = actual + 1 + length;
    return strcmp(word, ENGINE_ASIDE_RUNNING) == 0 || strcmp(word, ENGINE_ASIDE_STOPPED) == 0;
}

int keeper_settle_aside(struct runner *keeper, const char *user, const char *id, struct error *err)
{
    struct job job = {0};
    bool ended = false;
    if (journal_replacer(keeper->journal, id, job.request.id, &ended, err) < 0)
        return -1;
    if (job.request.id[0] && !ended)
        return 0; /* it will be gone on with */
    snprintf(job.request.user, sizeof job.request.user, "%s", user);
    snprintf(job.container, sizeof job.container, "%s", id);
    if (request_recreate_undo(keeper, &job, err) < 0)
        return fail_while(err, "user=%s: what a recreate left", user);
    log_warning("user=%s: a recreate was given up; its container is whole again", user);
    return 0;
}
