#include "worker/once.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/auto.h"
#include "common/log.h"
#include "common/members.h"
#include "schemas/digest.h"
#include "schemas/identifier.h"
#include "schemas/keys.h"
#include "schemas/names.h"
#include "schemas/policy_document.h"
#include "schemas/units.h"
#include "worker/difference.h"
#include "worker/keeper.h"
#include "worker/labels.h"
#include "worker/locks.h"
#include "worker/policy.h"

#define NOT_FOUND 4
#define PATIENCE_S 30 /* a keeper notices within seconds that the store has lost data */

int once_complain(int status, const char *text)
{
    fprintf(stderr, "dcm-worker: %s\n", text);
    return status;
}

static void print(const json_t *document)
{
    json_dumpf(document, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
}

int once_check_policy(const char *path)
{
    json_auto_t *policy = NULL;
    struct error err = {0};
    char version[DIGEST_SIZE];
    if (policy_document_read(path, &policy, &err) < 0)
        return once_complain(2, err.text);
    json_digest(policy, version);
    puts(version);
    return EXIT_SUCCESS;
}

int once_grants(const char *path)
{
    json_auto_t *policy = NULL, *people = NULL, *granted = json_object();
    struct error err = {0};
    const char *user = NULL;
    json_t *unused = NULL;
    if (policy_document_read(path, &policy, &err) < 0)
        return once_complain(2, err.text);
    people = policy_people(policy);
    json_object_set_new(people, EVERYBODY, json_true());
    json_object_foreach(people, user, unused)
        json_object_set_new(granted, user, policy_grants(policy, user, timestamp_now()));
    print(granted);
    return EXIT_SUCCESS;
}

/* Without a worker we put the store in order, and no worker starts meanwhile. One that runs has
 * already begun to. */
static int put_in_order(struct runner *runner, struct error *err)
{
    bool busy = false, unused = false;
    if (lock_server(runner->config->state, false, &busy, err) < 0)
        return -1;
    if (!busy)
        return keeper_open_store(runner, &unused, err);
    for (int waited = 0; waited < PATIENCE_S; waited++) {
        if (runner_trust(runner, err) == 0)
            return 0;
        sleep(1);
    }
    return -1;
}

/* What another look shows too: what was only under way does not stay. */
static json_t *in_both(const json_t *first, const json_t *second)
{
    json_t *both = json_array();
    for (size_t i = 0; i < json_array_size(first); i++)
        for (size_t j = 0; j < json_array_size(second); j++)
            if (json_equal(json_array_get(first, i), json_array_get(second, j)))
                json_array_append(both, json_array_get(first, i));
    return both;
}

static int look_twice(struct runner *runner, json_t **ret_found, struct error *err)
{
    json_auto_t *first = NULL, *second = NULL;
    if (keeper_survey(runner, false, &first, err) < 0)
        return -1;
    if (json_array_size(first) > 0)
        sleep(1);
    if (keeper_survey(runner, false, &second, err) < 0)
        return -1;
    *ret_found = in_both(first, second);
    return 0;
}

/* Is something left that can be put right? */
static bool is_left(const json_t *found)
{
    for (size_t i = 0; i < json_array_size(found); i++) {
        const json_t *item = json_array_get(found, i);
        const char *kind = text_at(item, "kind");
        if (!flag_at(item, "done") &&
            strcmp(kind ? kind : "", difference_name(DIFFERENCE_UNVERIFIED)) != 0)
            return true;
    }
    return false;
}

/* The index says nothing before that is done. */
static json_t *lost_store(void)
{
    return json_pack("[{s:s, s:s}]", "kind", "store", "remedy",
                     "put back what engine and journal know: it has lost data");
}

static int reconcile(struct runner *runner, bool apply, json_t **ret_found, struct error *err)
{
    if (runner_trust(runner, err) < 0) {
        if (err->fault != FAULT_DEPENDENCY || !watermark_is_doubted(runner->mark))
            return -1;
        if (!apply) {
            *ret_found = lost_store();
            return 0;
        }
        if (put_in_order(runner, err) < 0)
            return -1;
    }
    if (look_twice(runner, ret_found, err) < 0)
        return -1;
    return apply ? keeper_settle(runner, *ret_found, err) : 0;
}

int once_reconcile(const struct worker_config *config, bool apply)
{
    struct error err = {0};
    AUTO(watermark) struct watermark *mark = NULL;
    json_auto_t *found = NULL;
    struct runner runner;
    log_open("dcm-worker", LOG_LEVEL_ERROR); /* what is done is in the report */
    if (watermark_new(&mark, &err) < 0 || runner_open(config, mark, -1, &runner, &err) < 0)
        return once_complain(EXIT_FAILURE, err.text);
    int status = reconcile(&runner, apply, &found, &err);
    for (size_t i = 0; i < json_array_size(found); i++)
        print(json_array_get(found, i));
    runner_close(&runner);
    if (status < 0)
        return once_complain(EXIT_FAILURE, err.text);
    return is_left(found) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static json_t *describe_entry(const char *id, const struct journal_entry *entry)
{
    char begun[TIMESTAMP_SIZE];
    timestamp_format(entry->begun, begun);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:s*, s:O*, s:O*}", "request", id, "state",
                     entry->state == JOURNAL_ENDED ? "ended" : "begun", "op", op_name(entry->op),
                     "publisher", entry->publisher, "begun", begun, "attempts",
                     (int)entry->attempts, "container",
                     entry->container[0] ? entry->container : NULL, "removed", entry->removed,
                     "result", entry->result);
}

