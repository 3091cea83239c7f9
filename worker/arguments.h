/*
 * The command line of dcm-worker, which without a word serves, or does one errand for an
 * administrator (worker/once.h).
 */
#ifndef DCM_WORKER_ARGUMENTS_H
#define DCM_WORKER_ARGUMENTS_H

#include <stdbool.h>
#include <stdio.h>

/* Called as the options are. Text is borrowed from argv, or NULL: not given. */
struct arguments {
    const char *config; /* never NULL */
    long runners;       /* 0: as the configuration has it */
    const char *check_policy;
    const char *grants;
    const char *journal;
    const char *parked;
    const char *id; /* of the parked message; NULL: all of them */
    const char *broker;
    const char *forget;
    const char *sign_image; /* whose */
    const char *image;      /* and which */
    bool reconcile, apply;
    bool version, help;
};

/* -1 for a line that makes no sense: what is wrong has been said where it can be, and the caller
 * shows the usage. */
int arguments_parse(int argc, char **argv, struct arguments *ret_arguments);
void arguments_usage(FILE *to);

#endif
