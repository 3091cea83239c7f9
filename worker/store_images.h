/* Users' own images in the store (worker/store.h). */
#ifndef DCM_WORKER_STORE_IMAGES_H
#define DCM_WORKER_STORE_IMAGES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "schemas/request.h"
#include "worker/store.h"

/* What a commit asks for. */
struct image_wish {
    const char *name; /* with its tag */
    bool replace;
    int64_t bytes; /* as far as they can be known before */
    int64_t most_images, most_bytes;
    const char *images_rule, *bytes_rule; /* may be NULL */
};
/* Room for one more of the user's images. FAULT_QUOTA, FAULT_CONFLICT. */
int store_image_reserve(struct store *store, const struct request *request,
                        const struct image_wish *wish, struct error *err);
/* What store_image_reserve would say, as store_consider does. */
int store_image_consider(struct store *store, const struct request *request,
                         const struct image_wish *wish, store_opinion *opinion, void *context,
                         struct error *err);
/* The image exists, and is in the index as users see it. FAULT_CONFLICT: one of this name is on
 * another server. */
int store_image_bind(struct store *store, const char *user, const char *request_id,
                     const json_t *image, struct error *err);
/* Drop the image of this name, if it is one of this server's, and the request's reservation. Either
 * may be NULL; nothing there is success. */
int store_image_release(struct store *store, const char *user, const char *name,
                        const char *request_id, struct error *err);
/* One of the user's own images by name or id: *ret_entry {"request","server","image":{…}};
 * FAULT_NOT_FOUND. */
int store_image(struct store *store, const char *user, const char *reference, json_t **ret_entry,
                struct error *err);

#endif
