/*
 * What an engine says a container or an image is, as JSON that parses: what users are shown of it,
 * what a plan makes of it and how it is compared, and whether its labels are taken for ours.
 */
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/usual_plan.h"
#include "worker/describe.h"
#include "worker/engine_private.h"
#include "worker/granted.h"
#include "worker/labels.h"
#include "worker/plan_again.h"

#define IDENTITY "FUZZ:FUZZ"
#define REQUEST "0193a1b2-0000-7000-8000-000000000001"

static const struct ports ports = {
    .count = 2, .list = {{"127.0.0.1", 8080, 80, "tcp"}, {"127.0.0.1", 5353, 53, "udp"}}};

static struct keyring *the_keyring(void)
{
    static const char line[] =
        "k1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
    static struct keyring *keyring;

    if (!keyring) {
        struct fuzz_file file = fuzz_file_of((const uint8_t *)line, sizeof(line) - 1);
        HOLDS(keyring_read(file.path, &keyring, NULL) == 0);
        fuzz_file_close(&file);
    }
    return keyring;
}

static void check_shown(const json_t *inspected)
{
    struct ports published = {0};
    uint16_t ssh_port = 0;
    int64_t time = 0;

    describe_ports(inspected, &published, &ssh_port);
    HOLDS(published.count <= PORTS_MAX);
    const struct description description = {
        .name = "web",
        .state = "running",
        .address = "127.0.0.1",
        .ssh_port = ssh_port,
        .ports = &published,
        .image = "debian-ssh",
        .created = text_at(inspected, "Created"),
    };
    json_auto_t *described = describe_container(&description);
    HOLDS(described != NULL);
    describe_time(description.created, &time);

    json_auto_t *args = NULL;
    struct error err = {0};
    if (granted_args(inspected, &args, &err) < 0)
        fuzz_check_error(&err);
    else
        HOLDS(json_is_object(args));
}

/* Only alice's labels are signed with this key: nobody else's may be believed. */
static void check_labels(const json_t *inspected)
{
    const json_t *labels = json_object_get(json_object_get(inspected, "Config"), "Labels");
    const struct labels bobs = {.user = "bob"}, others = {.kind = "volume"};

    HOLDS(!labels_verify(the_keyring(), IDENTITY, labels, &bobs));
    HOLDS(!labels_verify(the_keyring(), IDENTITY, labels, &others));
    HOLDS(!labels_verify(the_keyring(), "another engine", labels, &(struct labels){0}));
}

static void check_plan(const json_t *value)
{
    const struct labels facts = {
        .kind = "container", .user = "alice", .name = "web", .request = REQUEST};
    json_auto_t *labels = labels_sign(the_keyring(), IDENTITY, &facts);
    struct container_plan plan = usual_plan;
    struct error err = {0};

    plan.image = value;
    plan.labels = labels;
    plan.ports = &ports;
    if (plan_check_image(value, &err) < 0)
        fuzz_check_error(&err);
    json_auto_t *body = plan_body(&plan);
    HOLDS(body != NULL);
    /* Whatever the image says, these are ours. */
    HOLDS(strcmp(text_at(body, "User"), "0:0") == 0);
    HOLDS(json_is_false(json_object_get(json_object_get(body, "HostConfig"), "Privileged")));
    HOLDS(labels_verify(the_keyring(), IDENTITY, json_object_get(body, "Labels"), &facts));
    if (plan_verify(&plan, value, &err) < 0)
        fuzz_check_error(&err);
    json_auto_t *again = plan_again_body(&plan, value);
    if (again && plan_again_verify(&plan, value, value, &err) < 0)
        fuzz_check_error(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(string) char *text = fuzz_text(data, size);
    const struct engine_answer answer = {.status = 200, .bytes = text, .length = size};
    json_auto_t *value = NULL;
    struct error err = {0};

    if (engine_decode(&answer, &value, &err) < 0) {
        fuzz_check_error(&err);
        return 0;
    }
    check_shown(value);
    check_labels(value);
    check_plan(value);
    return 0;
}
