/*
 * The full comparison of containers, entries, leases and networks (keeper_survey*.c): what differs
 * is added to `found`, as items for keeper_settle.c. Nothing is changed.
 */
#ifndef DCM_WORKER_KEEPER_SURVEY_H
#define DCM_WORKER_KEEPER_SURVEY_H

#include "worker/keeper_private.h"

/* All that is compared. */
struct survey {
    struct runner *keeper;
    bool rebuilding;
    json_t *entries;    /* of this server, with "user" */
    json_t *by_id;      /* of these the bound ones, by the container's id */
    json_t *by_name;    /* all, by "user/name" */
    json_t *containers; /* the engine's list */
    json_t *in_engine;  /* the engine's names of these: true */
    json_t *ids;        /* and their ids */
    json_t *users;      /* who has entries or containers here */
    struct keeper_census census;
    json_t *found;
};

/* Add one. item is stolen. */
int survey_add(struct survey *survey, enum difference kind, json_t *item, struct error *err);
/* The key of by_name. */
void survey_key(const char *user, const char *name, char ret_key[KEEPER_KEY_SIZE]);
/* Of an item of the engine's list, "" if it has none. Borrowed. */
const char *survey_engine_name(const json_t *listed);

/* One of the index's entries; one of the engine's containers. */
int survey_entry(struct survey *survey, const json_t *entry, struct error *err);
int survey_container(struct survey *survey, const json_t *listed, struct error *err);
/* After these, which tell who has something here. */
int survey_leases(struct survey *survey, struct error *err);
int survey_networks(struct survey *survey, struct error *err);

#endif
