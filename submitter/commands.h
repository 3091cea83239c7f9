/*
 * The commands: one table that drives parsing, help and what is run, for dcm-submit and for every
 * other program that offers them.
 */
#ifndef DCM_SUBMITTER_COMMANDS_H
#define DCM_SUBMITTER_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "schemas/request.h"
#include "submitter/options.h"
#include "submitter/session.h"

struct command {
    const char *name;
    const char *synonyms; /* separated by spaces; "" for none */
    const char *operands; /* as usage shows them */
    const char *summary;
    option_set options; /* TAKES(…) of those it takes beyond TAKES_ALWAYS */
    int least, most;    /* operands */
    enum op op;         /* the request it makes; OP_COUNT: none of its own */
    bool offline;       /* needs no courier: session->courier may be NULL */
    /* Do it. Returns the exit status; what went wrong has been said. */
    int (*run)(const struct session *session, const struct command *command,
               const struct options *options);
};

extern const struct command commands[];
extern const size_t command_count;

/* By name or synonym; NULL if there is none. */
const struct command *command_find(const char *name);

/* Worth a line in help: exit is of no use without a prompt. */
bool command_is_offered(const struct session *session, const struct command *command);

/* Makes a request, which `explain` can ask about. */
bool command_is_explained(const struct command *command);

/* Usage of all commands, or of one. */
void commands_describe(const struct session *session, FILE *out);
void command_describe(const struct session *session, const struct command *command, FILE *out);

/* The images that the user may use, numbered, on session->err: for who did not name one. False:
 * there is nothing to show. */
bool images_propose(const struct session *session);

/* One file per kind of command. */
typedef int command_run(const struct session *, const struct command *, const struct options *);
command_run run_create;    /* create.c */
command_run run_lifecycle; /* lifecycle.c: start stop restart pause unpause remove */
command_run run_extend;    /* extend.c */
command_run run_recreate;  /* recreate.c */
command_run run_ps;        /* listing.c */
command_run run_show;
command_run run_images;
command_run run_jobs;
command_run run_status;
command_run run_limits;     /* limits.c */
command_run run_config_ssh; /* config_ssh.c */
command_run run_wait;       /* wait.c */
command_run run_logs;       /* logs.c */
command_run run_commit;     /* images.c */
command_run run_rmi;
command_run run_enqueue; /* enqueue.c */
command_run run_cancel;  /* cancel.c */
command_run run_ping;    /* ping.c */
command_run run_explain; /* explain.c */
command_run run_help;    /* help.c */
command_run run_list;
command_run run_exit;

#endif
