/*
 * The Docker Engine over its Unix socket: the only user of libcurl. API 1.41 (Docker 20.10),
 * pinned in every URL and checked against /version when first connected.
 *
 * Blocking; one engine handle per process; a broken connection is replaced at the next call. Ids
 * and names are checked here before they enter a URL, and calls on containers take the full id.
 * Responses are capped (ENGINE_RESPONSE_MAX). Faults: DEPENDENCY (unreachable, timed out, 503),
 * NOT_FOUND (404), CONFLICT (409, and what the engine means by it), ENGINE (any other answer that
 * is not success; the text carries the engine's message), INVALID (a name that may not enter a
 * URL). A call that fails with DEPENDENCY may have had its effect; it is never sent twice behind
 * the caller's back.
 */
#ifndef DCM_WORKER_ENGINE_H
#define DCM_WORKER_ENGINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "schemas/names.h"
#include "worker/metrics.h"

#define ENGINE_API "1.41"
#define ENGINE_RESPONSE_MAX (16 << 20)
#define ENGINE_TIMEOUT_S 60

struct engine;

/* Does not connect yet. socket_path is copied. */
int engine_new(const char *socket_path, struct engine **ret_engine, struct error *err);
/* Count from here on what it does not answer, or with an error. Borrowed. */
void engine_measure(struct engine *engine, struct metrics *metrics);
void engine_free(struct engine *engine);
static inline void auto_engine(struct engine **slot)
{
    engine_free(*slot);
}

/* Has anything but reads been asked of the engine since it was marked, with whatever success? */
void engine_mark(struct engine *engine);
bool engine_has_acted(const struct engine *engine);

/* Has one process of the engine answered every call since it was met, and is it there still? False
 * where that is not certain. It follows from connections: an engine that ends closes them all, so
 * one that was still open when the next had been made led to the same process. Id, data directory
 * and user namespaces stay as they are while that lives: of its configuration dockerd reads only
 * other things again (docs.docker.com/reference/cli/dockerd, "Configuration reload behavior"). */
void engine_meet(struct engine *engine); /* whoever has answered the last call */
bool engine_is_met(const struct engine *engine);

/* GET /info: what the engine says about itself. */
int engine_info(struct engine *engine, json_t **ret_info, struct error *err);
/* The engine's own id, its "ID": any printable text of at most 127 bytes. */
#define ENGINE_IDENTITY_SIZE 128
int engine_identity_of(const json_t *info, char ret_identity[ENGINE_IDENTITY_SIZE],
                       struct error *err);
int engine_identity(struct engine *engine, char ret_identity[ENGINE_IDENTITY_SIZE],
                    struct error *err);

/* GET /images/{reference}/json. reference: an image's well-formed name or id, or the name in the
 * engine of a user's own, "dcm.local/<user>/<name>:<tag>". */
int engine_image_inspect(struct engine *engine, const char *reference, json_t **ret_image,
                         struct error *err);

/* GET /images/json: all, or those with the label dcm.v=1. An array. */
int engine_image_list(struct engine *engine, bool ours, json_t **ret_images, struct error *err);
/* DELETE without force: CONFLICT while containers or other images need it. One that is not there
 * any more is success. A name that is not the image's only one is all that goes. */
int engine_image_remove(struct engine *engine, const char *reference, struct error *err);

#define ENGINE_COMMIT_TIMEOUT_S 600
struct engine_commit {
    const char *container; /* full id */
    const char *name;      /* of the new image, in the engine; NULL: it has none */
    const char *message;   /* NULL: none */
    const json_t *config;  /* User, Env, Labels …; what it lacks is the container's */
};
/* POST /commit. The engine itself pauses a running container meanwhile and lets it go on after,
 * whatever becomes of us. *ret_id: 64 digits. */
int engine_commit(struct engine *engine, const struct engine_commit *commit,
                  char ret_id[ENGINE_ID_SIZE], struct error *err);
