#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "worker/engine_private.h"

bool engine_is_image_name(const char *text)
{
    static const char prefix[] = "dcm.local/";
    char user[USER_NAME_MAX + 1];

    if (!text || strncmp(text, prefix, strlen(prefix)) != 0)
        return false;
    const char *rest = text + strlen(prefix);
    size_t length = strcspn(rest, "/");
    if (length >= sizeof(user) || rest[length] == '\0')
        return false;
    memcpy(user, rest, length);
    user[length] = '\0';
    return name_is_user(user) && name_is_image(rest + length + 1);
}

static int check_reference(const char *reference, struct error *err)
{
    if (name_is_image_reference(reference) || engine_is_image_name(reference))
        return 0;
    return fail(err, FAULT_INVALID, "not an image's name or id");
}

int engine_image_inspect(struct engine *engine, const char *reference, json_t **ret_image,
                         struct error *err)
{
    char path[ENGINE_PATH_SIZE];
    const struct engine_call call = {.method = "GET", .path = path};

    if (check_reference(reference, err) < 0)
        return -1;
    snprintf(path, sizeof(path), "/images/%s/json", reference);
    return engine_ask(engine, &call, ret_image, err);
}

int engine_image_list(struct engine *engine, bool ours, json_t **ret_images, struct error *err)
{
    const struct engine_call call = {
        .method = "GET", .path = "/images/json", .query = {ours ? ENGINE_OURS : NULL}};
    return engine_ask_list(engine, &call, ret_images, err);
}

int engine_image_remove(struct engine *engine, const char *reference, struct error *err)
{
    char path[ENGINE_PATH_SIZE];
    const struct engine_call call = {.method = "DELETE", .path = path};
    AUTO(engine_answer) struct engine_answer answer = {0};

    if (check_reference(reference, err) < 0)
        return -1;
    snprintf(path, sizeof(path), "/images/%s", reference);
    if (engine_exchange(engine, &call, &answer, err) < 0)
        return -1;
    if (engine_agrees(&answer) || answer.status == 404)
        return 0;
    return engine_refused(&answer, err);
}

/* Where the new image is to be found; an image without a name has no such place. */
static void write_place(const char *image_name, char name[ENGINE_PATH_SIZE],
                        char tag[ENGINE_PATH_SIZE])
{
    const char *colon = image_name ? strchr(image_name, ':') : NULL;

    name[0] = tag[0] = '\0';
    if (!image_name)
        return;
    snprintf(name, ENGINE_PATH_SIZE, "repo=%.*s", (int)strcspn(image_name, ":"), image_name);
    snprintf(tag, ENGINE_PATH_SIZE, "tag=%s", colon ? colon + 1 : "latest");
}

int engine_commit(struct engine *engine, const struct engine_commit *commit,
                  char ret_id[ENGINE_ID_SIZE], struct error *err)
{
    static const char digest[] = "sha256:";
    char container[ENGINE_PATH_SIZE], name[ENGINE_PATH_SIZE], tag[ENGINE_PATH_SIZE];
    AUTO(string) char *comment = NULL;
    json_auto_t *created = NULL;

    if (!name_is_engine_id(commit->container) ||
        (commit->name && !engine_is_image_name(commit->name)))
        return fail(err, FAULT_INVALID, "neither a container's full id nor an image's name");
    if (commit->message && asprintf(&comment, "comment=%s", commit->message) < 0)
        return fail(err, FAULT_DEPENDENCY, "out of memory");
    snprintf(container, sizeof(container), "container=%s", commit->container);
    write_place(commit->name, name, tag);
    const struct engine_call call = {.method = "POST",
                                     .path = "/commit",
                                     .query = {container, "pause=1", comment ? comment : "comment=",
                                               commit->name ? name : NULL, tag},
                                     .body = commit->config,
                                     .timeout_s = ENGINE_COMMIT_TIMEOUT_S};
    if (engine_ask(engine, &call, &created, err) < 0)
        return -1;
    const char *id = text_at(created, "Id");
    if (!id || strncmp(id, digest, strlen(digest)) != 0 || !name_is_engine_id(id + strlen(digest)))
        return fail(err, FAULT_ENGINE, "the engine does not say the new image's id");
    memcpy(ret_id, id + strlen(digest), ENGINE_ID_SIZE);
    return 0;
}

int engine_container_bytes(struct engine *engine, const char *id, int64_t *ret_bytes,
                           struct error *err)
{
    char path[ENGINE_PATH_SIZE];
    const struct engine_call call = {
        .method = "GET", .path = path, .query = {"size=1"}, .timeout_s = ENGINE_COMMIT_TIMEOUT_S};
    json_auto_t *container = NULL;

    if (!name_is_engine_id(id))
        return fail(err, FAULT_INVALID, "not a container's full id");
    snprintf(path, sizeof(path), "/containers/%s/json", id);
    if (engine_ask(engine, &call, &container, err) < 0)
        return -1;
    const json_t *size = json_object_get(container, "SizeRootFs");
    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return fail(err, FAULT_ENGINE, "the engine does not say how large the container is");
    *ret_bytes = json_integer_value(size);
    return 0;
}
