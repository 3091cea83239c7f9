/*
 * What the files of the mailbox share:
 *
 *   mailbox.c        opening; a request's record and events
 *   mailbox_limits.c what the servers have published of a user's limits
 *   mailbox_lists.c  what a user has: containers, images, requests
 *   mailbox_notes.c  notes down what was asked
 */
#ifndef DCM_SUBMITTER_MAILBOX_PRIVATE_H
#define DCM_SUBMITTER_MAILBOX_PRIVATE_H

#include "common/redis_link.h"
#include "schemas/keys.h"
#include "submitter/mailbox.h"

struct mailbox {
    struct redis_link *link;
    char ended[KEY_SIZE]; /* whose record came with its events, and is final: it is read once */
    json_t *result;       /* what it says; owned. NULL: there is none */
};

/* mailbox_list for LIST_LIMITS. */
int mailbox_list_limits(struct mailbox *mailbox, const char *user, json_t **ret_list,
                        struct error *err);

#endif
