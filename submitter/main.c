/* dcm-submit: one command, from its words to its exit status. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/auto.h"
#include "submitter/clock.h"
#include "submitter/commands.h"
#include "submitter/connect.h"
#include "submitter/render.h"

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* The first signal stops following in good order; a second one ends the program at once. */
static void catch_signals(void)
{
    struct sigaction stop = {.sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL); /* a broken connection or reader is an error like others */
}

/* What needs neither account nor connection. -1: nothing of that kind was asked. */
static int answer_at_once(const struct session *session, const struct options *options)
{
    if (options->given & TAKES(OPTION_VERSION)) {
        fputs("dcm-submit " DCM_VERSION "\n", session->out);
        return 0;
    }
    if (options->given & TAKES(OPTION_HELP)) {
        if (options->command)
            command_describe(session, options->command, session->out);
        else
            commands_describe(session, session->out);
        return 0;
    }
    if (!options->command) {
        commands_describe(session, session->err);
        return fault_exit_status(FAULT_INVALID);
    }
    if (options->command->offline)
        return options->command->run(session, options->command, options);
    return -1;
}

static int run_connected(struct session *session, const struct options *options)
{
    struct error reason = {0};
    AUTO(courier) struct courier *courier = NULL;
    bool reads = false;

    if (asking_user(options->as, session->user, &reason) == -1 ||
        connect_courier(options->config, session->user, &courier, &reads, &reason) == -1)
        return render_error(session, NULL, NULL, &reason);
    if (!reads && !(options->given & TAKES(OPTION_DETACH))) {
        fail(&reason, FAULT_INVALID,
             "%.128s names no store, so results cannot be read: use --detach", options->config);
        return render_error(session, NULL, NULL, &reason);
    }
    session->courier = courier;
    return options->command->run(session, options->command, options);
}

/* A result that could not be written has not been told. */
static int close_output(const struct session *session, int status)
{
    bool failed = ferror(session->out) != 0;

    errno = 0;
    if (fflush(session->out) == 0 && !failed)
        return status;
    if (errno != 0 && errno != EPIPE)
        fprintf(session->err, "%s: cannot write the result: %s\n", session->program,
                strerror(errno));
    return status ? status : fault_exit_status(FAULT_INTERNAL);
}

int main(int argc, char *argv[])
{
    struct error reason = {0};
    struct options options;
    struct session session = {
        .program = "dcm-submit",
        .prefix = "dcm-submit ",
        .out = stdout,
        .err = stderr,
        .out_is_terminal = isatty(STDOUT_FILENO) == 1,
        .err_is_terminal = isatty(STDERR_FILENO) == 1,
        .started = clock_ms(),
        .interrupted = &interrupted,
    };

    catch_signals();
    if (options_parse(argc - 1, argv + 1, &options, &reason) == -1)
        return render_error(&session, NULL, NULL, &reason);
    int status = answer_at_once(&session, &options);
    if (status == -1)
        status = run_connected(&session, &options);
    return close_output(&session, status);
}
