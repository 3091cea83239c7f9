/*
 * The host's side of what a container is to have: directories and devices, as they are just now.
 *
 * Policy grants no directory within one that somebody may write to (policy_mounts.h). Containers
 * outlive policies: one that was given a directory before has it still, so the engine is asked too.
 */
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "schemas/run_options.h"
#include "worker/host_paths.h"
#include "worker/requests/requests.h"

/* What is DCM's own is nobody's, and what lies in it is another user's. */
static int check_place(const struct worker_config *config, const char *source, struct error *err)
{
    const char *const kept[] = {config->storage, config->keys,    config->state,
                                config->policy,  config->keyring, config->engine};
    for (size_t i = 0; i < COUNT(kept); i++) {
        AUTO(string) char *real = realpath(kept[i], NULL);
        const char *own = real ? real : kept[i];
        if (option_path_is_within(source, own) || option_path_is_within(own, source))
            return fail(err, FAULT_CONFLICT,
                        "%s cannot be given to a container: it is where DCM has its own", source);
    }
    return 0;
}

static bool is_strictly_within(const char *path, const char *directory)
{
    return strcmp(path, directory) != 0 && option_path_is_within(path, directory);
}

/* mount: of the request. other: of a container that is there (API 1.41, MountPoint). */
static int check_pair(const json_t *mount, const json_t *other, struct error *err)
{
    const char *source = text_at(mount, "source");
    const char *present = text_at(other, "Source");
    bool writes = !flag_at(mount, "read_only");
    bool is_written = flag_at(other, "RW");
    if (!source || !present)
        return 0;
    if ((is_written && is_strictly_within(source, present)) ||
        (writes && is_strictly_within(present, source)))
        return fail(err, FAULT_CONFLICT,
                    "%s cannot be mounted while a container has %s: one could write to what the "
                    "other stands on; ask the administrator",
                    source, is_strictly_within(source, present) ? "one around it" : "one in it");
    return 0;
}

static int check_neighbours(struct runner *runner, const json_t *mounts, struct error *err)
{
    json_auto_t *containers = NULL;
    if (engine_container_list(runner->engine, &containers, err) < 0)
        return -1;
    for (size_t i = 0; i < json_array_size(containers); i++) {
        const json_t *others = json_object_get(json_array_get(containers, i), "Mounts");
        for (size_t j = 0; j < json_array_size(others); j++)
            for (size_t k = 0; k < json_array_size(mounts); k++)
                if (check_pair(json_array_get(mounts, k), json_array_get(others, j), err) < 0)
                    return -1;
    }
    return 0;
}

static int check_host(struct runner *runner, const json_t *options, struct error *err)
{
    const json_t *mounts = json_object_get(options, "mounts");
    const json_t *devices = json_object_get(options, "devices");
    for (size_t i = 0; i < json_array_size(mounts); i++) {
        const char *source = text_at(json_array_get(mounts, i), "source");
        if (check_place(runner->config, source, err) < 0 || host_directory_check(source, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < json_array_size(devices); i++)
        if (host_device_check(json_string_value(json_array_get(devices, i)), err) < 0)
            return -1;
    return json_array_size(mounts) ? check_neighbours(runner, mounts, err) : 0;
}

int host_judge(struct runner *runner, const json_t *options, struct verdicts *verdicts,
               struct error *err)
{
    if ((verdicts && verdicts->refused) || check_host(runner, options, err) == 0)
        return 0;
    return verdict_refused(verdicts, err, "directories and devices of the server");
}
