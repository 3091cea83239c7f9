/*
 * A submitter's half of the store: what became of a user's requests, and what the user has. Only
 * reads, but for two things: the `queued` record of a request that was just confirmed, and the sign
 * that somebody still follows a container's output. Keys and functions: docs/protocol.md.
 *
 * Users, ids and cursors are checked by the caller. FAULT_DEPENDENCY: the store is out of reach.
 */
#ifndef DCM_SUBMITTER_MAILBOX_H
#define DCM_SUBMITTER_MAILBOX_H

#include <jansson.h>

#include "common/error.h"
#include "schemas/request.h"
#include "submitter/courier.h"

struct mailbox;

/* Does not connect yet. url is borrowed: it must outlive the mailbox. */
int mailbox_new(const char *url, struct mailbox **ret_mailbox, struct error *err);
void mailbox_free(struct mailbox *mailbox); /* accepts NULL */
static inline void auto_mailbox(struct mailbox **slot)
{
    mailbox_free(*slot);
}

/* FAULT_CONFLICT into the reasons of requests whose id is that of another one: its result would be
 * shown as theirs. Says nothing else, also when the store is down. */
void mailbox_check_ids(struct mailbox *mailbox, const struct request *requests, size_t count,
                       struct error *reasons);
/* Write a `queued` record for each request without a reason (reasons may be NULL) that has none
 * yet. */
int mailbox_queue(struct mailbox *mailbox, const struct request *requests, size_t count,
                  const struct error *reasons, struct error *err);

/* Mark the user's request of this id as taken back, lest it be begun before its cancellation has
 * come through the queue. What has begun already, goes on. */
int mailbox_cancel(struct mailbox *mailbox, const char *user, const char *id, struct error *err);

/* The three as in courier.h. */
int mailbox_record(struct mailbox *mailbox, const char *user, const char *id, json_t **ret_result,
                   struct error *err);
int mailbox_events(struct mailbox *mailbox, const char *user, const char *id,
                   char cursor[COURIER_CURSOR_SIZE], int wait_ms, json_t **ret_events,
                   struct error *err);
int mailbox_list(struct mailbox *mailbox, const char *user, enum listing listing, json_t **ret_list,
                 struct error *err);

/* Somebody reads the output of this request: true for three of the longest waits for events. */
int mailbox_follow(struct mailbox *mailbox, const char *user, const char *id, struct error *err);

#endif
