/*
 * dcm-worker: the supervisor. It reads the configuration, forks link, keeper, runners and whoever
 * tells the metrics, hands the link every runner's socket, and parses nothing from outside.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/auto.h"
#include "common/log.h"
#include "common/prefork.h"
#include "schemas/digest.h"
#include "worker/arguments.h"
#include "worker/config.h"
#include "worker/dispatch.h"
#include "worker/journal.h"
#include "worker/keeper.h"
#include "worker/link.h"
#include "worker/locks.h"
#include "worker/loopback.h"
#include "worker/metrics.h"
#include "worker/metrics_server.h"
#include "worker/once.h"
#include "worker/runner.h"
#include "worker/walls.h"

#define GRACE_S 90 /* a stop takes 10 s, a create on a busy disk far more */

/* And after the runners the metrics, where they are asked for. */
enum { SLOT_LINK, SLOT_KEEPER, SLOT_RUNNERS };

struct worker {
    struct worker_config config;
    struct watermark *mark;
    struct metrics *metrics;
    int metrics_socket; /* listens, whether or not their process is there; -1: none */
    int control;        /* ours, to the link; -1: no link */
    int link_end;       /* the link's end of it, between before_fork and after_fork */
    int runner_end;     /* the new runner's socket, likewise */
    int runner_ours;    /* and the link's end of that */
    int *ends;          /* how the last process in each slot ended (waitpid(2)) */
};

static int make_pair(int *ret_one, int *ret_other, struct error *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return fail(err, FAULT_INTERNAL, "socketpair: %s", strerror(errno));
    *ret_one = pair[0];
    *ret_other = pair[1];
    return 0;
}

static void drop(int *fd)
{
    auto_fd(fd);
    *fd = -1;
}

static bool is_runner(const struct worker *worker, size_t slot)
{
    return slot >= SLOT_RUNNERS && slot < SLOT_RUNNERS + (size_t)worker->config.runners;
}

static const char *process_of(const struct worker *worker, size_t slot)
{
    if (is_runner(worker, slot))
        return "runner";
    return slot == SLOT_LINK ? "link" : slot == SLOT_KEEPER ? "keeper" : "metrics";
}

static int before_fork(size_t slot, void *context, struct error *err)
{
    struct worker *worker = context;
    /* Left over where the last fork failed. */
    drop(&worker->link_end);
    drop(&worker->runner_end);
    drop(&worker->runner_ours);
    if (slot == SLOT_LINK) {
        drop(&worker->control);
        return make_pair(&worker->control, &worker->link_end, err);
    }
    if (!is_runner(worker, slot))
        return 0;
    if (worker->control < 0)
        return fail(err, FAULT_INTERNAL, "waits for the link");
    return make_pair(&worker->runner_ours, &worker->runner_end, err);
}

static void after_fork(size_t slot, pid_t pid, void *context)
{
    struct worker *worker = context;
    struct error err = {0};
    (void)pid;
    /* Where the link is gone, the runner finds its socket closed, leaves, and is forked again. */
    struct slot_news news = {.slot = slot - SLOT_RUNNERS, .wait_status = worker->ends[slot]};
    if (is_runner(worker, slot) && slot_send(worker->control, &news, worker->runner_ours, &err) < 0)
        log_warning("%s", err.text);
    drop(&worker->link_end);
    drop(&worker->runner_end);
    drop(&worker->runner_ours);
}

static int child(size_t slot, void *context)
{
    struct worker *worker = context;
    int link_end = worker->link_end, runner_end = worker->runner_end;
    drop(&worker->control);
    drop(&worker->runner_ours);
    if (slot > SLOT_KEEPER && !is_runner(worker, slot))
        return metrics_server_run(&worker->config, worker->metrics, worker->metrics_socket);
    drop(&worker->metrics_socket);
    if (slot == SLOT_LINK)
        return link_run(&worker->config, worker->metrics, link_end);
    if (slot == SLOT_KEEPER)
        return keeper_run(&worker->config, worker->mark, worker->metrics);
    return runner_run(&worker->config, worker->mark, worker->metrics, runner_end);
}

static void ended(size_t slot, int wait_status, void *context)
{
    struct worker *worker = context;
    worker->ends[slot] = wait_status;
    if (wait_status != 0)
        metrics_add(worker->metrics, METRIC_PROCESS_FAILURES, process_of(worker, slot), NULL);
    if (slot == SLOT_LINK)
        drop(&worker->control);
}

static char **name_slots(const struct worker *worker, size_t slots)
{
    char **names = calloc(slots, sizeof *names);
    for (size_t i = 0; names && i < slots; i++)
        if (!is_runner(worker, i))
            names[i] = strdup(process_of(worker, i));
        else if (asprintf(&names[i], "runner-%zu", i - SLOT_RUNNERS + 1) < 0)
            names[i] = NULL;
    return names;
}

/* What the children will need is tried here, where a fault can still be told to whoever starts us.
 */
