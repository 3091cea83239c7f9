#include "worker/keeper.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/auto.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/members.h"
#include "common/mutant.h"
#include "common/prefork.h"
#include "schemas/digest.h"
#include "schemas/keys.h"
#include "schemas/units.h"
#include "worker/addresses.h"
#include "worker/journal_lives.h"
#include "worker/keeper_private.h"
#include "worker/policy.h"
#include "worker/store_keeper.h"
#include "worker/walls.h"

#define HEARTBEAT_MS 5000
#define COMPARE_MS 60000
#define PRUNE_MS 3600000
#define TROUBLE_MS 5000 /* with what is to run again: the next second will hardly mend it */
#define PAUSE_S 1

struct keeper {
    struct runner runner;
    struct engine *events;                               /* a stream occupies its connection */
    int64_t heartbeat_at, compare_at, prune_at, wake_at; /* clock_ms */
    int64_t publish_at;      /* milliseconds since the epoch, as grants end */
    struct error complained; /* the last that was said of what is out of reach: each once */
};

/* Events whose container may have changed its state. */
static const char *const telling[] = {"start",   "die",     "stop",    "kill", "pause",
                                      "unpause", "restart", "destroy", "oom",  NULL};

static void complain(struct keeper *keeper, const struct error *err)
{
    if (strcmp(keeper->complained.text, err->text) != 0)
        log_warning("%s", err->text);
    keeper->complained = *err;
}

static int heartbeat(struct keeper *keeper, struct error *err)
{
    const struct runner *runner = &keeper->runner;
    AUTO(string) char *addresses = addresses_text(runner->addresses);
    AUTO(string) char *keyring = keyring_ids(runner->keyring);
    char policy[DIGEST_SIZE];
    json_digest(runner->policy, policy);
    json_auto_t *facts = json_pack("{s:s, s:s, s:s?, s:s?, s:s}", "version", DCM_VERSION, "address",
                                   runner->addresses[0], "addresses", addresses, "keyring", keyring,
                                   "policy", policy);
    return store_heartbeat(keeper->runner.store, facts, err);
}

/* With each comparison, and as soon as an extra grant ends. */
static int publish(struct keeper *keeper, struct error *err)
{
    int64_t now = timestamp_now();
    if (now < keeper->publish_at)
        return 0;
    if (keeper_publish(&keeper->runner, err) < 0)
        return -1;
    keeper->publish_at = policy_next_end(keeper->runner.policy, now);
    return 0;
}

/* Rely upon the store that was put in order; or, where somebody doubts that it still is, look. */
static int attend_store(struct keeper *keeper, struct error *err)
{
    struct runner *runner = &keeper->runner;
    bool lost = false;
    if (!watermark_is_doubted(runner->mark) &&
        watermark_generation(runner->mark) != GENERATION_UNKNOWN) {
        store_begin(runner->store);
        return 0;
    }
    if (runner_identity(runner, err) < 0 || keeper_open_store(runner, &lost, err) < 0) {
        watermark_doubt(runner->mark);
        return -1;
    }
    if (lost)
        keeper->heartbeat_at = keeper->compare_at = 0; /* the rest of what users read there */
    return 0;
}

static int compare(struct keeper *keeper, struct error *err)
{
    struct runner *runner = &keeper->runner;
    json_auto_t *found = NULL;
    if (runner_look(runner, err) < 0)
        return -1;
    if (keeper_survey(runner, false, &found, err) < 0 || keeper_settle(runner, found, err) < 0)
        return -1;
    keeper_measure_differences(runner, found);
    return store_provide(runner->store, err);
}

static int wake(struct keeper *keeper, struct error *err)
{
    bool trouble = false;
    if (clock_ms() < keeper->wake_at)
        return 0;
    if (keeper_wake(&keeper->runner, &trouble, err) < 0)
        return -1;
    if (trouble)
        keeper->wake_at = clock_ms() + TROUBLE_MS;
    return 0;
}