/* *ret_journal stays NULL where no worker has begun anything: to open it would make it. */
static int open_journal(const struct worker_config *config, struct journal **ret_journal,
                        struct error *err)
{
    AUTO(string) char *path = NULL;
    if (asprintf(&path, "%s/journal.db", config->state) < 0)
        return fail(err, FAULT_INTERNAL, "out of memory");
    return access(path, F_OK) == 0 ? journal_open(path, ret_journal, err) : 0;
}

int once_journal(const struct worker_config *config, const char *id)
{
    struct error err = {0};
    AUTO(journal) struct journal *journal = NULL;
    AUTO(journal_entry) struct journal_entry entry = {0};
    if (!identifier_is_valid(id))
        return once_complain(2, "--journal: this is no request's id");
    if (open_journal(config, &journal, &err) < 0 ||
        (journal && journal_find(journal, id, &entry, &err) < 0))
        return once_complain(EXIT_FAILURE, err.text);
    if (entry.state == JOURNAL_UNKNOWN)
        return NOT_FOUND;
    json_auto_t *document = describe_entry(id, &entry);
    print(document);
    return EXIT_SUCCESS;
}

int once_forget(const struct worker_config *config, const char *user)
{
    struct error err = {0};
    AUTO(journal) struct journal *journal = NULL;
    bool left = false;
    if (!name_is_user(user))
        return once_complain(2, "--forget: this is no user's name");
    if (open_journal(config, &journal, &err) < 0 ||
        (journal && journal_forget_user(journal, user, &left, &err) < 0))
        return once_complain(EXIT_FAILURE, err.text);
    return left ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int sign_image(struct runner *runner, const char *user, const char *name, struct error *err)
{
    char request[IDENTIFIER_SIZE];
    identifier_new(request);
    struct labels facts = {.kind = "image", .user = user, .name = name, .request = request};
    if (runner_identity(runner, err) < 0)
        return -1;
    json_auto_t *labels = labels_sign(runner->keyring, runner->identity, &facts);
    if (!labels)
        return fail(err, FAULT_INTERNAL, "out of memory");
    print(labels);
    return 0;
}

int once_sign_image(const struct worker_config *config, const char *user, const char *name)
{
    struct error err = {0};
    struct runner runner;
    if (!name_is_user(user) || !name || !name_is_image(name) || !strchr(name, ':'))
        return once_complain(2, "--sign-image: name a user and an image of his, with its tag");
    log_open("dcm-worker", LOG_LEVEL_ERROR);
    if (runner_open(config, NULL, -1, &runner, &err) < 0)
        return once_complain(EXIT_FAILURE, err.text);
    int status = sign_image(&runner, user, name, &err);
    runner_close(&runner);
    return status < 0 ? once_complain(EXIT_FAILURE, err.text) : EXIT_SUCCESS;
}
