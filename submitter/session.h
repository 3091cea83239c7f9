/*
 * What a command works with: who asks, through whom, and where the answers go. At a prompt one
 * session serves every command: what one remembers for the next belongs in here.
 */
#ifndef DCM_SUBMITTER_SESSION_H
#define DCM_SUBMITTER_SESSION_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "schemas/names.h"
#include "submitter/connect.h"
#include "submitter/courier.h"
#include "submitter/options.h"

struct session {
    const char *program; /* in front of messages: "dcm-submit" */
    const char *prefix;  /* in front of a command that we propose: "dcm-submit ", at a prompt "" */
    char user[USER_NAME_MAX + 1]; /* "" until it has been looked up */
    struct courier *courier;      /* borrowed, for the one command; NULL if that is offline */
    connect_with *direct;         /* for --config; NULL where that is withheld */
    option_set withheld;          /* TAKES(…) of options that this program does not offer */
    bool *leave;                  /* at a prompt: true ends it; elsewhere NULL */
    json_t **numbered; /* at a prompt: the images last listed, or NULL; elsewhere no slot (NULL) */
    int in;            /* what the operand `-` reads; -1: nothing, for a prompt reads that itself */
    FILE *out, *err;
    bool out_is_terminal, err_is_terminal;
    int64_t started;                          /* clock_ms: --timeout counts from here */
    const volatile sig_atomic_t *interrupted; /* a signal has come: stop following */
};

#endif
