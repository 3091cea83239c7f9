/* Containers: finding and showing them. */
#include <string.h>
#include <time.h>

#include "common/members.h"
#include "tests/standin/standin.h"

const char *container_id(const json_t *container)
{
    return text_at(container, "Id");
}

const char *container_name(const json_t *container)
{
    return text_at(container, "Name") + 1;
}

json_t *find_container(const struct standin *standin, const char *reference)
{
    json_t *container = json_object_get(standin->containers, reference);
    const char *id = text_at(standin->names, reference);
    return container || !id ? container : json_object_get(standin->containers, id);
}

void show_container(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    json_t *container = find_container(standin, call->target);
    if (!container) {
        refuse(reply, 404, "No such container: %s", call->target);
        return;
    }
    json_t *shown = json_copy(container);
    if (query_flag(call, "size")) {
        json_object_set_new(shown, "SizeRw", json_integer(0));
        json_object_set_new(shown, "SizeRootFs", json_integer(IMAGE_BYTES));
    }
    reply_json(reply, 200, shown);
}

json_int_t seconds_of(const char *time)
{
    struct tm utc = {0};
    strptime(time, "%Y-%m-%dT%H:%M:%S", &utc);
    return timegm(&utc);
}

static json_t *summary(const json_t *container)
{
    const json_t *config = json_object_get(container, "Config");
    const json_t *state = json_object_get(container, "State");
    const json_t *network_settings = json_object_get(container, "NetworkSettings");
    const char *created = text_at(container, "Created");

    return json_pack(
        "{s:s, s:[O], s:O, s:O, s:O, s:I, s:[], s:O, s:O, s:O, s:{s:O}, s:{s:O}, s:O}", "Id",
        container_id(container), "Names", json_object_get(container, "Name"), "Image",
        json_object_get(config, "Image"), "ImageID", json_object_get(container, "Image"), "Command",
        json_object_get(container, "Path"), "Created", seconds_of(created), "Ports", "Labels",
        json_object_get(config, "Labels"), "State", json_object_get(state, "Status"), "Status",
        json_object_get(state, "Status"), "HostConfig", "NetworkMode",
        json_object_get(json_object_get(container, "HostConfig"), "NetworkMode"), "NetworkSettings",
        "Networks", json_object_get(network_settings, "Networks"), "Mounts",
        json_object_get(container, "Mounts"));
}

void list_containers(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    json_t *list = json_array();
    const char *id;
    json_t *container;

    json_object_foreach(standin->containers, id, container)
    {
        json_t *labels = json_object_get(json_object_get(container, "Config"), "Labels");
        if ((query_flag(call, "all") || is_running(container)) && labels_fit(call, labels))
            json_array_append_new(list, summary(container));
    }
    reply_json(reply, 200, list);
}
