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
    bool stalls; /* instead of dying */
};

static bool read_plan(int file, struct plan *ret_plan)
{
    char text[128] = "", manner[8] = "";
    if (pread(file, text, sizeof text - 1, 0) <= 0 ||
        sscanf(text, "%63s %u %u %7s", ret_plan->name, &ret_plan->passes, &ret_plan->times,
               manner) < 3)
        return false;
    ret_plan->stalls = strcmp(manner, "stall") == 0;
    return true;
}

/* What is left of it; nothing, once it is spent, but who sleeps. */
static void write_plan(int file, const struct plan *plan)
{
    if (ftruncate(file, 0) < 0)
        return;
    if (plan->times > 0)
        dprintf(file, "%s %u %u%s\n", plan->name, plan->passes, plan->times,
                plan->stalls ? " stall" : "");
    else if (plan->stalls)
        dprintf(file, "asleep %d\n", (int)getpid());
}

/* The signal that this one is to get, or 0. Counted under a lock, for the processes that come by
 * are many. */
static int take_turn(const char *path, const char *name)
{
    struct plan plan;
    AUTO(fd) int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0 || flock(file, LOCK_EX) < 0 || !read_plan(file, &plan) ||
        strcmp(plan.name, name) != 0)
        return 0;
    bool passes = plan.passes > 0;
    if (passes)
        plan.passes--;
    else
        plan.times--;
    write_plan(file, &plan);
    if (passes)
        return 0;
    return plan.stalls ? SIGSTOP : SIGKILL;
}

void fault_point_reach(const char *name)
{
    const char *path = getenv("DCM_FAULT_FILE");
    int signal = path ? take_turn(path, name) : 0;
    if (signal)
        raise(signal);
}
