/* The policy's file, and every judgement by what of it is accepted. */
#include <string.h>

#include "common/auto.h"
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

static void judge(const json_t *policy, const char *user, const json_t *args,
                  const struct ports *wanted)
{
    struct policy_grant grant = {.memory = -1, .millicpus = -1, .pids = -1};
    struct policy_limits limits;
    struct error err = {0};

    policy_limits(policy, user, NOW, &limits);
    if (policy_check_create(policy, user, NOW, args, wanted, &grant, &err) < 0) {
        fuzz_check_error(&err);
        HOLDS(err.fault == FAULT_DENIED && err.rule[0]);
        HOLDS(grant.memory == -1 && grant.millicpus == -1 && grant.pids == -1);
        return;
    }
    HOLDS(limits.containers > 0);
    HOLDS(grant.memory > 0 && grant.memory <= limits.memory.each);
    HOLDS(grant.millicpus > 0 && grant.millicpus <= limits.millicpus.each);
    HOLDS(grant.pids > 0 && grant.pids <= limits.pids.each);
    HOLDS(policy_check_suspended(policy, user, NULL) == 0);
}

/* What the list says is granted, is. */
static void check_images(const json_t *policy, const char *user)
{
    json_auto_t *images = policy_images(policy, user, NOW);
    size_t i;
    json_t *image;

    HOLDS(json_is_array(images));
    if (policy_check_suspended(policy, user, NULL) < 0)
        return;
    json_array_foreach(images, i, image)
        HOLDS(policy_check_image(policy, user, NOW, json_string_value(image), NULL) == 0);
}

static void check_person(const json_t *policy, const char *user)
{
    struct error err = {0};

    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        json_auto_t *args = json_loads(asked[i], 0, NULL);
        for (size_t j = 0; j < sizeof(ports) / sizeof(ports[0]); j++)
            judge(policy, user, args, &ports[j]);
    }
    check_images(policy, user);
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
    for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++)
        check_person(policy, people[i]);
    json_auto_t *known = policy_people(policy);
    HOLDS(json_is_object(known));
    return 0;
}
