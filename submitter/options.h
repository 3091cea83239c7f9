/*
 * A command line, read by the tables of options and commands. Options stand anywhere before `--`,
 * as --name VALUE, --name=VALUE, -p VALUE, -pVALUE or in a cluster (-dq). Pure: no output, no exit.
 */
#ifndef DCM_SUBMITTER_OPTIONS_H
#define DCM_SUBMITTER_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"
#include "schemas/ports.h"
#include "schemas/run_options.h"

/* A row of the table each; commands say which they take as a sum of TAKES(…). */
enum option {
    OPTION_DETACH,
    OPTION_JSON,
    OPTION_QUIET,
    OPTION_TIMEOUT,
    OPTION_DEADLINE,
    OPTION_BATCH,
    OPTION_ID,
    OPTION_CONFIG,
    OPTION_AS,
    OPTION_VERSION,
    OPTION_HELP,
    OPTION_PORT,
    OPTION_NAME,
    OPTION_ADDRESS,
    OPTION_SERVER,
    OPTION_CPUS,
    OPTION_MEMORY,
    OPTION_PIDS,
    OPTION_SHM_SIZE,
    OPTION_RESTART,
    OPTION_GPUS,
    OPTION_ENV,
    OPTION_CAP_ADD,
    OPTION_DEVICE,
    OPTION_MOUNT,
    OPTION_FORCE,
    OPTION_FOLLOW,
    OPTION_TAIL,
    OPTION_REPLACE,
    OPTION_MESSAGE,
    OPTION_TTL,
    OPTION_COUNT
};
/* A set of them: a sum of TAKES(…). */
typedef uint64_t option_set;
#define TAKES(option) (UINT64_C(1) << (option))
/* What every command takes. */
#define TAKES_ALWAYS                                                                               \
    (TAKES(OPTION_JSON) | TAKES(OPTION_CONFIG) | TAKES(OPTION_AS) | TAKES(OPTION_VERSION) |        \
     TAKES(OPTION_HELP))

struct command;

/* Of an option that may be given several times. */
struct texts {
    size_t count;
    const char *list[RUN_LIST_MAX];
};

struct options {
    option_set given;                /* TAKES(…) of each option that stands on the line */
    const struct command *command;   /* NULL: the line has no word that is not an option */
    const struct command *explained; /* of `explain`: the command that its operands begin with,
                                        which they and the options are then those of; else NULL */
    int count;                       /* of what follows the command, and the explained one */
    char **operands;                 /* borrowed from argv */

    /* Values; zero or NULL where the option was not given. Text is borrowed from argv. */
    int64_t timeout_s;
    int64_t deadline_s;
    const char *id;
    const char *config;
    const char *as; /* never without config */
    const char *name;
    const char *address;
    const char *server;
    const char *message;
    int64_t millicpus;
    int64_t memory;
    int64_t pids;
    int64_t shm_size;
    int64_t gpus;
    const char *restart;
    struct texts env; /* NAME=VALUE each */
    struct texts capabilities;
    struct texts devices;
    struct texts mounts; /* what option_mount_parse takes */
    int64_t tail;
    int64_t ttl_s;
    struct ports ports;
};

/*
 * Read argv[0…argc), without the program's name. argv is reordered: the command and its operands
 * come to stand in front. FAULT_INVALID says what is wrong with which word; *ret_options then holds
 * what had been read (so that a mistake still knows --json).
 */
int options_parse(int argc, char *argv[], struct options *ret_options, struct error *err);

/* The ports of -p, and those that the operands after the first one name. FAULT_INVALID. */
int options_ports(const struct options *options, struct ports *ret_ports, struct error *err);

/* Its long name, without the dashes. */
const char *option_name(enum option option);
/* What stands for its value in help; NULL for a flag. */
const char *option_value(enum option option);
/* Its short name, '\0' if it has none; and what help says of it. */
char option_letter(enum option option);
const char *option_summary(enum option option);

/* A line for each option of the set: "  -d, --detach        leave once the request is confirmed".
 */
void options_describe(FILE *out, option_set set);

#endif
