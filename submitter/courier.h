/*
 * How a command reaches the broker and the store: one interface, two ways. courier_direct holds
 * credentials and talks to RabbitMQ and Redis itself; courier_gate hands everything to the local
 * gate over its socket. The gate's children answer by a courier_direct of their own.
 */
#ifndef DCM_SUBMITTER_COURIER_H
#define DCM_SUBMITTER_COURIER_H

#include <jansson.h>
#include <signal.h>

#include "common/error.h"
#include "schemas/request.h"

#define COURIER_CURSOR_SIZE 32 /* an entry id of a Redis stream; "0-0" is the beginning */

enum listing { LIST_CONTAINERS, LIST_REQUESTS, LIST_IMAGES, LIST_LIMITS, LIST_COUNT };

struct courier;

struct courier_methods {
    /* Publish all requests, and wait for the confirm of each. reasons[i] says what became of
     * requests[i]: FAULT_NONE, confirmed; FAULT_DEPENDENCY, not asked; FAULT_UNCONFIRMED, perhaps
     * asked; FAULT_CONFLICT, its id is another request's. 0 if all are confirmed, else -1. */
    int (*submit)(struct courier *courier, const struct request *requests, size_t count,
                  int timeout_ms, struct error *reasons);
    /* The request's record as a result (schemas/result.h). FAULT_NOT_FOUND. */
    int (*record)(struct courier *courier, const char *id, json_t **ret_result, struct error *err);
    /* Events after *cursor, an array; waits at most wait_ms (to 5 s) when there are none. Moves
     * the cursor. Events are hints: read the record at each wake. */
    int (*events)(struct courier *courier, const char *id, char cursor[COURIER_CURSOR_SIZE],
                  int wait_ms, json_t **ret_events, struct error *err);
    /* The user's containers, {"server":…,"container":{…}} each, his last requests as results, the
     * images that he may use, {"server":…,"image":{…}} each; an array, oldest first. Of images the
     * administrator's come first. Or what he may do on each server, {"server":…,"grant":{…}} each
     * (schemas/grant.h) with what is used, by server. */
    int (*list)(struct courier *courier, enum listing listing, json_t **ret_list,
                struct error *err);
    /* courier_foresee, or NULL where that saves nothing. */
    void (*foresee)(struct courier *courier, const char *id, int wait_ms);
    void (*close)(struct courier *courier);
};
struct courier {
    const struct courier_methods *methods;
};

/* A hint: once the request of this id has been submitted, its events will be asked for, from the
 * beginning and for so long, and then its record. */
void courier_foresee(struct courier *courier, const char *id, int wait_ms);

/* Through the gate's socket; the user is whoever we are. `interrupted` may be NULL; set by a
 * signal, it ends the wait for a gate that is being started anew. */
int courier_gate_open(const char *socket_path, const volatile sig_atomic_t *interrupted,
                      struct courier **ret_courier, struct error *err);
/* With own credentials: amqp:// and redis:// URLs. Connects on first use. All are copied. Without a
 * store (NULL) it can only submit. */
int courier_direct_open(const char *const *brokers, const char *store, const char *user,
                        struct courier **ret_courier, struct error *err);
void courier_close(struct courier *courier); /* accepts NULL */
static inline void auto_courier(struct courier **slot)
{
    courier_close(*slot);
}

#endif