static int do_what_is_due(struct keeper *keeper, struct error *err)
{
    int64_t now = clock_ms();
    metrics_set(keeper->runner.metrics, METRIC_SEEN, "keeper", (uint64_t)timestamp_now());
    if (attend_store(keeper, err) < 0)
        return -1;
    if (prefork_hangup()) {
        runner_reload(&keeper->runner);
        keeper->heartbeat_at = keeper->compare_at = 0;
    }
    if (now >= keeper->heartbeat_at) {
        keeper->heartbeat_at = now + HEARTBEAT_MS;
        keeper_measure_server(&keeper->runner);
        if (heartbeat(keeper, err) < 0 || keeper_answer_asked(&keeper->runner, err) < 0)
            return -1;
        journal_rest(keeper->runner.journal);
        malloc_trim(0); /* what work has left, most of all a comparison, which has all in hand */
    }
    if (now >= keeper->compare_at && !IS_MUTANT(MUTANT_NO_RECONCILE)) {
        keeper->publish_at = 0;
        if (compare(keeper, err) < 0 || publish(keeper, err) < 0)
            return -1;
        keeper->compare_at = now + COMPARE_MS;
        keeper->complained = (struct error){0};
    }
    if (publish(keeper, err) < 0 || keeper_expire(&keeper->runner, err) < 0 ||
        wake(keeper, err) < 0)
        return -1;
    if (now >= keeper->prune_at) {
        keeper->prune_at = now + PRUNE_MS;
        return journal_prune(keeper->runner.journal, timestamp_now() - 2000LL * REQUEST_RETENTION_S,
                             err);
    }
    return 0;
}

static bool is_telling(const char *action)
{
    for (const char *const *known = telling; action && *known; known++)
        if (strcmp(action, *known) == 0)
            return true;
    return false;
}

static int take_hint(struct keeper *keeper, const json_t *event, struct error *err)
{
    const json_t *actor = json_object_get(event, "Actor");
    const json_t *attributes = json_object_get(actor, "Attributes");
    const char *id = text_at(actor, "ID");
    const char *user = text_at(attributes, "dcm.user");
    const char *name = text_at(attributes, "dcm.name");
    struct labels expected = {.kind = "container"};
    if (!is_telling(text_at(event, "Action")) || !id || !user || !name)
        return 0;
    if (runner_identity(&keeper->runner, err) < 0)
        return -1;
    if (!labels_verify(keeper->runner.keyring, keeper->runner.identity, attributes, &expected))
        return 0; /* not ours, whatever it says */
    /* Started by somebody though its end had come? */
    if (lives_look_again(keeper->runner.journal, id, err) < 0)
        return -1;
    return keeper_refresh(&keeper->runner, user, name, id, err);
}

static int on_event(const json_t *event, void *context)
{
    struct keeper *keeper = context;
    struct error err = {0};
    if (prefork_stopping)
        return 1;
    bool is_hint = event && !IS_MUTANT(MUTANT_NO_RECONCILE);
    int status = is_hint ? take_hint(keeper, event, &err) : do_what_is_due(keeper, &err);
    if (status < 0)
        complain(keeper, &err);
    return status < 0;
}

static int keep(struct keeper *keeper, struct error *err)
{
    /* Events from here on; what came before is seen by the comparison. */
    int64_t since = timestamp_now() / 1000;
    keeper->compare_at = 0;
    if (lives_look_again(keeper->runner.journal, NULL, err) < 0)
        return -1;
    if (do_what_is_due(keeper, err) < 0)
        return -1;
    return engine_events(keeper->events, since, on_event, keeper, err);
}

int keeper_run(const struct worker_config *config, struct watermark *mark, struct metrics *metrics)
{
    struct keeper keeper = {0};
    struct error err = {0};
    if (walls_raise(config, PROCESS_KEEPER, &err) < 0 ||
        runner_open(config, mark, -1, &keeper.runner, &err) < 0 ||
        engine_new(config->engine, &keeper.events, &err) < 0) {
        log_error("%s", err.text);
        return EXIT_FAILURE;
    }
    runner_measure(&keeper.runner, metrics);
    engine_measure(keeper.events, metrics);
    while (!prefork_stopping) {
        if (keep(&keeper, &err) < 0)
            complain(&keeper, &err);
        /* Another engine may answer next time, or this one with its data elsewhere. */
        keeper.runner.identity[0] = keeper.runner.data_root[0] = '\0';
        if (!prefork_stopping)
            sleep(PAUSE_S);
    }
    engine_free(keeper.events);
    runner_close(&keeper.runner);
    return EXIT_SUCCESS;
}
