/* dcm-submit: through the gate. With --config it becomes dcm-submit-direct. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "submitter/submit.h"

static char **words; /* as they came */

/* Beside us, wherever that is. */
static int find_direct(char ret_path[PATH_MAX])
{
    char own[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);

    if (length < 0)
        return -1;
    own[length] = '\0';
    char *slash = strrchr(own, '/');
    if (!slash)
        return -1;
    *slash = '\0';
    length = snprintf(ret_path, PATH_MAX, "%s/../libexec/dcm/dcm-submit-direct", own);
    errno = ENAMETOOLONG;
    return length < PATH_MAX ? 0 : -1;
}

/* Nothing has been asked or read yet: it begins anew with the same words. */
static int hand_over(const char *config, const char *user, struct courier **ret_courier,
                     bool *ret_reads, struct error *err)
{
    char path[PATH_MAX] = "";

    (void)config, (void)user, (void)ret_courier, (void)ret_reads;
    if (find_direct(path) == 0)
        execv(path, words);
    return fail(err, FAULT_DEPENDENCY, "cannot run %.200s: %s",
                path[0] ? path : "dcm-submit-direct", strerror(errno));
}

int main(int argc, char *argv[])
{
    words = calloc((size_t)argc + 1, sizeof(*words));
    if (!words)
        return fault_exit_status(FAULT_INTERNAL);
    memcpy(words, argv, (size_t)argc * sizeof(*words));
    int status = submit(argc, argv, hand_over);
    free(words);
    return status;
}
