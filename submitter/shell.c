/* dcm-shell: the commands at a prompt, or one command that sshd was asked for. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "submitter/connect.h"
#include "submitter/render.h"
#include "submitter/run.h"
#include "submitter/shell_guard.h"
#include "submitter/shell_prompt.h"
#include "submitter/shell_sftp.h"
#include "submitter/shell_words.h"

static volatile sig_atomic_t interrupted; /* Ctrl-C: drop the line, or stop following */
static volatile sig_atomic_t ending;      /* the window was closed: do so, and leave */

static void interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static void end(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
    ending = 1;
}

/* No signal ends us at once: what was typed is handed over whole, or not at all. */
static void catch_signals(void)
{
    static const struct {
        int number;
        void (*handler)(int);
    } rows[] = {
        {SIGINT, interrupt}, {SIGHUP, end},      {SIGTERM, end},
        {SIGPIPE, SIG_IGN},  {SIGQUIT, SIG_IGN}, {SIGTSTP, SIG_IGN}, /* there is no job control */
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sigaction action = {.sa_handler = rows[i].handler};
        sigaction(rows[i].number, &action, NULL);
    }
}

/* ---- one line ---- */

/* What scp, sftp and rsync ask a server to run. */
static const struct mover {
    const char *program;
    bool speaks_sftp; /* and shows nothing but what comes in that tongue */
} movers[] = {
    {"scp", false},
    {"rsync", false},
    {"sftp-server", true},
    {"internal-sftp", true},
};

static const struct mover *find_mover(const char *word)
{
    const char *slash = strrchr(word, '/');

    for (size_t i = 0; i < COUNT(movers); i++)
        if (strcmp(slash ? slash + 1 : word, movers[i].program) == 0)
            return &movers[i];
    return NULL;
}

static int refuse_files(const struct session *session, const struct mover *mover)
{
    struct error reason = {0};

    fail(&reason, FAULT_INVALID,
         "no files here: send them to a container, as with scp -P PORT (or sftp -P PORT, or "
         "rsync -e 'ssh -p PORT'); ps shows its PORT");
    if (mover->speaks_sftp && !session->leave && !isatty(STDIN_FILENO))
        sftp_refuse(stdin, session->out, reason.text);
    return render_error(session, NULL, NULL, &reason);
}

static int run_line(struct session *session, const char *line)
{
    struct error reason = {0};
    AUTO(words) struct words words = {0};

    if (words_split(line, &words, &reason) == -1)
        return render_error(session, NULL, NULL, &reason);
    if (words.count == 0)
        return 0;
    const struct mover *mover = find_mover(words.texts[0]);
    if (mover)
        return refuse_files(session, mover);
    return run_words(session, words.count, words.texts);
}

/* ---- the prompt ---- */

/* The names of what the user has; without a gate there are none to offer. */
static void add_names(struct candidates *candidates, enum listing listing, const char *part)
{
    AUTO(courier) struct courier *courier = NULL;
    json_auto_t *items = NULL;
    const struct connection connection = {.interrupted = &interrupted};
    bool reads = false;
    size_t i;
    json_t *item;

    if (connect_courier(&connection, &courier, &reads, NULL) == -1 ||
        courier->methods->list(courier, listing, &items, NULL) == -1)
        return;
    json_array_foreach(items, i, item)
    {
        const char *name = text_at(json_object_get(item, part), "name");
        if (name)
            candidates_add(candidates, "", name);
    }
}

static void complete(const char *before, struct candidates *candidates, void *context)
{
    struct completion completion = completion_of(before);

    candidates->stem = completion.stem;
    candidates_add_own(candidates, context, &completion);
    if (completion.kind == COMPLETES_CONTAINER)
        add_names(candidates, LIST_CONTAINERS, "container");
    if (completion.kind == COMPLETES_IMAGE)
        add_names(candidates, LIST_IMAGES, "image");
}

static int prompt_loop(struct session *session)
{
    int status = 0;
    struct error reason = {0};
    const struct prompt_setup setup = {"Enter command > ", &interrupted, complete, session};
    AUTO(prompt) struct prompt *prompt = NULL;

    if (prompt_open(&setup, &prompt, &reason) == -1)
        return render_error(session, NULL, NULL, &reason);
    fprintf(session->out,
            "*** Docker containers manager ***\n"
            "Welcome, %s!\n"
            "See 'help' for help, 'list' for the list of implemented commands.\n",
            session->user);
    while (!*session->leave && !ending && fflush(session->out) == 0) {
        const char *line = prompt_read(prompt);
        if (!line) {
            fputc('\n', session->out);
            *session->leave = !interrupted;
        } else if (line[strspn(line, " \t\n")]) {
            prompt_remember(prompt, line);
            status = run_line(session, line);
        }
        interrupted = 0;
    }
    return status;
}

/* `ssh alice@server <file`, without a terminal: a command a line, and no word of ours between. */
static int plain_loop(struct session *session)
{
    int status = 0;
    size_t size = 0;
    AUTO(string) char *line = NULL;

    while (!*session->leave && !interrupted && getline(&line, &size, stdin) != -1)
        status = run_finish(session, run_line(session, line));
    return status;
}

/* ---- what is asked ---- */

/*
 * What to run; NULL: whatever is typed. sshd(8) runs `SHELL -c COMMAND`. With ForceCommand, COMMAND
 * is what that says, we among others, and what the client asked stands in SSH_ORIGINAL_COMMAND.
 */
static const char *asked_command(int argc, char *argv[])
{
    const char *original = getenv("SSH_ORIGINAL_COMMAND");
    if (original)
        return original;
    if (argc != 3)
        return NULL;

    const char *slash = strrchr(argv[2], '/');
    return strcmp(slash ? slash + 1 : argv[2], "dcm-shell") == 0 ? NULL : argv[2];
}

static int serve(struct session *session, const char *command)
{
    bool leave = false;
    json_auto_t *numbered = NULL;

    if (command)
        return run_line(session, command);
    session->leave = &leave;
    session->numbered = &numbered;
    session->in = -1;
    int status = isatty(STDIN_FILENO) && session->out_is_terminal ? prompt_loop(session)
                                                                  : plain_loop(session);
    session->leave = NULL;
    session->numbered = NULL;
    return status;
}

int main(int argc, char *argv[])
{
    struct error reason = {0};
    struct session session = {
        .program = "dcm",
        .prefix = "",
        .in = STDIN_FILENO,
        .out = stdout,
        .err = stderr,
        .out_is_terminal = isatty(STDOUT_FILENO) == 1,
        .err_is_terminal = isatty(STDERR_FILENO) == 1,
        /* A login's user has us read no file, and is nobody else. */
        .withheld = TAKES(OPTION_CONFIG) | TAKES(OPTION_AS),
        .interrupted = &interrupted,
    };

    if (guard_environment(&reason) == -1)
        return render_error(&session, NULL, NULL, &reason);
    setlocale(LC_CTYPE, "C.UTF-8");
    catch_signals();
    if (argc != 1 && !(argc == 3 && strcmp(argv[1], "-c") == 0)) {
        fputs("usage: dcm-shell [-c COMMAND]\n", stderr);
        return fault_exit_status(FAULT_INVALID);
    }
    /* Looked up first: an account may come from a service of its own, by a socket of its own. */
    if (asking_user(NULL, session.user, &reason) == -1 || guard_confine(&reason) == -1)
        return render_error(&session, NULL, NULL, &reason);
    return run_finish(&session, serve(&session, asked_command(argc, argv)));
}
