/* dcm-gate: the local socket through which users without credentials reach the broker and the
 * store. */
#include "submitter/gate.h"

#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/log.h"
#include "common/prefork.h"
#include "common/privileges.h"
#include "common/settings.h"
#include "schemas/digest.h"
#include "submitter/gate_socket.h"

#define GRACE_S 15 /* the longest submit, and something for its answer */

#define OF(field) .name = #field, .offset = offsetof(struct gate_settings, field)
#define NUMBER(usual) .kind = SETTING_NUMBER, .fallback = (usual), .least = 1, .most = 1024
static const struct setting settings_table[] = {
    {OF(socket), .kind = SETTING_PATH, .fallback = DCM_RUN_DIRECTORY "/gate.sock"},
    {OF(broker), .kind = SETTING_LIST, .secret = true},
    {OF(store), .kind = SETTING_TEXT, .secret = true},
    TLS_SETTINGS(offsetof(struct gate_settings, tls)),
    {OF(children), NUMBER("4")},
    {OF(most_children), NUMBER("64")},
    {OF(connections_per_user), NUMBER("32")},
    {OF(requests_per_day), .kind = SETTING_NUMBER, .fallback = "50000", .least = 1,
     .most = 10000000},
    {OF(account), .kind = SETTING_TEXT, .fallback = "dcm"},
    {OF(log_level), .kind = SETTING_TEXT, .fallback = "info"},
};

static const char usage[] =
    "usage: dcm-gate [--config FILE]\n"
    "\n"
    "Serves the users of this machine: publishes their requests to the broker,\n"
    "reads their results from the store. Logs on standard error.\n"
    "\n"
    "  --config FILE  instead of " DCM_CONFIG_DIRECTORY "/gate.conf\n"
    "  --version\n"
    "  -h, --help\n";

/* Returns the path of the configuration, or ends the program. */
static const char *read_arguments(int argc, char *argv[])
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    const char *config = DCM_CONFIG_DIRECTORY "/gate.conf";
    int option = 0;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'c') {
            config = optarg;
        } else if (option == 'V') {
            puts("dcm-gate " DCM_VERSION);
            exit(EXIT_SUCCESS);
        } else {
            fputs(usage, option == 'h' ? stdout : stderr);
            exit(option == 'h' ? EXIT_SUCCESS : 2);
        }
    }
    if (optind < argc) {
        fputs(usage, stderr);
        exit(2);
    }
    return config;
}

/* What the table cannot say: how settings go together, that the account exists, and what only root
 * may read. Looking the account up here also loads the name service's modules once, in memory that
 * all children share. */
static int check_settings(const struct gate_settings *settings, enum log_level *ret_level,
                          struct error *err)
{
    if (!log_level_parse(settings->log_level, ret_level))
        return fail(err, FAULT_INVALID, "log_level: must be one of error, warning, info, debug");
    if (settings->children > settings->most_children)
        return fail(err, FAULT_INVALID, "children: more than most_children");
    if (!getpwnam(settings->account))
        return fail(err, FAULT_INVALID, "account: there is no account '%s'", settings->account);
    return tls_configure(&settings->tls, settings->broker, settings->store, err);
}

static int prepare(const char *config, struct gate *gate, struct error *err)
{
    enum log_level level = LOG_LEVEL_INFO;

    if (settings_read(config, settings_table, COUNT(settings_table), &gate->settings, err) == -1)
        return -1;
    if (check_settings(&gate->settings, &level, err) == -1)
        return fail_while(err, "%s", config);
    log_open("dcm-gate", level);
    /* To turn children into the account, signal them then, and narrow what they keep. */
    if (privileges_keep(CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETGID) | CAPABILITY(CAP_SETPCAP) |
                            CAPABILITY(CAP_KILL),
                        err) == -1)
        return -1;

    struct scoreboard_limits limits = {.least = (size_t)gate->settings.children,
                                       .most = (size_t)gate->settings.most_children};
    gate->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (gate->wake == -1)
        return fail(err, FAULT_INTERNAL, "eventfd: %s", strerror(errno));
    if (scoreboard_new(limits, &gate->board, err) == -1 ||
        meter_new(gate->settings.requests_per_day, &gate->meter, err) == -1)
        return -1;
    return gate_socket_listen(gate->settings.socket, &gate->listener, err);
}

static size_t wanted(void *context)
{
    const struct gate *gate = context;
    return scoreboard_wanted(gate->board);
}

static void ended(size_t place, int wait_status, void *context)
{
    const struct gate *gate = context;
    (void)wait_status;
    scoreboard_set_empty(gate->board, place);
}

static int serve(struct gate *gate)
{
    struct prefork_options options = {
        .slots = (size_t)gate->settings.most_children,
        .name = "child",
        .grace_s = GRACE_S,
        .wake_fd = gate->wake,
    };
    struct prefork_hooks hooks = {.child = gate_child, .wanted = wanted, .ended = ended};

    digest_prepare();
    log_info("version " DCM_VERSION ", listening at %s", gate->settings.socket);
    int status = prefork_run(&options, &hooks, gate);
    gate_socket_remove(gate->settings.socket);
    return status;
}

int main(int argc, char *argv[])
{
    struct gate gate = {.listener = -1, .wake = -1};
    struct error err = {0};
    int status = EXIT_FAILURE;

    log_open("dcm-gate", LOG_LEVEL_INFO);
    if (prepare(read_arguments(argc, argv), &gate, &err) == 0)
        status = serve(&gate);
    else
        log_error("%s", err.text);

    auto_fd(&gate.listener);
    auto_fd(&gate.wake);
    scoreboard_free(gate.board);
    meter_free(gate.meter);
    settings_free(settings_table, COUNT(settings_table), &gate.settings);
    return status;
}