/* How large all that a container holds is: GET /containers/{id}/json?size=1, SizeRootFs. */
int engine_container_bytes(struct engine *engine, const char *id, int64_t *ret_bytes,
                           struct error *err);

/* POST /containers/create?name=. engine_name: "dcm.<user>.<container>". body is borrowed. */
int engine_container_create(struct engine *engine, const char *engine_name, const json_t *body,
                            char ret_id[ENGINE_ID_SIZE], struct error *err);
/* GET /containers/{reference}/json; a full id, or an engine name. */
int engine_container_inspect(struct engine *engine, const char *reference, json_t **ret_container,
                             struct error *err);
/* GET /containers/json?all=1, those with the label dcm.v=1. An array. */
int engine_container_list(struct engine *engine, json_t **ret_containers, struct error *err);

enum engine_verb {
    ENGINE_START, /* already started is success; likewise for stop */
    ENGINE_STOP,  /* asks with the image's signal, kills after 10 s */
    ENGINE_RESTART,
    ENGINE_PAUSE,
    ENGINE_UNPAUSE,
};
/* *ret_no_port is set when a start failed because a published port is taken outside DCM (the
 * engine's message says "port is already allocated" or "address already in use"); may be NULL. */
int engine_container_act(struct engine *engine, enum engine_verb verb, const char *id,
                         bool *ret_no_port, struct error *err);
/* A container that is to be replaced stands aside under its name and one of these words, which no
 * user's container can have in its name. They say how it was found, should all else be forgotten.
 */
#define ENGINE_ASIDE_RUNNING ".WAS-RUNNING"
#define ENGINE_ASIDE_STOPPED ".WAS-STOPPED"
/* POST /containers/{id}/rename. engine_name: "dcm.<user>.<container>", or that with a word above.
 * CONFLICT: another container has it. The name that it has already is success. */
int engine_container_rename(struct engine *engine, const char *id, const char *engine_name,
                            struct error *err);
/* DELETE with force and anonymous volumes; one that is not there any more is success. */
int engine_container_remove(struct engine *engine, const char *id, struct error *err);

/* A network of one user: bridge driver, explicit subnet, a bridge called "dcmu" and the subnet's
 * address in hex, labels. One that exists with the same name, subnet and bridge is success; with
 * another, CONFLICT. */
struct engine_network {
    const char *name;   /* "dcm.<user>" */
    const char *subnet; /* "10.201.4.64/26" */
    const json_t *labels;
};
int engine_network_ensure(struct engine *engine, const struct engine_network *network,
                          struct error *err);
/* Not there any more is success; CONFLICT while containers are attached. */
int engine_network_remove(struct engine *engine, const char *name, struct error *err);
/* GET /networks/bridge: the engine's own, which it makes anew whenever it starts, so that its
 * "Created" tells since when this engine runs. NOT_FOUND: one that was told to have none. */
int engine_default_network(struct engine *engine, json_t **ret_network, struct error *err);
/* Networks with the label dcm.v=1. An array. */
int engine_network_list(struct engine *engine, json_t **ret_networks, struct error *err);

/* Called with each piece of output; a nonzero return ends the stream (and is success). A NULL data
 * pointer is a turn without output, about once a second, so that the caller can look around. A
 * callback must not use the engine that calls it: that fails with FAULT_INTERNAL. */
typedef int engine_sink(const char *stream, const void *data, size_t length, void *context);
struct engine_logs {
    const char *id;
    bool tty; /* the container has a terminal: raw bytes, all "stdout" */
    bool follow;
    long tail; /* last lines; 0: all */
};
int engine_container_logs(struct engine *engine, const struct engine_logs *logs, engine_sink *sink,
                          void *context, struct error *err);

/* GET /events filtered to containers, from `since` (seconds) on; one JSON object a call, NULL about
 * once a second. Ends with FAULT_DEPENDENCY when the engine goes, or 0 when the callback says so.
 */
typedef int engine_event(const json_t *event, void *context);
int engine_events(struct engine *engine, int64_t since, engine_event *callback, void *context,
                  struct error *err);

#endif
