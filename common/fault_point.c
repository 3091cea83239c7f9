#include "common/fault_point.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/auto.h"

struct plan {
    char name[64];
    unsigned passes;
    unsigned times;
};

static bool read_plan(int file, struct plan *ret_plan)
{
    char text[128] = "";
    return pread(file, text, sizeof text - 1, 0) > 0 &&
           sscanf(text, "%63s %u %u", ret_plan->name, &ret_plan->passes, &ret_plan->times) == 3;
}

/* What is left of it; nothing, once it is spent. */
static void write_plan(int file, const struct plan *plan)
{
    if (ftruncate(file, 0) == 0 && plan->times > 0)
        dprintf(file, "%s %u %u\n", plan->name, plan->passes, plan->times);
}

/* Is it this one's turn to die? Counted under a lock, for the processes that come by are many. */
static bool take_turn(const char *path, const char *name)
{
    struct plan plan;
    AUTO(fd) int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0 || flock(file, LOCK_EX) < 0 || !read_plan(file, &plan) ||
        strcmp(plan.name, name) != 0)
        return false;
    bool passes = plan.passes > 0;
    if (passes)
        plan.passes--;
    else
        plan.times--;
    write_plan(file, &plan);
    return !passes;
}

void fault_point_reach(const char *name)
{
    const char *path = getenv("DCM_FAULT_FILE");
    if (path && take_turn(path, name))
        raise(SIGKILL);
}
