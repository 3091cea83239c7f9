#include "schemas/run_args.h"

#include "common/auto.h"

const char *const run_args[] = {"restart", "shm_size", NULL};

json_t *run_args_of(const json_t *args)
{
    json_auto_t *found = json_object();

    for (const char *const *name = run_args; *name; name++) {
        json_t *value = json_object_get(args, *name);
        if (value && json_object_set(found, *name, value))
            return NULL;
    }
    return TAKE(found);
}
