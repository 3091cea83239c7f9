/* A store that has lost data gets back what engine and journal know, before it is relied upon. */
#include <string.h>

#include "common/auto.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "common/members.h"
#include "common/mutant.h"
#include "schemas/keys.h"
#include "schemas/result.h"
#include "schemas/units.h"
#include "worker/keeper_private.h"
#include "worker/store_requests.h"

/* A cancellation that was promised holds: its mark is nowhere but in the store. */
static int mark_again(struct runner *keeper, const struct request *request, const json_t *result,
                      struct error *err)
{
    const char *target = text_at(request->args, "request");
    char word[CANCEL_WORD_SIZE];
    enum cancel unused;
    if (request->op != OP_JOB_CANCEL || strcmp(result_state(result), "done") != 0 || !target)
        return 0;
    return store_cancel(keeper->store, request->user, target, &unused, word, err);
}

static int put_back_result(const struct request *request, const char *hash, const json_t *result,
                           void *context, struct error *err)
{
    struct runner *keeper = context;
    FAULT_POINT("keeper.result");
    if (store_end(keeper->store, request, hash, result, err) < 0 && err->fault != FAULT_CONFLICT)
        return -1;
    return mark_again(keeper, request, result, err);
}

/* What has been begun here is claimed by this server, also while no runner has it in hand. */
static int put_back_claim(struct runner *keeper, const char *id, struct error *err)
{
    AUTO(journal_entry) struct journal_entry entry = {0};
    AUTO(request) struct request request = {0};
    json_auto_t *unused = NULL;
    enum claim claim;
    if (journal_find(keeper->journal, id, &entry, err) < 0)
        return -1;
    if (entry.state != JOURNAL_BEGUN ||
        request_decode(entry.body, strlen(entry.body), &request, err) < 0)
        return 0; /* ended by now, or for the link to set aside */
    FAULT_POINT("keeper.claim");
    enum standing standing = journal_is_untouched(&entry) ? STANDING_KNOWN : STANDING_BEGUN;
    return store_claim(keeper->store, &request, entry.hash, standing, &claim, &unused, err);
}

static int put_back_requests(struct runner *keeper, const struct opening *opening,
                             struct error *err)
{
    json_auto_t *unfinished = NULL;
    size_t i = 0;
    json_t *item = NULL;
    int64_t since = timestamp_now() - 1000LL * REQUEST_RETENTION_S;
    if (journal_unfinished(keeper->journal, &unfinished, err) < 0)
        return -1;
    json_array_foreach(unfinished, i, item)
    {
        if (put_back_claim(keeper, text_at(item, "id"), err) < 0)
            return -1;
    }
    return journal_visit_lost(keeper->journal, opening->holds, since, put_back_result, keeper, err);
}

static int compare(struct runner *keeper, bool rebuilding, struct error *err)
{
    json_auto_t *found = NULL;
    if (IS_MUTANT(MUTANT_NO_RECONCILE))
        return 0;
    if (keeper_survey(keeper, rebuilding, &found, err) < 0)
        return -1;
    return keeper_settle(keeper, found, err);
}

static int put_back(struct runner *keeper, const struct opening *opening, struct error *err)
{
    if (put_back_requests(keeper, opening, err) < 0 || compare(keeper, true, err) < 0 ||
        store_check(keeper->store, err) < 0)
        return -1;
    return journal_found(keeper->journal, opening->generation, opening->holds,
                         store_seq(keeper->store), err);
}

int keeper_open_store(struct runner *keeper, bool *ret_lost, struct error *err)
{
    struct opening opening;
    uint64_t generation = GENERATION_UNKNOWN, seq = 0;
    if (store_provide(keeper->store, err) < 0 ||
        journal_store(keeper->journal, &generation, &seq, err) < 0 ||
        store_open(keeper->store, generation, seq, &opening, err) < 0)
        return -1;
    store_trust(keeper->store, opening.generation);
    if (!opening.is_same) {
        watermark_settle(keeper->mark, GENERATION_UNKNOWN);
        if (generation == GENERATION_UNKNOWN)
            log_info("a store that this journal has not known so far");
        else
            log_warning("the store has lost data: nothing is allocated until it is put back");
        if (put_back(keeper, &opening, err) < 0)
            return -1;
        log_info("the store has been put in order from engine and journal");
    } else if (watermark_generation(keeper->mark) != opening.generation &&
               compare(keeper, false, err) < 0) {
        return -1;
    }
    FAULT_POINT("keeper.settled");
    watermark_settle(keeper->mark, opening.generation);
    *ret_lost = !opening.is_same;
    return 0;
}
