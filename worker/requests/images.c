/* What the requests about users' own images share: their names, and whose they are. */
#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "schemas/run_options.h"
#include "schemas/units.h"
#include "worker/granted.h"
#include "worker/policy.h"
#include "worker/requests/requests.h"
#include "worker/store_images.h"

/* The engine's own bound (layer.maxLayerDepth in Docker 20.10): a container of an image with so
 * many runs, but cannot be committed ("max depth exceeded"). A commit without a change adds none.
 */
#define LAYERS_MOST 125
#define LAYERS_MANY 100 /* time to warn */

#define RESERVED "dcm.local/" /* nobody can ask for a name with a registry in it */

void engine_image_of(const char *user, const char *name, char ret_name[ENGINE_IMAGE_SIZE])
{
    snprintf(ret_name, ENGINE_IMAGE_SIZE, RESERVED "%s/%s", user, name);
}

const char *image_name_within(const char *user, const char *engine_name)
{
    char prefix[ENGINE_IMAGE_SIZE];
    engine_image_of(user, "", prefix);
    size_t length = strlen(prefix);
    return strncmp(engine_name, prefix, length) == 0 ? engine_name + length : engine_name;
}

const char *image_granted_name(const struct runner *runner, const char *user, const json_t *image)
{
    struct error unheard = {0};
    size_t i = 0;
    json_t *tag = NULL;
    json_array_foreach(json_object_get(image, "RepoTags"), i, tag)
    {
        const char *name = json_string_value(tag);
        if (policy_check_image(runner->policy, user, timestamp_now(), name, &unheard) == 0)
            return name;
    }
    return NULL;
}

bool image_has_tag(const json_t *image, const char *engine_name)
{
    const json_t *tags = json_object_get(image, "RepoTags");
    for (size_t i = 0; i < json_array_size(tags); i++)
        if (strcmp(json_string_value(json_array_get(tags, i)), engine_name) == 0)
            return true;
    return false;
}

bool image_is_ours(const struct runner *runner, const json_t *image, const char *user,
                   const char *name, const char *request)
{
    struct labels expected = {.kind = "image", .user = user, .name = name, .request = request};
    const json_t *config = json_object_get(image, "Config");
    const json_t *labels = json_object_get(config ? config : image, "Labels");
    return labels_verify(runner->keyring, runner->identity, labels, &expected);
}

const char *image_known_as(const struct runner *runner, const char *user, const json_t *image)
{
    struct labels changes = {.kind = KIND_CHANGES, .user = user};
    const json_t *labels = json_object_get(json_object_get(image, "Config"), "Labels");
    const char *tag = image_granted_name(runner, user, image);
    if (!tag)
        tag = json_string_value(json_array_get(json_object_get(image, "RepoTags"), 0));
    if (tag)
        return image_name_within(user, tag);
    const char *name = text_at(labels, "dcm.name");
    if (name && (image_is_ours(runner, image, user, NULL, NULL) ||
                 labels_verify(runner->keyring, runner->identity, labels, &changes)))
        return name;
    return text_at(image, "Id");
}

