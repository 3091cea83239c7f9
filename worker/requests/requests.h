/*
 * One file per kind of request. Each runs between claim and record, may be run again after a crash
 * at any point, and finds what an earlier attempt did.
 */
#ifndef DCM_WORKER_REQUESTS_H
#define DCM_WORKER_REQUESTS_H

#include <jansson.h>

#include "common/error.h"
#include "worker/runner.h"
#include "worker/store_containers.h"
#include "worker/verdicts.h"

/* Returned by an action whose result will be recorded by somebody else, later. */
#define REQUEST_GOES_ON 1

/* 0: done, with the parts of the result ("container") set. -1: *err is the request's fault, or
 * with FATE_RETRY engine's or store's. */
typedef int request_action(struct runner *runner, struct job *job, json_t *result,
                           struct error *err);

request_action request_ping;
request_action request_create;
request_action request_lifecycle; /* start, stop, restart, pause, unpause */
request_action request_remove;
request_action request_logs;
request_action request_recreate;
request_action request_extend;
request_action request_commit;
request_action request_image_remove;
request_action request_cancel;
request_action request_explain;

/* After a failure for good: nothing is left of what earlier attempts made or reserved. */
typedef int request_undo(struct runner *runner, const struct job *job, struct error *err);
request_undo request_create_undo;
request_undo request_commit_undo;
/* What an earlier attempt made with a reservation that the store has lost since, and that is not
 * this one: it goes. */
int create_undo_others(struct runner *runner, const struct job *job,
                       const struct reservation *reservation, struct error *err);
/* What an attempt left half done, to the next whole state: the new container has taken the old
 * one's place and that goes, or the old one is what it was. For the keeper too: of the job it needs
 * the request's id and user, and the old container's id. */
request_undo request_recreate_undo;

/*
 * What would be decided about it, for policy.explain: the same checks as the action's, which
 * changes nothing and takes them all down (worker/verdicts.h). -1: engine or store out of reach.
 */
typedef int request_judge(struct runner *runner, const struct job *job, struct verdicts *verdicts,
                          struct error *err);
request_judge judge_lifecycle;
request_judge judge_remove;
request_judge judge_extend;
request_judge judge_commit;
request_judge judge_image_remove;

/* Does policy.explain know how this kind is judged? It has to, of each but itself. */
bool request_is_explained(enum op op);

/*
 * A container of the request's user, found by args.container: the index says which, the engine says
 * what it is, and name and MAC prove that it is ours. FAULT_NOT_FOUND otherwise; FAULT_CONFLICT for
 * one that is on another server, still being created, or being recreated by another request.
 */
struct owned {
    json_t *entry;     /* the index entry; owned */
    json_t *inspected; /* as the engine has it; owned */
    const char *name;  /* borrowed from entry */
    const char *id;    /* full; borrowed from inspected */
};
int owned_find(struct runner *runner, const struct job *job, struct owned *ret_owned,
               struct error *err);
/* The same as a verdict; *ret_owned stays as it is where it is a refusal. */
int owned_judge(struct runner *runner, const struct job *job, struct verdicts *verdicts,
                struct owned *ret_owned, struct error *err);
void owned_clear(struct owned *owned);
static inline void auto_owned(struct owned *owned)
{
    owned_clear(owned);
}

/*
 * One of the request's user's own images: the index says that there is one, name and MAC prove it.
 * FAULT_NOT_FOUND for everything else, be it there or not.
 */
struct own_image {
    json_t *entry;     /* the index entry; owned */
    json_t *inspected; /* as the engine has it; owned. NULL: it is gone from the engine */
    const char *name;  /* with its tag; borrowed from entry */
};
int own_image_find(struct runner *runner, const char *user, const char *reference,
                   struct own_image *ret_image, struct error *err);
void own_image_clear(struct own_image *image);
static inline void auto_own_image(struct own_image *image)
{
    own_image_clear(image);
}

/* The name, with its tag, of the image that a commit makes. */
int image_name_of_commit(const struct job *job, char ret_name[IMAGE_NAME_MAX + 1],
                         struct error *err);
/* Is the image with these labels, which have been verified, of a commit of this server's that has
 * ended without success, or is parked? The engine may have made it after that. */
int image_is_given_up(struct runner *runner, const json_t *labels, bool *ret_is, struct error *err);

