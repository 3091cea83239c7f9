/* job.cancel: what has not begun is not begun any more; what has, goes on. */
#include <string.h>

#include "common/members.h"
#include "worker/requests/requests.h"
#include "worker/store_requests.h"

int request_cancel(struct runner *runner, struct job *job, json_t *result, struct error *err)
{
    const char *id = text_at(job->request.args, "request");
    char word[CANCEL_WORD_SIZE];
    enum cancel cancel;
    if (store_cancel(runner->store, job->request.user, id, &cancel, word, err) < 0)
        return -1;
    if (cancel == CANCEL_BEGUN)
        return fail(err, FAULT_CONFLICT, "it has begun on %s, and goes on", word);
    if (cancel == CANCEL_ENDED && strcmp(word, "cancelled") != 0)
        return fail(err, FAULT_CONFLICT, "it has ended before: %s", word);
    /* A store that has lost its data does not know what another server has begun. */
    if (cancel == CANCEL_NOTED && !word[0])
        json_object_set_new(result, "warning",
                            json_string("no request of this id is known: unless it has begun, it "
                                        "will not be"));
    return 0;
}
