/* Images, and what the engine says about itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/members.h"
#include "tests/standin/standin.h"

void show_ping(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    (void)standin;
    reply->type = "text/plain; charset=utf-8";
    if (strcmp(call->method, "GET") == 0)
        bytes_add(&reply->body, "OK", 2);
}

void show_version(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    (void)standin;
    (void)call;
    reply_json(reply, 200,
               json_pack("{s:s, s:s, s:s, s:s, s:s}", "Version", "20.10.24", "ApiVersion", "1.41",
                         "MinAPIVersion", "1.12", "Os", "linux", "Arch", "amd64"));
}

void show_info(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    json_int_t running = 0;
    const char *id;
    json_t *container;

    (void)call;
    json_object_foreach(standin->containers, id, container) running += is_running(container);
    reply_json(reply, 200,
               json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:i, s:I}", "ID", standin->identity,
                         "DockerRootDir", "/", "Containers",
                         (json_int_t)json_object_size(standin->containers), "ContainersRunning",
                         running, "Images", (json_int_t)json_array_size(standin->images), "Name",
                         "standin", "ServerVersion", "20.10.24", "NCPU", 2, "MemTotal",
                         (json_int_t)8 << 30));
}

void add_image(struct standin *standin, const char *name, const char *config_file)
{
    char id[65];
    char time[TIME_SIZE];
    char tag[NAME_MAX_SIZE];
    json_t *config = config_file ? json_load_file(config_file, 0, NULL)
                                 : json_pack("{s:[s], s:n, s:n, s:n, s:n, s:n, s:s, s:s}", "Cmd",
                                             "sh", "Entrypoint", "Env", "ExposedPorts", "Volumes",
                                             "Labels", "User", "", "WorkingDir", "");
    if (!json_is_object(config)) {
        fprintf(stderr, "dcm-standin: %s holds no JSON object\n", config_file);
        exit(EXIT_FAILURE);
    }
    new_id(id);
    time_text(time);
    snprintf(tag, sizeof(tag), "%s%s", name, strchr(name, ':') ? "" : ":latest");
    json_array_append_new(standin->images,
                          json_pack("{s:s+, s:[s], s:[], s:s, s:s, s:s, s:s, s:s, s:o, s:i, s:i}",
                                    "Id", "sha256:", id, "RepoTags", tag, "RepoDigests", "Parent",
                                    "", "Comment", "", "Created", time, "Architecture", "amd64",
                                    "Os", "linux", "Config", config, "Size", IMAGE_BYTES,
                                    "VirtualSize", IMAGE_BYTES));
}

static bool is_called(const json_t *image, const char *reference)
{
    char tag[NAME_MAX_SIZE];
    const char *digits = strncmp(reference, "sha256:", 7) == 0 ? reference + 7 : reference;
    const char *id = text_at(image, "Id");
    size_t i;
    json_t *name;

    if (strlen(digits) >= 12 && strncmp(id + 7, digits, strlen(digits)) == 0)
        return true;
    snprintf(tag, sizeof(tag), "%s%s", reference, strchr(reference, ':') ? "" : ":latest");
    json_array_foreach(json_object_get(image, "RepoTags"), i, name)
    {
        if (strcmp(json_string_value(name), tag) == 0)
            return true;
    }
    return false;
}

json_t *find_image(const struct standin *standin, const char *reference)
{
    size_t i;
    json_t *image;

    json_array_foreach(standin->images, i, image)
    {
        if (is_called(image, reference))
            return image;
    }
    return NULL;
}

void show_image(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    json_t *image = find_image(standin, call->target);
    if (image)
        reply_json(reply, 200, json_incref(image));
    else
        refuse(reply, 404, "no such image: %s: No such image: %s%s", call->target, call->target,
               strchr(call->target, ':') ? "" : ":latest");
}

void list_images(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    json_t *list = json_array();
    size_t i;
    json_t *image;

    json_array_foreach(standin->images, i, image)
    {
        json_t *labels = json_object_get(json_object_get(image, "Config"), "Labels");
        if (labels_fit(call, labels))
            json_array_append_new(list, json_pack("{s:O, s:O, s:O, s:O*, s:I, s:i}", "Id",
                                                  json_object_get(image, "Id"), "RepoTags",
                                                  json_object_get(image, "RepoTags"), "Size",
                                                  json_object_get(image, "Size"), "Labels", labels,
                                                  "Created", seconds_of(text_at(image, "Created")),
                                                  "Containers", -1));
    }
    reply_json(reply, 200, list);
}
