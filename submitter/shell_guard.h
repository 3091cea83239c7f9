/*
 * What keeps a login shell from becoming another one. Its user is logged in to the server and may
 * do there what these commands do, and nothing else: so whatever bug there is in line editing, in
 * a terminal's description or in us must not end in a program that runs.
 */
#ifndef DCM_SUBMITTER_SHELL_GUARD_H
#define DCM_SUBMITTER_SHELL_GUARD_H

#include "common/error.h"

/* First of all: no environment but a harmless TERM, the gate's socket (DCM_GATE) and what sshd says
 * was asked (SSH_ORIGINAL_COMMAND). */
int guard_environment(struct error *err);

/* From here on, for good: no program is started, no process made, no file opened for writing, no
 * memory of ours dumped or read by others, and no socket made but a gate's client's. */
int guard_confine(struct error *err);

#endif
