#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/log.h"
#include "common/members.h"
#include "schemas/units.h"
#include "worker/describe.h"
#include "worker/granted.h"
#include "worker/locks.h"
#include "worker/policy.h"
#include "worker/requests/requests.h"
#include "worker/storage.h"
#include "worker/store_containers.h"

void engine_name_of(const char *user, const char *name, char ret_name[ENGINE_NAME_SIZE])
{
    snprintf(ret_name, ENGINE_NAME_SIZE, "dcm.%s.%s", user, name);
}

void engine_network_of(const char *user, char ret_name[ENGINE_NAME_SIZE])
{
    snprintf(ret_name, ENGINE_NAME_SIZE, "dcm.%s", user);
}

const char *container_state(const json_t *inspected)
{
    const json_t *state = json_object_get(inspected, "State");
    if (flag_at(state, "Paused"))
        return "paused";
    return flag_at(state, "Running") ? "running" : "stopped";
}

/* The labels prove that it is this container, and so does its name with this word behind it. */
static bool is_called(const struct runner *runner, const json_t *inspected,
                      const struct labels *expected, const char *word)
{
    char engine_name[ENGINE_NAME_SIZE];
    const char *actual = text_at(inspected, "Name");
    const json_t *labels = json_object_get(json_object_get(inspected, "Config"), "Labels");
    engine_name_of(expected->user, expected->name, engine_name);
    size_t length = strlen(engine_name);
    /* The engine puts a slash before the names that it shows. */
    return actual && actual[0] == '/' && strncmp(actual + 1, engine_name, length) == 0 &&
           strcmp(actual + 1 + length, word) == 0 &&
           labels_verify(runner->keyring, runner->identity, labels, expected);
}

bool container_is_ours(const struct runner *runner, const json_t *inspected, const char *user,
                       const char *name, const char *request)
{
    struct labels expected = {.kind = "container", .user = user, .name = name, .request = request};
    return is_called(runner, inspected, &expected, "");
}

bool container_is_aside(const struct runner *runner, const json_t *inspected, const char *user,
                        const char *name, bool *ret_ran)
{
    struct labels expected = {.kind = "container", .user = user, .name = name};
    *ret_ran = is_called(runner, inspected, &expected, ENGINE_ASIDE_RUNNING);
    return *ret_ran || is_called(runner, inspected, &expected, ENGINE_ASIDE_STOPPED);
}

/* One that stands aside is its own request's alone, which has it in the journal. */
static int check_mark(const struct runner *runner, const struct job *job, const json_t *inspected,
                      const char *name, struct error *err)
{
    bool ran = false;
    const char *id = text_at(inspected, "Id");
    if (container_is_ours(runner, inspected, job->request.user, name, NULL))
        return 0;
    if (!container_is_aside(runner, inspected, job->request.user, name, &ran))
        return fail(err, FAULT_NOT_FOUND, "%s does not carry DCM's mark: tell your administrator",
                    name);
    bool is_its_own =
        job->request.op == OP_CONTAINER_RECREATE && id && strcmp(id, job->container) == 0;
    return is_its_own
               ? 0
               : fail(err, FAULT_CONFLICT, "%s is being recreated: try again in a moment", name);
}

