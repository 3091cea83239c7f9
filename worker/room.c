#include "worker/room.h"

#include <inttypes.h>
#include <sys/statvfs.h>

#include "common/count.h"

/* What ext4 keeps back for root does not count: users' programs cannot have it. */
static int check_place(const char *path, int64_t floor, struct error *err)
{
    struct statvfs disk;
    if (statvfs(path, &disk) < 0)
        return 0;
    int64_t left = (int64_t)(disk.f_bavail * disk.f_frsize);
    if (left >= floor)
        return 0;
    return fail(err, FAULT_NO_ROOM,
                "the server's disk is nearly full: %" PRId64
                " MiB free in %.128s; tell the administrator",
                left >> 20, path);
}

static int check_places(const struct runner *runner, struct error *err)
{
    const struct worker_config *config = runner->config;
    const char *const places[] = {runner->data_root, config->storage, config->state};
    for (size_t i = 0; i < COUNT(places); i++)
        if (check_place(places[i], config->disk_floor_bytes, err) < 0)
            return -1;
    return 0;
}

int room_judge(struct runner *runner, struct verdicts *verdicts, struct error *err)
{
    if (runner_look(runner, err) < 0)
        return -1;
    if (check_places(runner, err) == 0)
        return 0;
    return verdict_refused(verdicts, err, "room on the server's disks");
}