/* 0 with *ret_inspected NULL: the engine has no such image, or one that is not the user's. */
static int inspect(struct runner *runner, const char *user, const char *name,
                   json_t **ret_inspected, struct error *err)
{
    char engine_name[ENGINE_IMAGE_SIZE];
    json_auto_t *image = NULL;
    engine_image_of(user, name, engine_name);
    if (engine_image_inspect(runner->engine, engine_name, &image, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    if (image_is_ours(runner, image, user, name, NULL) && image_has_tag(image, engine_name))
        *ret_inspected = TAKE(image);
    return 0;
}

int own_image_find(struct runner *runner, const char *user, const char *reference,
                   struct own_image *ret_image, struct error *err)
{
    json_auto_t *entry = NULL;
    json_t *inspected = NULL;
    if (runner_identity(runner, err) < 0 ||
        store_image(runner->store, user, reference, &entry, err) < 0)
        return -1;
    const char *server = text_at(entry, "server");
    const char *name = text_at(json_object_get(entry, "image"), "name");
    if (!server || !name)
        return fail(err, FAULT_INTERNAL, "the index entry of the image '%s' is damaged", reference);
    if (strcmp(server, runner->config->server) != 0)
        return fail(err, FAULT_CONFLICT,
                    "the image %s is on the server %s, which this one cannot "
                    "reach",
                    name, server);
    if (inspect(runner, user, name, &inspected, err) < 0)
        return -1;
    *ret_image = (struct own_image){.entry = TAKE(entry), .inspected = inspected, .name = name};
    return 0;
}

void own_image_clear(struct own_image *image)
{
    json_decref(image->entry);
    json_decref(image->inspected);
    *image = (struct own_image){0};
}

static size_t layers_of(const json_t *image)
{
    return json_array_size(json_object_get(json_object_get(image, "RootFS"), "Layers"));
}

void image_warn_of_layers(const json_t *image, json_t *result)
{
    if (layers_of(image) >= LAYERS_MANY)
        json_object_set_new(result, "warning",
                            json_sprintf("the image has %zu of at most %d layers: begin anew from "
                                         "one of the administrator's before long",
                                         layers_of(image), LAYERS_MOST));
}

int image_check_layers(struct runner *runner, const json_t *container, struct error *err)
{
    json_auto_t *image = NULL;
    const char *id = text_at(container, "Image");
    if (engine_image_inspect(runner->engine, id ? id : "", &image, err) < 0)
        return -1;
    if (layers_of(image) >= LAYERS_MOST)
        return fail(err, FAULT_CONFLICT,
                    "the container's image has %zu layers, as many as the engine takes: begin anew "
                    "from one of the administrator's",
                    layers_of(image));
    return 0;
}

/* The container's can't be taken away from its image, only overwritten. */
static json_t *labels_of_image(const struct runner *runner, const json_t *container_config,
                               const struct labels *facts)
{
    json_t *labels = json_object();
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(json_object_get(container_config, "Labels"), name, value)
    {
        json_object_set_new(labels, name, json_string(""));
    }
    json_object_update_new(labels, labels_sign(runner->keyring, runner->identity, facts));
    return labels;
}

static bool is_asked(const json_t *asked, const char *entry)
{
    char name[OPTION_VARIABLE_MAX + 1];
    size_t length = strcspn(entry, "=");
    if (length >= sizeof name)
        return false;
    snprintf(name, sizeof name, "%.*s", (int)length, entry);
    return json_object_get(asked, name) != NULL;
}

/* A variable that was asked for stays as a bare name, which is none (API 1.41, Env): left out, the
 * engine would take it from the container. */
static json_t *environment_of_image(const json_t *container_config, const json_t *asked)
{
    json_t *env = json_array();
    size_t i = 0;
    json_t *entry = NULL;
    json_array_foreach(json_object_get(container_config, "Env"), i, entry)
    {
        const char *text = json_string_value(entry);
        json_array_append_new(env, is_asked(asked, text) ? json_stringn(text, strcspn(text, "="))
                                                         : json_string(text));
    }
    return env;
}

int image_config_of(const struct runner *runner, const json_t *container,
                    const struct labels *facts, json_t **ret_config, struct error *err)
{
    static const char *const kept[] = {"User", "Entrypoint", "Cmd", "WorkingDir"};
    const json_t *of_container = json_object_get(container, "Config");
    json_auto_t *options = NULL;
    if (granted_options(container, &options, err) < 0)
        return -1;
    json_t *config = json_object();
    for (size_t i = 0; i < COUNT(kept); i++)
        json_object_set(config, kept[i], json_object_get(of_container, kept[i]));
    json_object_set_new(config, "Env",
                        environment_of_image(of_container, json_object_get(options, "env")));
    json_object_set_new(config, "Labels", labels_of_image(runner, of_container, facts));
    *ret_config = config;
    return 0;
}
