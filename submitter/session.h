/*
 * What a command works with: who asks, through whom, and where the answers go.
 */
#ifndef DCM_SUBMITTER_SESSION_H
#define DCM_SUBMITTER_SESSION_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "schemas/names.h"
#include "submitter/courier.h"

struct session {
    const char *program; /* in front of messages: "dcm-submit" */
    const char *prefix;  /* in front of a command that we propose: "dcm-submit ", at a prompt "" */
    char user[USER_NAME_MAX + 1];
    struct courier *courier;
    FILE *out, *err;
    bool out_is_terminal, err_is_terminal;
    int64_t started;                          /* clock_ms: --timeout counts from here */
    const volatile sig_atomic_t *interrupted; /* a signal has come: stop following */
};

#endif
