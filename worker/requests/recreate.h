/* What the two ways of a recreate share, on and back. All of it may be repeated. */
#ifndef DCM_WORKER_RECREATE_H
#define DCM_WORKER_RECREATE_H

#include "schemas/ports.h"
#include "worker/requests/requests.h"

struct change {
    const char *user, *name; /* borrowed */
    const char *id;          /* of the present container; borrowed */
    char engine_name[ENGINE_NAME_SIZE];
    struct ports ports; /* the new one's */
    bool ran;           /* the present one */
};

/* The ports asked for, or else those that it has, on addresses of this server. */
int recreate_choose_ports(const struct runner *runner, const struct job *job,
                          const struct owned *owned, struct ports *ret_ports, struct error *err);
/* What policy and engine say to the container as it is now, with its ports to be. */
int recreate_check(struct runner *runner, const char *user, const struct owned *owned,
                   const struct ports *ports, struct verdicts *verdicts, struct error *err);

/* The new container goes, if this request has made one. */
int recreate_drop_new(struct runner *runner, const struct job *job, const struct change *change,
                      struct error *err);
/* The present one is what it was, and alone; what was reserved for the new one is free. */
int recreate_put_back(struct runner *runner, const struct job *job, const struct change *change,
                      struct error *err);

/* Does the entry, which may be NULL, tell of the container that this request has made? */
bool recreate_is_done(const struct job *job, const json_t *entry);
/* Then the one that stood aside goes. */
int recreate_finish(struct runner *runner, const char *old_id, struct error *err);

#endif
