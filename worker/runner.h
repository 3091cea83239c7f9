/*
 * A runner: takes one request at a time from the link, of light ones several, and works it from
 * decoding to recorded result in blocking code, over connections of its own to engine, store and
 * journal.
 */
#ifndef DCM_WORKER_RUNNER_H
#define DCM_WORKER_RUNNER_H

#include <jansson.h>
#include <limits.h>

#include "common/error.h"
#include "schemas/request.h"
#include "worker/config.h"
#include "worker/engine.h"
#include "worker/id_map.h"
#include "worker/journal.h"
#include "worker/labels.h"
#include "worker/metrics.h"
#include "worker/store.h"
#include "worker/verdicts.h"

/* What a process needs to act for this server; the keeper has one too. */
struct runner {
    const struct worker_config *config;
    struct watermark *mark; /* borrowed: the worker's processes share it */
    struct engine *engine;
    struct store *store;
    struct journal *journal;
    struct keyring *keyring;
    json_t *policy;
    char **addresses; /* of this server, in order of preference; NULL-terminated, never empty */
    char identity[ENGINE_IDENTITY_SIZE]; /* the engine's; "" until runner_identity was asked */
    struct id_map ids;                   /* of its containers, as runner_look saw them last */
    char data_root[PATH_MAX];            /* where it keeps its data; "" until runner_look */
    int socket;                          /* to the link; -1 in the keeper */
    struct metrics *metrics;             /* borrowed, as the mark; NULL: nothing is counted */
    json_t *history; /* set by settle_work (worker/settle.h), else NULL; owned */
};

/* Open everything that `config` names (mark NULL: the process is alone); nothing connects yet but
 * the journal. */
int runner_open(const struct worker_config *config, struct watermark *mark, int socket,
                struct runner *ret_runner, struct error *err);
void runner_close(struct runner *runner);
/* Count from here on what it does, and what engine and store answer. */
void runner_measure(struct runner *runner, struct metrics *metrics);
/* Make sure that runner->identity is known. */
int runner_identity(struct runner *runner, struct error *err);
/* Know runner->identity, ids and data_root. The engine is asked, which costs it several
 * milliseconds, unless it is certainly the one that was asked last: it can have come back as
 * another one, with user namespaces or without, while nobody asked it for anything. */
int runner_look(struct runner *runner, struct error *err);
/* Read policy, keyring and addresses anew; a faulty file is reported and the old one stays. */
void runner_reload(struct runner *runner);

/* Rely upon the store as the journal knows it. FAULT_DEPENDENCY when it has lost data. */
int runner_trust(struct runner *runner, struct error *err);

/* Is this one of the server's addresses? */
bool runner_has_address(const struct runner *runner, const char *address);

/* Serve until told to end. Returns the exit status. */
int runner_run(const struct worker_config *config, struct watermark *mark, struct metrics *metrics,
               int socket);

/* One request on its way through a runner. */
struct job {
    struct request request;
    const char *publisher;    /* borrowed */
    const char *body;         /* as it came, terminated; borrowed */
    struct verdicts *decided; /* by which rules it is allowed, for the audit log; borrowed */
    json_t *removed;          /* what an earlier attempt was about to remove, or NULL; borrowed */
    uint64_t serial;
    int64_t claimed_at; /* clock_ms; 0: not by this attempt */
    int64_t begun; /* when the first attempt began it (milliseconds since 1970); journalled only */
    char hash[REQUEST_HASH_SIZE];
    char container[ENGINE_ID_SIZE]; /* what the journal knows of that attempt, or "" */
    bool journalled;                /* of a kind that the journal must know before it begins */
    bool resumed;                   /* journalled by an earlier attempt */
    bool untouched;                 /* and no attempt can have had an effect */
};

#endif
