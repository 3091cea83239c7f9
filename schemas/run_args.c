#include "schemas/run_args.h"

#include "common/auto.h"
#include "common/members.h"
#include "schemas/run_options.h"

const char *const run_args[] = {"capabilities", "devices", "env",      "gpus",
                                "mounts",       "restart", "shm_size", NULL};

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

/* No item twice; what kind of items they are has been checked. */
static int check_once(const json_t *args, const char *name, struct error *err)
{
    const json_t *list = json_object_get(args, name);

    for (size_t i = 0; i < json_array_size(list); i++)
        for (size_t j = 0; j < i; j++)
            if (json_equal(json_array_get(list, i), json_array_get(list, j)))
                return fail(err, FAULT_INVALID, "%s: %s is there twice", name,
                            json_string_value(json_array_get(list, i)));
    return 0;
}

static const char *target_of(const json_t *mounts, size_t index)
{
    return text_at(json_array_get(mounts, index), "target");
}

/* The engine would make the inner one's place in what the outer one shows: in the host's directory.
 */
static int check_targets(const json_t *mounts, struct error *err)
{
    for (size_t i = 0; i < json_array_size(mounts); i++) {
        const char *target = target_of(mounts, i);
        for (size_t j = 0; j < i; j++) {
            const char *other = target_of(mounts, j);
            if (option_path_is_within(target, other) || option_path_is_within(other, target))
                return fail(err, FAULT_INVALID,
                            "mounts[%zu].target: %.80s and %.80s are one, or one in the other", i,
                            other, target);
        }
    }
    return 0;
}

int run_args_check(const json_t *args, struct error *err)
{
    if (check_once(args, "capabilities", err) || check_once(args, "devices", err))
        return -1;
    return check_targets(json_object_get(args, "mounts"), err);
}
