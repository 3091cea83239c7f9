/* What the store would say to a reservation, without making one. */
#include "common/auto.h"
#include "common/members.h"
#include "worker/store_containers.h"
#include "worker/store_images.h"
#include "worker/store_private.h"

static void tell_quotas(const json_t *quotas, store_opinion *opinion, void *context)
{
    for (size_t i = 0; i < json_array_size(quotas); i++) {
        const json_t *quota = json_array_get(quotas, i);
        const char *rule = text_at(quota, "rule");
        char text[STORE_QUOTA_SIZE];
        struct error refusal = {0};
        bool refused = json_object_get(quota, "refused") != NULL;
        store_quota_text(quota, text);
        if (refused)
            store_refuse(quota, &refusal);
        opinion(text, rule ? rule : "", refused ? &refusal : NULL, context);
    }
}

static void tell(const json_t *answer, store_opinion *opinion, void *context)
{
    const json_t *refused = json_object_get(answer, "refusal");
    struct error refusal = {0};
    tell_quotas(json_object_get(answer, "quotas"), opinion, context);
    if (!refused)
        return;
    store_refuse(refused, &refusal);
    opinion("name and ports", "", &refusal, context);
}

int store_consider(struct store *store, const struct request *request, const struct wish *wish,
                   store_opinion *opinion, void *context, struct error *err)
{
    AUTO(string) char *text = store_wish_text(wish, err);
    json_auto_t *answer = NULL;
    if (!text)
        return -1;
    struct containers_call call = {
        .function = "consider",
        .user = request->user,
        .request_id = request->id,
        .first = text,
    };
    if (store_call_containers(store, &call, &answer, err))
        return -1;
    tell(answer, opinion, context);
    return 0;
}

int store_image_consider(struct store *store, const struct request *request,
                         const struct image_wish *wish, store_opinion *opinion, void *context,
                         struct error *err)
{
    AUTO(string) char *text = store_image_wish_text(wish, err);
    json_auto_t *answer = NULL;
    if (!text || store_call_images(store, "image_consider", request->user, request->id, text, NULL,
                                   &answer, err))
        return -1;
    tell(answer, opinion, context);
    return 0;
}
