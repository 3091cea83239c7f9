/* The policy's file, and every judgement by what of it is accepted. */
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "schemas/grant.h"
#include "schemas/policy_document.h"
#include "schemas/ports.h"
#include "tests/fuzz/fuzz.h"
#include "worker/policy.h"

#define NOW INT64_C(1795467600000) /* 2026-11-23T21:00:00Z */

/* Two people whom the seeds' policies know, one whom none does, and everybody. */
static const char *const people[] = {"alice", "bob", "mallory", "*"};

static const char *const asked[] = {
    "{\"image\":\"debian-ssh\"}",
    "{}",
    "{\"image\":\"debian-ssh\",\"memory\":9007199254740992,\"millicpus\":1024000,\"pids\":4194304}",
    "{\"image\":\"cuda:12\",\"memory\":6291456,\"millicpus\":10,\"pids\":1}",
};
static const struct ports ports[] = {
    {.count = 0},
    {.count = 2, .list = {{"10.0.0.2", 80, 80, "tcp"}, {"", 53, 53, "udp"}}},
};

static bool is_suspended(const json_t *policy, const char *user)
{
    size_t i;
    json_t *name;

    json_array_foreach(json_object_get(policy, "suspended"), i,
                       name) if (strcmp(json_string_value(name), user) == 0) return true;
    return false;
}

/* Explained, it comes to the same. */
static void explain(const json_t *policy, const char *user, const json_t *args,
                    const struct ports *wanted, bool refused)
{
    struct policy_grant grant;
    struct error err = {0};
    AUTO(verdicts) struct verdicts verdicts = {0};

    verdicts_begin(&verdicts, false);
    HOLDS(policy_judge_create(policy, user, NOW, args, wanted, &verdicts, &grant, &err) == 0);
    HOLDS(verdicts.refused == refused);
    HOLDS(json_array_size(verdicts.list) > 0);
}

static void judge(const json_t *policy, const char *user, const json_t *args,
                  const struct ports *wanted)
{
    struct policy_grant grant = {.memory = -1, .millicpus = -1, .pids = -1};
    struct policy_limits limits;
    struct error err = {0};

    policy_limits(policy, user, NOW, &limits);
    bool refused = policy_check_create(policy, user, NOW, args, wanted, &grant, &err) < 0;
    explain(policy, user, args, wanted, refused);
    if (refused) {
        fuzz_check_error(&err);
        HOLDS(err.fault == FAULT_DENIED && err.rule[0]);
        HOLDS(grant.memory == -1 && grant.millicpus == -1 && grant.pids == -1);
        return;
    }
    HOLDS(limits.containers > 0);
    HOLDS(grant.memory > 0 && grant.memory <= limits.memory.each);
    HOLDS(grant.millicpus > 0 && grant.millicpus <= limits.millicpus.each);
    HOLDS(grant.pids > 0 && grant.pids <= limits.pids.each);
    HOLDS(!is_suspended(policy, user));
}

/* What the list says is granted, is. */
static void check_images(const json_t *policy, const char *user)
{
    json_auto_t *images = policy_images(policy, user, NOW);
    size_t i;
    json_t *image;

    HOLDS(json_is_array(images));
    if (is_suspended(policy, user))
        return;
    json_array_foreach(images, i, image)
        HOLDS(policy_check_image(policy, user, NOW, json_string_value(image), NULL) == 0);
}

/* What is published is what users' programs read. */
static void check_grants(const json_t *policy, const char *user)
{
    json_auto_t *grants = policy_grants(policy, user, NOW);
    size_t i;
    json_t *grant;

    HOLDS(json_array_size(grants) > 0);
    json_array_foreach(grants, i, grant) HOLDS(grant_check(grant, NULL) == 0);
}

static void check_person(const json_t *policy, const char *user)
{
    struct error err = {0};

    for (size_t i = 0; i < COUNT(asked); i++) {
        json_auto_t *args = json_loads(asked[i], 0, NULL);
        for (size_t j = 0; j < COUNT(ports); j++)
            judge(policy, user, args, &ports[j]);
    }
    check_images(policy, user);
    check_grants(policy, user);
    if (policy_check_publisher(policy, "dcm-gate", user, &err) < 0)
        fuzz_check_error(&err);
    HOLDS(policy_check_publisher(policy, "", user, NULL) == -1);
    policy_check_address(policy, user, NOW, "10.0.0.2", NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_auto_t *policy = NULL;
    struct error err = {0};

    if (policy_document_decode((const char *)data, size, &policy, &err) < 0) {
        fuzz_check_error(&err);
        HOLDS(!policy);
        return 0;
    }
    for (size_t i = 0; i < COUNT(people); i++)
        check_person(policy, people[i]);
    json_auto_t *known = policy_people(policy);
    HOLDS(json_is_object(known));
    HOLDS(policy_next_end(policy, NOW) > NOW);
    return 0;
}
