/* How an image's configuration fills a container's: Docker 20.10, "docker inspect" of both. */
#include <string.h>

#include "common/count.h"
#include "tests/standin/standin.h"

static bool is_empty(const json_t *value)
{
    return !value || json_is_null(value) ||
           (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0);
}

static void fill(json_t *config, const json_t *image_config, const char *field)
{
    json_t *value = json_object_get(image_config, field);
    if (is_empty(json_object_get(config, field)) && !is_empty(value))
        json_object_set_new(config, field, json_deep_copy(value));
}

/* Members that only the image has are added. */
static void join(json_t *config, const json_t *image_config, const char *field)
{
    json_t *image_value = json_object_get(image_config, field);
    json_t *value = json_object_get(config, field);

    if (is_empty(value))
        json_object_set_new(config, field,
                            is_empty(image_value) ? json_null() : json_deep_copy(image_value));
    else
        json_object_update_missing(value, image_value);
}

/* By name: a bare KEY names a variable too, which it takes away. */
static bool has_variable(const json_t *list, const char *variable)
{
    size_t name_length = strcspn(variable, "=");
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        const char *text = json_string_value(item);
        if (strcspn(text, "=") == name_length && strncmp(text, variable, name_length) == 0)
            return true;
    }
    return false;
}

static void join_environment(json_t *config, const json_t *image_config)
{
    json_t *list = json_object_get(config, "Env");
    size_t i;
    json_t *variable;

    if (is_empty(list)) {
        json_t *image_list = json_object_get(image_config, "Env");
        json_object_set_new(config, "Env",
                            is_empty(image_list) ? json_null() : json_deep_copy(image_list));
        return;
    }
    json_array_foreach(json_object_get(image_config, "Env"), i, variable)
    {
        if (!has_variable(list, json_string_value(variable)))
            json_array_append(list, variable);
    }
}

void merge_config(json_t *config, const json_t *image_config)
{
    static const char *const filled[] = {"User", "WorkingDir", "StopSignal", "Healthcheck"};
    static const char *const joined[] = {"ExposedPorts", "Volumes"};
    json_t *entrypoint = json_object_get(config, "Entrypoint");
    json_t *labels = json_object_get(config, "Labels");

    for (size_t i = 0; i < COUNT(filled); i++)
        fill(config, image_config, filled[i]);
    for (size_t i = 0; i < COUNT(joined); i++)
        join(config, image_config, joined[i]);
    join_environment(config, image_config);
    if (json_is_object(labels))
        json_object_update_missing(labels, json_object_get(image_config, "Labels"));
    else
        fill(config, image_config, "Labels");
    /* An entrypoint of the container's own keeps the image's command away, an empty one too does
     * keep the image's entrypoint away. */
    if (is_empty(entrypoint)) {
        fill(config, image_config, "Cmd");
        if (!entrypoint || json_is_null(entrypoint))
            fill(config, image_config, "Entrypoint");
    }
}
