/* What the keeper's files share: differences found, and what is done about each kind. */
#ifndef DCM_WORKER_KEEPER_PRIVATE_H
#define DCM_WORKER_KEEPER_PRIVATE_H

#include "schemas/names.h"
#include "worker/difference.h"
#include "worker/journal_waits.h"
#include "worker/keeper.h"

#define KEEPER_KEY_SIZE (USER_NAME_MAX + CONTAINER_NAME_MAX + 2)

/* With each heartbeat: answer what others ask about requests that this server has claimed
 * (keeper_asked.c). What it has not begun may be claimed again. -1: the rest stays asked. */
int keeper_answer_asked(struct runner *keeper, struct error *err);

/* What a comparison counts on its way (keeper_measure.c). */
struct keeper_census {
    size_t running, paused, stopped;
    size_t ssh_ports, direct_ports;
    size_t subnets;
};
/* state: as users see it (describe_state). */
void keeper_count_container(struct keeper_census *census, const char *state);
void keeper_count_lease(const struct runner *keeper, struct keeper_census *census, const char *port,
                        const char *address);
/* Show these to Prometheus; the differences, settled or not; and what goes for the server. */
void keeper_measure_census(const struct runner *keeper, const struct keeper_census *census);
void keeper_measure_differences(const struct runner *keeper, const json_t *found);
void keeper_measure_server(const struct runner *keeper);

/* The user's images: adds what differs to the array. */
int keeper_survey_images(struct runner *keeper, json_t *found, struct error *err);
/* Index and engine side by side for one image of a user's, while no request changes either. */
int keeper_settle_image(struct runner *keeper, const char *user, const char *name,
                        struct error *err);

/* Does this item of the engine's list have the name of one that stands aside (engine.h)? */
bool keeper_is_aside(const json_t *listed, const char *user, const char *name);
/* Put back a container that stands aside for its successor (engine.h), or clear it away if that has
 * come; unless a runner will go on with its recreate. */
int keeper_settle_aside(struct runner *keeper, const char *user, const char *id, struct error *err);

/* Put a container of ours that the index lacks back into it, with its leases: bound, or reserved
 * for the request that is still at it. */
int keeper_restore(struct runner *keeper, const char *user, const char *name, const char *id,
                   bool reserved, struct error *err);
/* Lease the ports of a recreate's new container, while the entry is still the old one's. */
int keeper_restore_heir(struct runner *keeper, const char *user, const char *name, const char *id,
                        const char *request, struct error *err);

/* Does the index entry of this container show the end that the journal has? */
int keeper_shows_end(struct runner *keeper, const char *id, const json_t *entry, bool *ret_shows,
                     struct error *err);
/* Let it show that one; and a journal that has lost it learn it from the entry. */
int keeper_refresh_end(struct runner *keeper, const char *user, const char *name, const char *id,
                       const json_t *entry, struct error *err);

/* The entry of this very container, bound. 0 with *ret_entry untouched when there is none. */
int keeper_bound_entry(struct runner *keeper, const char *user, const char *name, const char *id,
                       json_t **ret_entry, struct error *err);

/* Is this one, which the engine has stopped, to run, and for which address does it wait? "": for
 * none that is missing. *ret_news: the journal does not say so yet. */
int keeper_look_at_wait(struct runner *keeper, const json_t *entry, const json_t *inspected,
                        bool *ret_news, char ret_address[WAIT_ADDRESS_SIZE], struct error *err);
/* Let the journal say so, or no more. ret_address: what the index is to show. */
int keeper_note_wait(struct runner *keeper, const char *user, const json_t *entry,
                     const json_t *inspected, char ret_address[WAIT_ADDRESS_SIZE],
                     struct error *err);
/* Start what the journal says is to run; policy is asked again. */
int keeper_bring_up(struct runner *keeper, const char *user, const char *name, const char *id,
                    struct error *err);

#endif
