/* Work from the link, served until there is to be no more. */
#include "worker/runner.h"

#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/members.h"
#include "common/prefork.h"
#include "schemas/parked.h"
#include "worker/batch_users.h"
#include "worker/dispatch.h"
#include "worker/settle.h"
#include "worker/settle_light.h"
#include "worker/walls.h"

#define REST_S 5

static int tell_left(struct runner *runner, const struct work *work, const json_t *request,
                     struct error *err)
{
    static struct word word; /* 32 KiB: not on the stack */
    const json_t *body = json_object_get(request, "body");
    const char *id = text_at(request, "id");
    const char *publisher = text_at(request, "publisher");
    size_t length = json_string_length(body);
    if (length > sizeof word.body)
        length = 0; /* no message of ours; the id will do */
    word.kind = WORD_LEFT;
    word.serial = work->serial;
    word.length = length;
    word.parked = flag_at(request, "parked");
    snprintf(word.id, sizeof word.id, "%s", id);
    snprintf(word.account, sizeof word.account, "%s", publisher);
    memcpy(word.body, json_string_value(body), length);
    return word_send(runner->socket, &word, err);
}

/* Tell the link what the journal holds undone. */
static int recall(struct runner *runner, const struct work *work, struct error *err)
{
    json_auto_t *requests = NULL;
    size_t i = 0;
    json_t *request = NULL;
    if (journal_unfinished(runner->journal, &requests, err) < 0)
        return -1;
    json_array_foreach(requests, i, request)
    {
        if (tell_left(runner, work, request, err) < 0)
            return -1;
    }
    return 0;
}

/* The attempts that the journal knows, for the copy that is parked. */
static size_t tell_history(const struct runner *runner, char *text, size_t size)
{
    json_auto_t *attempts = json_array();
    size_t i = 0;
    json_t *attempt = NULL;
    json_array_foreach(runner->history, i, attempt)
    {
        const char *end = text_at(attempt, "end");
        json_array_append_new(attempts,
                              parked_attempt(runner->config->server, number_at(attempt, "begun"),
                                             number_at(attempt, "ended"), end ? end : ""));
    }
    size_t length = json_dumpb(attempts, text, size, JSON_COMPACT);
    return length <= size ? length : 0;
}

/* A link that is gone reads the journal when it is back. */
static void send_word(struct runner *runner, const struct word *word)
{
    struct error unheard;
    if (word_send(runner->socket, word, &unheard) < 0)
        prefork_stopping = 1;
}

/* By what settle_work returns. */
static const enum word_kind answers[] = {
    [0] = WORD_DONE,
    [SETTLE_PROVEN] = WORD_DONE,
    [SETTLE_ADMITTED] = WORD_DONE,
    [SETTLE_EARLY] = WORD_EARLY,
    [SETTLE_ELSEWHERE] = WORD_ELSEWHERE,
};

static void answer(struct runner *runner, const struct work *work, int status,
                   const struct error *err)
{
    static struct word word; /* 32 KiB: not on the stack */
    word.kind = status < 0 ? WORD_LATER : answers[status];
    word.serial = work->serial;
    word.proven = status == SETTLE_PROVEN;
    word.admitted = status == SETTLE_ADMITTED;
    word.length = 0;
    if (status < 0) {
        if (fault_fate(err->fault) != FATE_RETRY)
            word.kind = WORD_PARK;
        snprintf(word.reason, sizeof word.reason, "%s", err->text);
        word.length = tell_history(runner, word.body, sizeof word.body);
    }
    send_word(runner, &word);
}

static int (*const serving[])(struct runner *runner, const struct work *work, struct error *err) = {
    [WORK_DELIVERY] = settle_work,     [WORK_RESUME] = settle_work,
    [WORK_SET_ASIDE] = settle_work,    [WORK_CLEAR_UP] = settle_work,
    [WORK_ADMIT] = settle_work,        [WORK_RECALL] = recall,
    [WORK_BATCHES] = batch_users_tell, [WORK_FORGET] = batch_users_forget,
};

static void serve(struct runner *runner, const struct work *work)
{
    struct error err = {0};
    int status = serving[work->kind](runner, work, &err);
    answer(runner, work, status, &err);
    json_decref(runner->history);
    runner->history = NULL;
    log_request(NULL);
}

/* One word of all that have ended. */
static void answer_ended(struct runner *runner, const struct works *works, const bool *settled)
{
    static struct word word; /* 32 KiB: not on the stack */
    word.kind = WORD_ENDED;
    word.length = 0;
    for (size_t i = 0; i < works->count; i++)
        if (settled[i])
            word_add_serial(&word, works->list[i].serial);
    if (word.length > 0)
        send_word(runner, &word);
}

/* Light ones go together where they can, and everything else by itself. */
static void serve_all(struct runner *runner, const struct works *works)
{
    bool settled[WORKS_MOST] = {false};
    store_begin(runner->store);
    if (works->count > 0 && works->list[0].light) {
        settle_light(runner, works, settled);
        answer_ended(runner, works, settled);
    }
    for (size_t i = 0; i < works->count; i++)
        if (!settled[i])
            serve(runner, &works->list[i]);
}

/* Is there work, or an end of the link? Signals are let in only while this waits: one that came
 * between looking and waiting would be seen no sooner than the next request. What the last work has
 * left in memory goes once there has been none for a while. */
static bool wait_for_work(struct runner *runner, bool *rested)
{
    struct pollfd link = {.fd = runner->socket, .events = POLLIN};
    const struct timespec rest = {.tv_sec = REST_S};
    sigset_t told, usual;
    sigemptyset(&told);
    sigaddset(&told, SIGTERM);
    sigaddset(&told, SIGHUP);
    sigprocmask(SIG_BLOCK, &told, &usual);
    if (prefork_hangup())
        runner_reload(runner);
    int ready = prefork_stopping ? -1 : ppoll(&link, 1, *rested ? NULL : &rest, &usual);
    sigprocmask(SIG_SETMASK, &usual, NULL);
    *rested = *rested || ready == 0;
    if (ready == 0) {
        journal_rest(runner->journal);
        malloc_trim(0);
    }
    return ready > 0;
}

int runner_run(const struct worker_config *config, struct watermark *mark, struct metrics *metrics,
               int socket)
{
    static struct works works; /* not on the stack */
    struct runner runner;
    struct error err = {0};
    if (walls_raise(config, PROCESS_RUNNER, &err) < 0 ||
        runner_open(config, mark, socket, &runner, &err) < 0) {
        log_error("%s", err.text);
        return EXIT_FAILURE;
    }
    int status = EXIT_SUCCESS;
    bool rested = false;
    runner_measure(&runner, metrics);
    while (!prefork_stopping) {
        if (!wait_for_work(&runner, &rested))
            continue;
        rested = false;
        int got = works_receive(socket, &works, &err);
        if (got > 0)
            break; /* the link is gone; the supervisor brings both back */
        if (got < 0) {
            log_error("%s", err.text);
            status = EXIT_FAILURE;
            break;
        }
        /* A signal may have come together with the work, and whoever sent it waits for no more
         * than the keeper's word that the new policy counts. */
        if (prefork_hangup())
            runner_reload(&runner);
        serve_all(&runner, &works);
    }
    runner_close(&runner);
    return status;
}
