#include "submitter/commands.h"

#include <limits.h>
#include <string.h>

#include "common/count.h"

#define FOLLOWS TAKES(OPTION_TIMEOUT)
#define ASKS                                                                                       \
    (FOLLOWS | TAKES(OPTION_DETACH) | TAKES(OPTION_QUIET) | TAKES(OPTION_DEADLINE) |               \
     TAKES(OPTION_BATCH) | TAKES(OPTION_ID))
#define LISTS TAKES(OPTION_QUIET)
#define CREATES                                                                                    \
    (TAKES(OPTION_PORT) | TAKES(OPTION_NAME) | TAKES(OPTION_ADDRESS) | TAKES(OPTION_SERVER) |      \
     TAKES(OPTION_CPUS) | TAKES(OPTION_MEMORY) | TAKES(OPTION_PIDS) | TAKES(OPTION_SHM_SIZE) |     \
     TAKES(OPTION_RESTART) | TAKES(OPTION_GPUS) | TAKES(OPTION_ENV) | TAKES(OPTION_CAP_ADD) |      \
     TAKES(OPTION_DEVICE) | TAKES(OPTION_MOUNT) | TAKES(OPTION_TTL))
#define ANY_NUMBER INT_MAX

/* In the order of help. create takes no operand too: then it says what it needs. */
const struct command commands[] = {
    {"create", "", "IMAGE [PORT…]", "make a new container with SSH", ASKS | CREATES, 0, ANY_NUMBER,
     OP_CONTAINER_CREATE, false, run_create},
    {"ps", "ls", "", "list your containers", LISTS, 0, 0, OP_COUNT, false, run_ps},
    {"show", "", "CONTAINER", "show all about one container", 0, 1, 1, OP_COUNT, false, run_show},
    {"config-ssh", "", "", "print Host entries for ~/.ssh/config", 0, 0, 0, OP_COUNT, false,
     run_config_ssh},
    {"start", "", "CONTAINER…", "start stopped containers", ASKS, 1, ANY_NUMBER, OP_CONTAINER_START,
     false, run_lifecycle},
    {"stop", "", "CONTAINER…", "stop running containers", ASKS, 1, ANY_NUMBER, OP_CONTAINER_STOP,
     false, run_lifecycle},
    {"restart", "", "CONTAINER…", "stop containers and start them again", ASKS, 1, ANY_NUMBER,
     OP_CONTAINER_RESTART, false, run_lifecycle},
    {"pause", "", "CONTAINER…", "freeze running containers", ASKS, 1, ANY_NUMBER,
     OP_CONTAINER_PAUSE, false, run_lifecycle},
    {"unpause", "", "CONTAINER…", "let paused containers go on", ASKS, 1, ANY_NUMBER,
     OP_CONTAINER_UNPAUSE, false, run_lifecycle},
    {"remove", "rm delete", "CONTAINER…", "remove stopped containers", ASKS | TAKES(OPTION_FORCE),
     1, ANY_NUMBER, OP_CONTAINER_REMOVE, false, run_lifecycle},
    {"extend", "", "CONTAINER DURATION", "let a container live so much longer from now", ASKS, 2, 2,
     OP_CONTAINER_EXTEND, false, run_extend},
    {"recreate", "", "CONTAINER [PORT…|none]", "make a container anew, with other ports",
     ASKS | TAKES(OPTION_PORT), 1, ANY_NUMBER, OP_CONTAINER_RECREATE, false, run_recreate},
    {"logs", "", "CONTAINER|REQUEST", "print the output of a container or a request",
     FOLLOWS | TAKES(OPTION_DEADLINE) | TAKES(OPTION_FOLLOW) | TAKES(OPTION_TAIL), 1, 1,
     OP_CONTAINER_LOGS, false, run_logs},
    {"images", "", "", "list the images that you can use", LISTS, 0, 0, OP_COUNT, false,
     run_images},
    {"commit", "", "CONTAINER NAME[:TAG]", "save a container as an image of your own",
     ASKS | TAKES(OPTION_REPLACE) | TAKES(OPTION_MESSAGE), 2, 2, OP_IMAGE_COMMIT, false,
     run_commit},
    {"rmi", "", "IMAGE…", "remove images of your own", ASKS, 1, ANY_NUMBER, OP_IMAGE_REMOVE, false,
     run_rmi},
    {"limits", "", "", "list what you may do, and what of it is used", 0, 0, 0, OP_COUNT, false,
     run_limits},
    {"explain", "", "COMMAND…", "tell which rules allow or refuse a command, without doing it",
     ASKS, 1, ANY_NUMBER, OP_POLICY_EXPLAIN, false, run_explain},
    {"ping", "", "", "ask for nothing, through the whole path", ASKS, 0, 0, OP_PING, false,
     run_ping},
    {"enqueue", "", "FILE|-", "submit requests, one JSON object a line",
     LISTS | TAKES(OPTION_DEADLINE) | TAKES(OPTION_BATCH), 1, 1, OP_COUNT, false, run_enqueue},
    {"jobs", "", "", "list your last requests", LISTS, 0, 0, OP_COUNT, false, run_jobs},
    {"status", "", "[REQUEST]", "show one request; without an id, your latest", 0, 0, 1, OP_COUNT,
     false, run_status},
    {"wait", "", "[REQUEST…]", "follow requests to their results; without an id, your latest",
     FOLLOWS | LISTS, 0, ANY_NUMBER, OP_COUNT, false, run_wait},
    {"cancel", "", "REQUEST", "take back a request that has not begun", ASKS, 1, 1, OP_JOB_CANCEL,
     false, run_cancel},
    {"help", "", "[COMMAND]", "explain a command, or all", 0, 0, 1, OP_COUNT, true, run_help},
    {"list", "", "", "list the commands", 0, 0, 0, OP_COUNT, true, run_list},
    {"exit", "quit", "", "leave", 0, 0, 0, OP_COUNT, true, run_exit},
};
const size_t command_count = COUNT(commands);

static bool is_one_of(const char *name, const char *words)
{
    size_t length = strlen(name);

    while (*words) {
        size_t word = strcspn(words, " ");
        if (word == length && strncmp(words, name, length) == 0)
            return true;
        words += word;
        words += strspn(words, " ");
    }
    return false;
}

bool command_is_offered(const struct session *session, const struct command *command)
{
    return command->run != run_exit || session->leave;
}

bool command_is_explained(const struct command *command)
{
    return command->op != OP_COUNT && command->op != OP_POLICY_EXPLAIN;
}

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].name, name) == 0 || is_one_of(name, commands[i].synonyms))
            return &commands[i];
    return NULL;
}
