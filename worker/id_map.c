#include "worker/id_map.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/members.h"

static bool has_user_namespaces(const json_t *info)
{
    const json_t *options = json_object_get(info, "SecurityOptions");
    size_t i;
    json_t *option;

    json_array_foreach(options, i, option)
    {
        const char *text = json_string_value(option);
        if (text && strcmp(text, "name=userns") == 0)
            return true;
    }
    return false;
}

/* Decimal digits up to `end`. *text is then behind that. */
static bool take_number(const char **text, char end, uint32_t *ret_number)
{
    char *rest = NULL;

    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    unsigned long long number = strtoull(*text, &rest, 10);
    if (errno || number > UINT32_MAX || *rest != end)
        return false;
    *ret_number = (uint32_t)number;
    *text = rest + (end != '\0');
    return true;
}

/* "/var/lib/docker/231072.231072": the engine keeps its data apart for each map (dockerd(8)). */
static int read_first_ids(const json_t *info, uint32_t *ret_uid, uint32_t *ret_gid,
                          struct error *err)
{
    const char *directory = text_at(info, "DockerRootDir");
    const char *slash = directory ? strrchr(directory, '/') : NULL;
    const char *rest = slash ? slash + 1 : "";

    if (!take_number(&rest, '.', ret_uid) || !take_number(&rest, '\0', ret_gid) || *ret_uid == 0 ||
        *ret_gid == 0)
        return fail(err, FAULT_INTERNAL,
                    "the engine has user namespaces, but its DockerRootDir '%.80s' does not end "
                    "with their first ids",
                    directory ? directory : "");
    return 0;
}

/* "dockremap:231072:65536" (subuid(5)). */
static bool begins_there(const char *line, uint32_t first, uint32_t *ret_count)
{
    const char *rest = strchr(line, ':');
    uint32_t begin = 0, count = 0;

    if (!rest || ++rest == line + 1 || !take_number(&rest, ':', &begin) ||
        !take_number(&rest, '\0', &count) || begin != first || count == 0 ||
        count > UINT32_MAX - first)
        return false;
    *ret_count = count;
    return true;
}

static int read_count(const char *path, uint32_t first, uint32_t *ret_count, struct error *err)
{
    char line[512];
    AUTO(file) FILE *file = fopen(path, "re");
    bool found = false;

    if (!file)
        return fail(err, FAULT_INTERNAL, "%s: %s", path, strerror(errno));
    while (!found && fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        found = begins_there(line, first, ret_count);
    }
    return found ? 0
                 : fail(err, FAULT_INTERNAL,
                        "the engine's user namespaces begin at id %u, but no range in %s does",
                        first, path);
}

int id_map_read(const json_t *info, const char *subuid, const char *subgid, struct id_map *ret_map,
                struct error *err)
{
    uint32_t uid = 0, gid = 0, uids = UINT32_MAX, gids = UINT32_MAX;

    if (has_user_namespaces(info) &&
        (read_first_ids(info, &uid, &gid, err) < 0 || read_count(subuid, uid, &uids, err) < 0 ||
         read_count(subgid, gid, &gids, err) < 0))
        return -1;
    *ret_map =
        (struct id_map){.first_uid = uid, .first_gid = gid, .count = uids < gids ? uids : gids};
    return 0;
}
