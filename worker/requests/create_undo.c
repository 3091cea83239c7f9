/*
 * Leave nothing of a create that has failed for good: found by its request alone, for what an
 * earlier attempt was granted, called or given may not be what this one would be.
 */
#include <string.h>

#include "common/members.h"
#include "worker/describe.h"
#include "worker/requests/requests.h"
#include "worker/store_containers.h"
#include "worker/store_keeper.h"

static bool is_of(const struct job *job, const char *request, const char *user)
{
    return request && user && strcmp(request, job->request.id) == 0 &&
           strcmp(user, job->request.user) == 0;
}

/* Is what this container has what was reserved? By its SSH port, which chance chose. */
static int is_reserved(struct runner *runner, const struct reservation *reservation,
                       const char *name, const char *id, bool *ret_is, struct error *err)
{
    json_auto_t *inspected = NULL;
    struct ports unused;
    uint16_t ssh_port = 0;
    if (engine_container_inspect(runner->engine, id, &inspected, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    describe_ports(inspected, &unused, &ssh_port);
    *ret_is = ssh_port == reservation->ssh_port && strcmp(name, reservation->name) == 0;
    return 0;
}

static int remove_container(struct runner *runner, const struct job *job, const json_t *container,
                            const struct reservation *but, struct error *err)
{
    const json_t *labels = json_object_get(container, "Labels");
    const char *id = text_at(container, "Id");
    const char *name = text_at(labels, "dcm.name");
    struct labels expected = {
        .kind = "container", .user = job->request.user, .request = job->request.id};
    bool stays = false;
    if (!id || !name || !labels_verify(runner->keyring, runner->identity, labels, &expected))
        return 0;
    if (but && is_reserved(runner, but, name, id, &stays, err) < 0)
        return -1;
    if (stays)
        return 0;
    if (container_destroy(runner, id, err) < 0)
        return -1;
    return but ? 0 : container_release(runner, job->request.user, name, job->request.id, err);
}

static int remove_containers(struct runner *runner, const struct job *job,
                             const struct reservation *but, struct error *err)
{
    json_auto_t *containers = NULL;
    size_t i = 0;
    json_t *container = NULL;
    if (runner_identity(runner, err) < 0 ||
        engine_container_list(runner->engine, &containers, err) < 0)
        return -1;
    json_array_foreach(containers, i, container)
    {
        const json_t *labels = json_object_get(container, "Labels");
        if (is_of(job, text_at(labels, "dcm.request"), text_at(labels, "dcm.user")) &&
            remove_container(runner, job, container, but, err) < 0)
            return -1;
    }
    return 0;
}

int create_undo_others(struct runner *runner, const struct job *job,
                       const struct reservation *reservation, struct error *err)
{
    return job->resumed ? remove_containers(runner, job, reservation, err) : 0;
}

/* A reservation that no container was made for yet. */
static int release_entries(struct runner *runner, const struct job *job, struct error *err)
{
    json_auto_t *entries = NULL;
    size_t i = 0;
    json_t *entry = NULL;
    if (store_containers_of_server(runner->store, &entries, err) < 0)
        return -1;
    json_array_foreach(entries, i, entry)
    {
        const char *name = text_at(json_object_get(entry, "container"), "name");
        if (name && is_of(job, text_at(entry, "request"), text_at(entry, "user")) &&
            container_release(runner, job->request.user, name, job->request.id, err) < 0)
            return -1;
    }
    return 0;
}

int request_create_undo(struct runner *runner, const struct job *job, struct error *err)
{
    if (remove_containers(runner, job, NULL, err) < 0)
        return -1;
    return release_entries(runner, job, err);
}