static int rehearse(const struct worker_config *config, struct error *err)
{
    struct runner trial;
    if (mkdir(config->state, 0700) < 0 && errno != EEXIST)
        return fail(err, FAULT_INTERNAL, "%s: %s", config->state, strerror(errno));
    if (tls_configure(&config->tls, config->broker, config->store, err) < 0)
        return -1;
    if (runner_open(config, NULL, -1, &trial, err) < 0)
        return -1;
    runner_close(&trial);
    digest_prepare();
    malloc_trim(0); /* or every child would hold what is left of it */
    return 0;
}

static int become_the_worker(const struct worker_config *config, struct error *err)
{
    bool busy = false;
    if (lock_server(config->state, false, &busy, err) < 0)
        return -1;
    if (!busy)
        return 0;
    log_warning("another worker serves this engine; standing by");
    return lock_server(config->state, true, &busy, err);
}

static int serve(struct worker *worker)
{
    size_t runners = (size_t)worker->config.runners;
    size_t slots = SLOT_RUNNERS + runners + (worker->metrics_socket >= 0);
    char **names = name_slots(worker, slots);
    worker->ends = calloc(slots, sizeof *worker->ends);
    if (!names || !worker->ends)
        return EXIT_FAILURE;
    struct prefork_options options = {
        .slots = slots, .names = (const char *const *)names, .grace_s = GRACE_S, .wake_fd = -1};
    struct prefork_hooks hooks = {
        .child = child, .before_fork = before_fork, .after_fork = after_fork, .ended = ended};
    log_info("server=%s runners=%ld version=%s", worker->config.server, worker->config.runners,
             DCM_VERSION);
    metrics_set(worker->metrics, METRIC_SUBNETS, NULL, worker->config.subnet_count);
    metrics_set(worker->metrics, METRIC_SSH_PORTS, NULL,
                worker->config.last_port - worker->config.first_port + 1U);
    int status = prefork_run(&options, &hooks, worker);
    for (size_t i = 0; i < slots; i++)
        free(names[i]);
    free(names);
    free(worker->ends);
    return status;
}

/* Not before it is the worker: one that stands by may have the same configuration. The port may be
 * taken by anybody who is logged in: that stops no requests. */
static void open_metrics(struct worker *worker)
{
    struct error err = {0};
    if (worker->config.metrics &&
        loopback_listen(worker->config.metrics, &worker->metrics_socket, &err) < 0)
        log_error("there will be no metrics: %s", err.text);
}

static int serve_for_good(struct worker *worker)
{
    struct error err = {0};
    int status = EXIT_FAILURE;
    if (walls_raise(&worker->config, PROCESS_SUPERVISOR, &err) < 0 ||
        rehearse(&worker->config, &err) < 0 || watermark_new(&worker->mark, &err) < 0 ||
        metrics_new(&worker->metrics, &err) < 0 || become_the_worker(&worker->config, &err) < 0) {
        log_error("%s", err.text);
    } else {
        open_metrics(worker);
        status = serve(worker);
    }
    drop(&worker->metrics_socket);
    metrics_free(worker->metrics);
    watermark_free(worker->mark);
    return status;
}

static int run(struct worker *worker, const struct arguments *arguments)
{
    enum log_level level = LOG_LEVEL_INFO;
    struct error err = {0};
    if (arguments->runners)
        worker->config.runners = arguments->runners;
    log_level_parse(worker->config.log_level, &level);
    log_open("dcm-worker", level);
    if (arguments->journal)
        return once_journal(&worker->config, arguments->journal);
    if (arguments->parked)
        return once_parked(&worker->config, arguments->parked, arguments->id, arguments->broker);
    if (arguments->forget)
        return once_forget(&worker->config, arguments->forget);
    if (arguments->sign_image)
        return once_sign_image(&worker->config, arguments->sign_image, arguments->image);
    if (!arguments->reconcile)
        return serve_for_good(worker);
    if (tls_configure(&worker->config.tls, worker->config.broker, worker->config.store, &err) < 0) {
        log_error("%s", err.text);
        return EXIT_FAILURE;
    }
    return once_reconcile(&worker->config, arguments->apply);
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    struct worker worker = {
        .metrics_socket = -1, .control = -1, .link_end = -1, .runner_end = -1, .runner_ours = -1};
    struct error err = {0};
    signal(SIGHUP, SIG_IGN); /* for one that serves; what has changed is read before it does */
    if (arguments_parse(argc, argv, &arguments) < 0) {
        arguments_usage(stderr);
        return 2;
    }
    if (arguments.help)
        arguments_usage(stdout);
    if (arguments.version)
        puts("dcm-worker " DCM_VERSION);
    if (arguments.help || arguments.version)
        return EXIT_SUCCESS;
    if (arguments.check_policy)
        return once_check_policy(arguments.check_policy);
    if (arguments.grants)
        return once_grants(arguments.grants);
    log_open("dcm-worker", LOG_LEVEL_INFO);
    umask(0077);
    if (worker_config_read(arguments.config, &worker.config, &err) < 0) {
        log_error("%s", err.text);
        return 2;
    }
    int status = run(&worker, &arguments);
    worker_config_clear(&worker.config);
    return status;
}
