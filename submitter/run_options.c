#include "submitter/run_options.h"

#include <string.h>

#include "common/auto.h"
#include "common/count.h"

static json_t *restart_of(const struct options *options)
{
    return json_string(options->restart);
}

static json_t *shm_size_of(const struct options *options)
{
    return json_integer(options->shm_size);
}

static json_t *gpus_of(const struct options *options)
{
    return json_integer(options->gpus);
}

/* The last one of a name counts, as with `docker run`. */
static json_t *env_of(const struct options *options)
{
    json_auto_t *env = json_object();

    for (size_t i = 0; i < options->env.count; i++) {
        const char *setting = options->env.list[i];
        char name[OPTION_VARIABLE_MAX + 1];
        size_t length = strcspn(setting, "=");
        snprintf(name, sizeof(name), "%.*s", (int)length, setting);
        if (json_object_set_new(env, name, json_string(setting + length + 1)))
            return NULL;
    }
    return TAKE(env);
}

static json_t *list_of(const struct texts *texts)
{
    json_auto_t *list = json_array();

    for (size_t i = 0; i < texts->count; i++)
        if (json_array_append_new(list, json_string(texts->list[i])))
            return NULL;
    return TAKE(list);
}

static json_t *capabilities_of(const struct options *options)
{
    return list_of(&options->capabilities);
}

static json_t *devices_of(const struct options *options)
{
    return list_of(&options->devices);
}

static json_t *mounts_of(const struct options *options)
{
    json_auto_t *list = json_array();
    struct mount mount;

    for (size_t i = 0; i < options->mounts.count; i++)
        if (option_mount_parse(options->mounts.list[i], &mount, NULL) ||
            json_array_append_new(list,
                                  json_pack("{s:s, s:s, s:b}", "source", mount.source, "target",
                                            mount.target, "read_only", mount.read_only)))
            return NULL;
    return TAKE(list);
}

static const struct {
    enum option option;
    const char *arg;
    json_t *(*make)(const struct options *options);
} args[] = {
    {OPTION_CAP_ADD, "capabilities", capabilities_of},
    {OPTION_DEVICE, "devices", devices_of},
    {OPTION_ENV, "env", env_of},
    {OPTION_GPUS, "gpus", gpus_of},
    {OPTION_MOUNT, "mounts", mounts_of},
    {OPTION_RESTART, "restart", restart_of},
    {OPTION_SHM_SIZE, "shm_size", shm_size_of},
};

json_t *run_options_args(const struct options *options)
{
    json_auto_t *made = json_object();

    for (size_t i = 0; i < COUNT(args); i++)
        if (options->given & TAKES(args[i].option) &&
            json_object_set_new(made, args[i].arg, args[i].make(options)))
            return NULL;
    return TAKE(made);
}
