/* What a runner, and the keeper, has open and knows. */
#include "worker/runner.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/members.h"
#include "schemas/policy_document.h"
#include "worker/addresses.h"
#include "worker/audit.h"

int runner_open(const struct worker_config *config, struct watermark *mark, int socket,
                struct runner *ret_runner, struct error *err)
{
    struct runner runner = {.config = config, .mark = mark, .socket = socket};
    char journal[PATH_MAX];
    snprintf(journal, sizeof journal, "%s/journal.db", config->state);
    if (policy_document_read(config->policy, &runner.policy, err) < 0 ||
        keyring_read(config->keyring, &runner.keyring, err) < 0 ||
        addresses_read(config, &runner.addresses, err) < 0 ||
        engine_new(config->engine, &runner.engine, err) < 0 ||
        store_new(config->store, config->server, mark, &runner.store, err) < 0 ||
        audit_check(config->audit, err) < 0 || journal_open(journal, &runner.journal, err) < 0) {
        runner_close(&runner);
        return -1;
    }
    *ret_runner = runner;
    return 0;
}

void runner_close(struct runner *runner)
{
    journal_close(runner->journal);
    store_free(runner->store);
    engine_free(runner->engine);
    keyring_free(runner->keyring);
    addresses_free(runner->addresses);
    json_decref(runner->policy);
    *runner = (struct runner){.socket = -1};
}

void runner_measure(struct runner *runner, struct metrics *metrics)
{
    runner->metrics = metrics;
    engine_measure(runner->engine, metrics);
    store_measure(runner->store, metrics);
}

int runner_identity(struct runner *runner, struct error *err)
{
    if (runner->identity[0])
        return 0;
    return engine_identity(runner->engine, runner->identity, err);
}

int runner_look(struct runner *runner, struct error *err)
{
    json_auto_t *info = NULL;
    if (runner->data_root[0] && engine_is_met(runner->engine))
        return 0;
    if (engine_info(runner->engine, &info, err) < 0 ||
        engine_identity_of(info, runner->identity, err) < 0 ||
        id_map_read(info, SUBUID_FILE, SUBGID_FILE, &runner->ids, err) < 0)
        return -1;
    const char *root = text_at(info, "DockerRootDir");
    snprintf(runner->data_root, sizeof runner->data_root, "%s", root ? root : "");
    engine_meet(runner->engine);
    return 0;
}

int runner_trust(struct runner *runner, struct error *err)
{
    uint64_t generation = GENERATION_UNKNOWN, seq = 0;
    if (journal_store(runner->journal, &generation, &seq, err) < 0)
        return -1;
    if (generation == GENERATION_UNKNOWN)
        watermark_doubt(runner->mark); /* no worker has compared it yet */
    watermark_rise(runner->mark, seq);
    store_trust(runner->store, generation);
    return store_check(runner->store, err);
}

bool runner_has_address(const struct runner *runner, const char *address)
{
    char **known = runner->addresses;
    while (*known && strcmp(*known, address) != 0)
        known++;
    return *known != NULL;
}

void runner_reload(struct runner *runner)
{
    struct error err = {0};
    json_t *policy = NULL;
    struct keyring *keyring = NULL;
    char **addresses = NULL;
    if (policy_document_read(runner->config->policy, &policy, &err) < 0) {
        log_error("the old policy stays: %s", err.text);
    } else {
        json_decref(runner->policy);
        runner->policy = policy;
        log_info("policy read again");
    }
    if (keyring_read(runner->config->keyring, &keyring, &err) < 0) {
        log_error("the old keyring stays: %s", err.text);
    } else {
        keyring_free(runner->keyring);
        runner->keyring = keyring;
    }
    if (addresses_read(runner->config, &addresses, &err) < 0) {
        log_error("the old addresses stay: %s", err.text);
    } else {
        addresses_free(runner->addresses);
        runner->addresses = addresses;
    }
}