/* "dcm.local/<user>/<name>", what the engine calls an image of a user's own. */
#define ENGINE_IMAGE_SIZE (IMAGE_NAME_MAX + USER_NAME_MAX + 16)
void engine_image_of(const char *user, const char *name, char ret_name[ENGINE_IMAGE_SIZE]);
/* The user's name for what the engine calls so; the same text if it is no image of his. */
const char *image_name_within(const char *user, const char *engine_name);

/* Does it carry the mark of a commit of this user's? name and request may be NULL: any. inspected,
 * or an item of the engine's list. */
bool image_is_ours(const struct runner *runner, const json_t *image, const char *user,
                   const char *name, const char *request);
/* The first of its names under which policy lets the user have it; NULL: none. Borrowed. */
const char *image_granted_name(const struct runner *runner, const char *user, const json_t *image);
/* By what name users know the image of a container of this user's; where it has none, its id.
 * Borrowed. */
const char *image_known_as(const struct runner *runner, const char *user, const json_t *image);
/* Is the name among the tags that the engine has for it? */
bool image_has_tag(const json_t *image, const char *engine_name);

/* dcm.kind of an image that holds what a user put into a container, between that and its successor,
 * and is none that he could name. */
#define KIND_CHANGES "changes"

/* A result's warning, where the engine will not take many more commits on top of this image. */
void image_warn_of_layers(const json_t *image, json_t *result);
/* FAULT_CONFLICT: no more layer can be put on the image of this container. */
int image_check_layers(struct runner *runner, const json_t *container, struct error *err);
/* The configuration of an image that is made of this container, with these labels: everything that
 * it could hand on to another container is what DCM has set. What was granted to the container is
 * not in it. New reference. */
int image_config_of(const struct runner *runner, const json_t *container,
                    const struct labels *facts, json_t **ret_config, struct error *err);

/* "dcm.<user>.<name>", what the engine calls it. */
#define ENGINE_NAME_SIZE 80
void engine_name_of(const char *user, const char *name, char ret_name[ENGINE_NAME_SIZE]);
/* "dcm.<user>": the user's network. */
void engine_network_of(const char *user, char ret_name[ENGINE_NAME_SIZE]);

/* "running", "paused", "stopped": an inspected container's state as users read it. */
const char *container_state(const json_t *inspected);

/* Does what the engine shows prove that it is this user's container of this name? */
bool container_is_ours(const struct runner *runner, const json_t *inspected, const char *user,
                       const char *name, const char *request);

/* Does it stand aside for one that is to take its place (engine.h)? *ret_ran: it ran before. */
bool container_is_aside(const struct runner *runner, const json_t *inspected, const char *user,
                        const char *name, bool *ret_ran);

/* May it run, with all that it has? Policy may have changed since it was made, and grants may have
 * ended. ports: those that it is to have instead of its own, or NULL. */
int container_check_policy(struct runner *runner, const char *user, const struct owned *owned,
                           const struct ports *ports, struct verdicts *verdicts, struct error *err);

/* Are the directories and devices of the host that these options ask for what they should be, and
 * safe from everybody? FAULT_NOT_FOUND, FAULT_CONFLICT; or a verdict, but not for who is refused
 * already, and is told nothing of the host. */
int host_judge(struct runner *runner, const json_t *options, struct verdicts *verdicts,
               struct error *err);

/* Has the engine tried to start it, by its restart policy, when the host lacked an address? */
bool container_lacked_address(const json_t *inspected);
/* Could it have these ports just now? FAULT_CONFLICT names an address that the host lacks. */
int container_check_addresses(const struct ports *ports, struct error *err);

/* May it run still? FAULT_DENIED once its end has come. */
int container_check_life(struct runner *runner, const struct owned *owned, struct error *err);
/* A container that has been made is to end then (milliseconds since 1970, 0: never), unless it has
 * an end already. *ret_ends: the one that it has. */
int container_begin_life(struct runner *runner, const char *user, const char *name, const char *id,
                         int64_t ends, int64_t *ret_ends, struct error *err);

/* Remove a container from the engine, for good; its entry and leases are another matter. */
int container_destroy(struct runner *runner, const char *id, struct error *err);

/* Drop a container's entry and leases (request as in store_release); the user's last one here takes
 * the network with it, while nobody can join. */
int container_release(struct runner *runner, const char *user, const char *name,
                      const char *request, struct error *err);

#endif