int owned_find(struct runner *runner, const struct job *job, struct owned *ret_owned,
               struct error *err)
{
    const char *user = job->request.user;
    const char *reference = text_at(job->request.args, "container");
    json_auto_t *entry = NULL;
    json_auto_t *inspected = NULL;
    if (runner_identity(runner, err) < 0 ||
        store_container(runner->store, user, reference, &entry, err) < 0)
        return -1;
    const json_t *container = json_object_get(entry, "container");
    const char *server = text_at(entry, "server");
    const char *name = text_at(container, "name");
    const char *id = text_at(container, "id");
    if (!server || !name)
        return fail(err, FAULT_INTERNAL, "the index entry of '%s' is damaged", reference);
    if (strcmp(server, runner->config->server) != 0)
        return fail(err, FAULT_CONFLICT, "%s is on the server %s, which this one cannot reach",
                    name, server);
    if (!id)
        return fail(err, FAULT_CONFLICT, "%s is still being created: try again in a moment", name);
    if (engine_container_inspect(runner->engine, id, &inspected, err) < 0)
        return err->fault == FAULT_NOT_FOUND
                   ? fail(err, FAULT_NOT_FOUND, "%s no longer exists: it was removed by hand", name)
                   : -1;
    if (check_mark(runner, job, inspected, name, err) < 0)
        return -1;
    ret_owned->name = name;
    ret_owned->id = text_at(inspected, "Id");
    ret_owned->entry = TAKE(entry);
    ret_owned->inspected = TAKE(inspected);
    return 0;
}

int owned_judge(struct runner *runner, const struct job *job, struct verdicts *verdicts,
                struct owned *ret_owned, struct error *err)
{
    const char *reference = text_at(job->request.args, "container");
    if (owned_find(runner, job, ret_owned, err) < 0)
        return verdict_refused(verdicts, err, "container %s", reference);
    return verdict_allowed(verdicts, "", "container %s, your own", ret_owned->name);
}

void owned_clear(struct owned *owned)
{
    json_decref(owned->entry);
    json_decref(owned->inspected);
    *owned = (struct owned){0};
}

/* A user's own image needs no grant, and does not keep him from being suspended. */
static bool is_of_own_image(struct runner *runner, const char *user, const struct owned *owned)
{
    const char *id = text_at(owned->inspected, "Image");
    json_auto_t *image = NULL;
    struct error unseen = {0};
    return id && engine_image_inspect(runner->engine, id, &image, &unseen) == 0 &&
           image_is_ours(runner, image, user, NULL, NULL);
}

static int check_storage(const struct runner *runner, const char *user, struct verdicts *verdicts,
                         struct error *err)
{
    struct policy_limits limits;
    policy_limits(runner->policy, user, timestamp_now(), &limits);
    if (storage_check(runner->config->storage, user, &limits.storage, err) == 0)
        return 0;
    return verdict_refused(verdicts, err, "your storage on this server");
}

int container_check_policy(struct runner *runner, const char *user, const struct owned *owned,
                           const struct ports *ports, struct verdicts *verdicts, struct error *err)
{
    const json_t *container = json_object_get(owned->entry, "container");
    const char *name = text_at(container, "image");
    json_auto_t *args = NULL;
    struct policy_grant unused;
    struct ports present;
    uint16_t ssh_port;
    if (granted_args(owned->inspected, &args, err) < 0)
        return -1;
    if (!name)
        name = "";
    if (is_of_own_image(runner, user, owned))
        verdict_allowed(verdicts, "", "image %s, your own", name);
    else
        json_object_set_new(args, "image", json_string(name));
    describe_ports(owned->inspected, &present, &ssh_port);
    if (policy_judge_create(runner->policy, user, timestamp_now(), args, ports ? ports : &present,
                            verdicts, &unused, err) < 0 ||
        check_storage(runner, user, verdicts, err) < 0)
        return -1;
    return host_judge(runner, args, verdicts, err);
}

int container_release(struct runner *runner, const char *user, const char *name,
                      const char *request, struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    char network[ENGINE_NAME_SIZE];
    bool last = false;
    if (lock_take(runner->config->state, LOCK_NETWORK, user, false, &lock, err) < 0 ||
        store_release(runner->store, user, name, request, &last, err) < 0)
        return -1;
    if (!last)
        return 0;
    engine_network_of(user, network);
    if (engine_network_remove(runner->engine, network, err) == 0)
        return 0;
    if (fault_fate(err->fault) == FATE_RETRY)
        return -1;
    log_warning("the network of %s stays for now: %s", user, err->text);
    return 0;
}
