#include "submitter/submit.h"

#include <unistd.h>

#include "submitter/run.h"

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

int submit(int argc, char *argv[], connect_with *direct)
{
    struct session session = {
        .program = "dcm-submit",
        .prefix = "dcm-submit ",
        .direct = direct,
        .in = STDIN_FILENO,
        .out = stdout,
        .err = stderr,
        .out_is_terminal = isatty(STDOUT_FILENO) == 1,
        .err_is_terminal = isatty(STDERR_FILENO) == 1,
        .interrupted = &interrupted,
    };

    catch_signals();
    return run_finish(&session, run_words(&session, argc - 1, argv + 1));
}
