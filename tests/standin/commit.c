/* Images that are made of containers, and go again: Docker 20.10's merge and refusals. */
#include <stdio.h>
#include <string.h>

#include "common/members.h"
#include "tests/standin/standin.h"

/* One name is one image's: whoever had it before loses it. */
static void take_tag(const struct standin *standin, const char *tag)
{
    size_t i, j;
    json_t *image, *name;

    json_array_foreach(standin->images, i, image)
    {
        json_t *tags = json_object_get(image, "RepoTags");
        json_array_foreach(tags, j, name)
        {
            if (strcmp(json_string_value(name), tag) == 0)
                json_array_remove(tags, j--);
        }
    }
}

/* The image is there, also where nobody waits for it any more, and the container goes on. */
static void finish_commit(void *context, json_t *what)
{
    struct standin *standin = context;
    json_t *image = json_object_get(what, "image");
    json_t *container = find_container(standin, text_at(what, "id"));
    const char *tag = json_string_value(json_array_get(json_object_get(image, "RepoTags"), 0));

    if (tag)
        take_tag(standin, tag);
    json_array_append(standin->images, image);
    if (container && is_paused(container) && flag_at(what, "pauses")) {
        set_state(container, "running", 0);
        standin_event(standin, container, "unpause");
    }
}

/* Docker pauses what runs meanwhile, unless it is told not to. */
void commit_container(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    json_t *container = find_container(standin, query_text(call, "container"));
    char id[65], time[TIME_SIZE], tag[2 * NAME_MAX_SIZE];

    if (!container) {
        refuse(reply, 404, "No such container: %s", query_text(call, "container"));
        return;
    }
    json_t *config = json_deep_copy(call->body);
    json_t *of_container = json_object_get(container, "Config");
    json_t *labels = json_object_get(config, "Labels");
    json_object_update_missing(labels, json_object_get(of_container, "Labels"));
    json_object_update_missing(config, of_container);
    new_id(id);
    time_text(time);
    bool is_named = *query_text(call, "repo") != '\0';
    snprintf(tag, sizeof(tag), "%s:%s", query_text(call, "repo"), query_text(call, "tag"));
    json_t *image =
        json_pack("{s:s+, s:o, s:O, s:s, s:s, s:s, s:o, s:i}", "Id", "sha256:", id, "RepoTags",
                  is_named ? json_pack("[s]", tag) : json_array(), "Parent",
                  json_object_get(container, "Image"), "Comment", query_text(call, "comment"),
                  "Created", time, "Os", "linux", "Config", config, "Size", IMAGE_BYTES);
    bool pauses = standin->commit_ms > 0 && is_running(container) && !is_paused(container) &&
                  (!*query_text(call, "pause") || query_flag(call, "pause"));
    if (pauses) {
        set_state(container, "paused", 0);
        standin_event(standin, container, "pause");
    }
    json_auto_t *task = json_pack("{s:o, s:s, s:b}", "image", image, "id", container_id(container),
                                  "pauses", pauses);
    if (standin->commit_ms > 0)
        http_later(standin->commit_ms, finish_commit, standin, json_incref(task));
    else
        finish_commit(standin, task);
    reply->delay_ms = standin->commit_ms;
    reply_json(reply, 201, json_pack("{s:s+}", "Id", "sha256:", id));
}

static bool is_used(const struct standin *standin, const json_t *image)
{
    const char *id;
    json_t *container;

    json_object_foreach(standin->containers, id, container)
    {
        if (json_equal(json_object_get(container, "Image"), json_object_get(image, "Id")))
            return true;
    }
    return false;
}

void remove_image(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    const json_t *image = find_image(standin, call->target);

    if (!image) {
        refuse(reply, 404, "No such image: %s", call->target);
    } else if (is_used(standin, image)) {
        refuse(reply, 409,
               "conflict: unable to remove repository reference \"%s\" (must force) - container "
               "is using its referenced image",
               call->target);
    } else {
        for (size_t i = json_array_size(standin->images); i > 0; i--)
            if (json_array_get(standin->images, i - 1) == image)
                json_array_remove(standin->images, i - 1);
        reply_json(reply, 200, json_array());
    }
}
