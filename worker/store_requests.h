/* Requests in the store: claim, record and stream (worker/store.h). */
#ifndef DCM_WORKER_STORE_REQUESTS_H
#define DCM_WORKER_STORE_REQUESTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "schemas/event.h"
#include "schemas/request.h"
#include "worker/store.h"

#define CANCEL_WORD_SIZE 64

enum claim {
    CLAIM_OURS,      /* go on; also when this server had claimed it before */
    CLAIM_ENDED,     /* somebody finished it: *ret_result */
    CLAIM_MISMATCH,  /* the same id was used with another body */
    CLAIM_ELSEWHERE, /* another server has claimed it, and is asked whether it does it */
    CLAIM_CANCELLED, /* its user took it back before anybody claimed it: end it */
    CLAIM_EARLY      /* the store has lost data, and another server may have done it: try again */
};
/* What the journal here has of it: nothing; it is begun, and nothing may have been done; or has. */
enum standing { STANDING_NEW, STANDING_KNOWN, STANDING_BEGUN };
/* Place and claim in one step, record `running`, tell the stream "placed". What has begun here
 * already cannot be taken back any more. */
int store_claim(struct store *store, const struct request *request, const char *hash,
                enum standing standing, enum claim *ret_claim, json_t **ret_result,
                struct error *err);
enum cancel {
    CANCEL_NOTED, /* it has not begun, and no claim will begin it */
    CANCEL_BEGUN, /* *ret_word: the server that has */
    CANCEL_ENDED  /* *ret_word: its state */
};
/* Take back the user's request of this id, which may not have come yet: NOTED with "" as word. */
int store_cancel(struct store *store, const char *user, const char *id, enum cancel *ret_cancel,
                 char ret_word[CANCEL_WORD_SIZE], struct error *err);
/* A hint, which may be lost: it is sent, and nobody waits for an answer. */
int store_progress(struct store *store, const struct request *request, enum phase phase,
                   struct error *err);
int store_output(struct store *store, const struct request *request, const char *stream,
                 const void *data, size_t length, struct error *err);
/* Is somebody still following this request's output? */
int store_followed(struct store *store, const struct request *request, bool *ret_followed,
                   struct error *err);
/* The final record and the stream's last event. A record that has ended already stays as it is.
 * FAULT_CONFLICT: the record is another body's, or another server has claimed it. */
int store_end(struct store *store, const struct request *request, const char *hash,
              const json_t *result, struct error *err);

/* Requests that are done without anything done in between. */
struct store_ending {
    const struct request *request;
    const char *hash;
};
/* Claim and end them all as done here, in one round trip, at most STORE_TOGETHER: one call for
 * those of each user. ret_ended[i] says of which that was done; the others are as they were, and
 * store_claim says why. */
int store_end_unclaimed(struct store *store, const struct store_ending *endings, size_t count,
                        bool *ret_ended, struct error *err);

#endif
