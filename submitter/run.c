#include "submitter/run.h"

#include <errno.h>
#include <string.h>

#include "common/auto.h"
#include "common/clock.h"
#include "submitter/commands.h"
#include "submitter/connect.h"
#include "submitter/render.h"

/* As if there were no such option: what a program does not offer it does not explain either. */
static int check_offered(const struct session *session, const struct options *options,
                         struct error *err)
{
    option_set foreign = options->given & session->withheld;

    for (enum option i = 0; i < OPTION_COUNT; i++)
        if (foreign & TAKES(i))
            return fail(err, FAULT_INVALID, "there is no option --%s: see help", option_name(i));
    return 0;
}

/* What needs neither account nor connection. -1: nothing of that kind was asked. */
static int answer_at_once(const struct session *session, const struct options *options)
{
    if (options->given & TAKES(OPTION_VERSION)) {
        fprintf(session->out, "%s " DCM_VERSION "\n", session->program);
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

/* Whoever only asks, and follows nothing, reads nothing. */
static bool needs_store(const struct options *options)
{
    return !(options->given & TAKES(OPTION_DETACH)) && options->command->run != run_enqueue;
}

static int run_connected(struct session *session, const struct options *options)
{
    struct error reason = {0};
    AUTO(courier) struct courier *courier = NULL;
    bool reads = false;
    const struct connection connection = {.config = options->config,
                                          .direct = session->direct,
                                          .user = session->user,
                                          .interrupted = session->interrupted};

    if ((!session->user[0] && asking_user(options->as, session->user, &reason) == -1) ||
        connect_courier(&connection, &courier, &reads, &reason) == -1)
        return render_error(session, NULL, NULL, &reason);
    if (!reads && needs_store(options)) {
        fail(&reason, FAULT_INVALID,
             "%.128s names no store, so results cannot be read: use --detach", options->config);
        return render_error(session, NULL, NULL, &reason);
    }
    session->courier = courier;
    int status = options->command->run(session, options->command, options);
    session->courier = NULL;
    return status;
}

int run_words(struct session *session, int argc, char *argv[])
{
    struct error reason = {0};
    struct options options;

    session->started = clock_ms();
    if (options_parse(argc, argv, &options, &reason) == -1 ||
        check_offered(session, &options, &reason) == -1)
        return render_error(session, NULL, NULL, &reason);
    int status = answer_at_once(session, &options);
    return status == -1 ? run_connected(session, &options) : status;
}

int run_finish(const struct session *session, int status)
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
