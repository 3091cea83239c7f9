/* What the files of the store share, and what its tests reach for besides worker/store.h. */
#ifndef DCM_WORKER_STORE_PRIVATE_H
#define DCM_WORKER_STORE_PRIVATE_H

#include "common/redis_link.h"
#include "worker/store_containers.h"
#include "worker/store_images.h"
#include "worker/watermark.h"

struct store {
    struct redis_link *link;
    char *url;
    char *server;
    struct watermark *mark;
    bool owns_mark;
    uint64_t generation;     /* the one that is relied upon */
    uint64_t seq;            /* after the last call */
    struct metrics *metrics; /* borrowed; NULL: nothing is counted */
};

/* A function of ours, called for this server (schemas/store/08_guard.lua): *ret_answer is what it
 * answered; may be NULL. FAULT_DEPENDENCY also when the store has lost what we rely upon. Texts are
 * borrowed; the lists end with NULL. A function for many things at a time has lists of their keys
 * and arguments besides, which come after the others. */
#define STORE_ARGUMENTS_MAX 40
#define STORE_KEYS_MAX 7
struct store_call {
    const char *function; /* without the library's name */
    const char *keys[STORE_KEYS_MAX];
    const char *arguments[STORE_ARGUMENTS_MAX + 1];
    const char *const *more_keys, *const *more_arguments; /* NULL: none */
};
int store_call(struct store *store, const struct store_call *call, json_t **ret_answer,
               struct error *err);
/* The same for several, in one round trip: *ret_answers is an array of what they answered. */
int store_call_all(struct store *store, const struct store_call *calls, size_t count,
                   json_t **ret_answers, struct error *err);
/* A function that is not guarded: keys and arguments are all that it gets. */
int store_call_plain(struct store *store, const struct store_call *call, json_t **ret_answer,
                     struct error *err);

/* store_call_plain without waiting for the answer, which nobody learns. */
int store_tell(struct store *store, const struct store_call *call, struct error *err);

/* Ask the server that has claimed this request whether it does it (worker/store_asked.h). A holder
 * that is no server's name is not asked, and that is no failure. */
int store_ask_holder(struct store *store, const struct request *request, const char *holder,
                     struct error *err);

/*
 * Call a function on one user's containers here: the keys of schemas/store/30_containers.lua, then
 * user, server, request_id (NULL: ""), first and so on (NULL: no more). *ret_answer is the object
 * that the function answered, unless that is a refusal: it becomes the fault.
 */
struct containers_call {
    const char *function;
    const char *user;
    const char *request_id;
    const char *first, *second, *third, *fourth;
};
int store_call_containers(struct store *store, const struct containers_call *call,
                          json_t **ret_answer, struct error *err);

/* Any function's reply before it is read as an answer; ret_reply may be NULL. */
int store_call_containers_raw(struct store *store, const struct containers_call *call,
                              json_t **ret_reply, struct error *err);

/* The object that a function's reply is the text of; a refusal becomes the fault. */
int store_read_answer(const char *function, const json_t *reply, json_t **ret_answer,
                      struct error *err);

/* The same of a function on one user's images: the keys of 60_images.lua. ret_answer may be NULL.
 */
int store_call_images(struct store *store, const char *function, const char *user,
                      const char *request_id, const char *first, const char *second,
                      json_t **ret_answer, struct error *err);

/* Wishes as the functions read them. The caller's to free; NULL with *err filled. */
char *store_wish_text(const struct wish *wish, struct error *err);
char *store_image_wish_text(const struct image_wish *wish, struct error *err);

/* A quota of an answer, for people: "memory in all: 64 MiB more, beside 128 MiB of 4096 MiB". */
#define STORE_QUOTA_SIZE 256
void store_quota_text(const json_t *quota, char ret_text[STORE_QUOTA_SIZE]);

/* Turn {"refused":…} into a fault whose text says what to do (store_refusals.c). Returns -1. */
int store_refuse(const json_t *answer, struct error *err);

/* The text of a document, or NULL with FAULT_INTERNAL. The caller's to free. */
char *store_text(const json_t *document, struct error *err);

/* store_reserve with a life of its own choosing, in milliseconds. */
int store_reserve_for(struct store *store, const struct request *request, const struct wish *wish,
                      int64_t life_ms, struct reservation *ret_reservation, struct error *err);

#endif
