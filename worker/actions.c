#include "worker/actions.h"

#include "common/log.h"

static const struct action actions[OP_COUNT] = {
    [OP_PING] = {.run = request_ping},
    [OP_CONTAINER_CREATE] = {.run = request_create,
                             .is_journalled = true,
                             .makes_data = true,
                             .undo = request_create_undo},
    [OP_CONTAINER_START] = {.run = request_lifecycle, .is_journalled = true},
    [OP_CONTAINER_STOP] = {.run = request_lifecycle, .is_journalled = true},
    [OP_CONTAINER_RESTART] = {.run = request_lifecycle, .is_journalled = true},
    [OP_CONTAINER_PAUSE] = {.run = request_lifecycle, .is_journalled = true},
    [OP_CONTAINER_UNPAUSE] = {.run = request_lifecycle, .is_journalled = true},
    [OP_CONTAINER_REMOVE] = {.run = request_remove, .is_journalled = true},
    [OP_CONTAINER_LOGS] = {.run = request_logs},
    [OP_CONTAINER_RECREATE] = {.run = request_recreate,
                               .is_journalled = true,
                               .makes_data = true,
                               .undo = request_recreate_undo},
    [OP_CONTAINER_EXTEND] = {.run = request_extend, .is_journalled = true},
    [OP_IMAGE_COMMIT] = {.run = request_commit,
                         .is_journalled = true,
                         .makes_data = true,
                         .undo = request_commit_undo},
    [OP_IMAGE_REMOVE] = {.run = request_image_remove, .is_journalled = true},
    [OP_JOB_CANCEL] = {.run = request_cancel, .is_journalled = true},
    [OP_POLICY_EXPLAIN] = {.run = request_explain},
};

const struct action *action_of(enum op op)
{
    return &actions[op];
}

int action_clear_up(struct runner *runner, const struct job *job, struct error *err)
{
    const struct action *action = action_of(job->request.op);
    struct error debris = {0};
    if (!job->resumed || !action->undo || action->undo(runner, job, &debris) == 0)
        return 0;
    if (fault_fate(debris.fault) == FATE_RETRY) {
        *err = debris;
        return -1;
    }
    log_warning("clearing up: %s", debris.text);
    return 0;
}
