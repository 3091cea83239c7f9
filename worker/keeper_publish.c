/* What the keeper tells users' programs of the policy: which images, and how much of everything. */
#include <stdio.h>
#include <string.h>

#include "common/members.h"
#include "schemas/keys.h"
#include "schemas/units.h"
#include "worker/describe.h"
#include "worker/keeper.h"
#include "worker/policy.h"
#include "worker/requests/requests.h"
#include "worker/store_keeper.h"

/* The granted one as users see it, or NULL where this engine has none of that name. */
static json_t *describe_granted(const json_t *images, const char *name)
{
    char tag[IMAGE_NAME_MAX + sizeof ":latest"], created[TIMESTAMP_SIZE];
    snprintf(tag, sizeof tag, "%s%s", name, strchr(name, ':') ? "" : ":latest");
    for (size_t i = 0; i < json_array_size(images); i++) {
        const json_t *image = json_array_get(images, i);
        if (!image_has_tag(image, tag))
            continue;
        timestamp_format(number_at(image, "Created") * 1000, created);
        return describe_image(name, text_at(image, "Id"), NULL, number_at(image, "Size"), created);
    }
    return NULL;
}

static json_t *granted_to(const struct runner *keeper, const char *user, int64_t now,
                          const json_t *images)
{
    json_auto_t *names = policy_images(keeper->policy, user, now);
    json_t *granted = json_array();
    for (size_t i = 0; i < json_array_size(names); i++) {
        json_t *image = describe_granted(images, json_string_value(json_array_get(names, i)));
        if (image)
            json_array_append_new(granted, image);
    }
    return granted;
}

int keeper_publish(struct runner *keeper, struct error *err)
{
    json_auto_t *images = NULL;
    json_auto_t *people = policy_people(keeper->policy);
    json_auto_t *published = json_object();
    int64_t now = timestamp_now();
    const char *user = NULL;
    json_t *unused = NULL;
    if (engine_image_list(keeper->engine, false, &images, err) < 0)
        return -1;
    json_object_set_new(people, EVERYBODY, json_true());
    json_object_foreach(people, user, unused) json_object_set_new(
        published, user,
        json_pack("{s:o, s:o}", "granted", granted_to(keeper, user, now, images), "limits",
                  policy_grants(keeper->policy, user, now)));
    return store_publish(keeper->store, published, err);
}
