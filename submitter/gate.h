/*
 * What the supervisor of dcm-gate prepares, and its children have from it.
 */
#ifndef DCM_SUBMITTER_GATE_H
#define DCM_SUBMITTER_GATE_H

#include <stddef.h>

#include "common/tls.h"
#include "submitter/gate_meter.h"
#include "submitter/gate_scoreboard.h"

struct gate_settings {
    char *socket;
    char **broker;
    char *store;
    struct tls_settings tls; /* to both */
    long children;
    long most_children;
    long connections_per_user;
    long requests_per_day; /* of each user */
    char *account;
    char *log_level;
};

struct gate {
    struct gate_settings settings;
    struct scoreboard *board;
    struct meter *meter;
    int listener;
    int wake; /* an eventfd, by which a child that becomes busy has the supervisor count anew */
};

/* A child's whole life, as a hook of prefork: context is the struct gate. */
int gate_child(size_t place, void *context);

#endif
