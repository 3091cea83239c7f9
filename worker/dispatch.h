/*
 * What link and runner say to each other over their socketpair (SOCK_SEQPACKET, one message a
 * packet): work down, word of it back. Both are this program, forked from one supervisor, so the
 * messages are plain structs.
 *
 *   link → runner                                     runner → link
 *   WORK_DELIVERY  a message from the broker          TAKEN?, then DONE | LATER | PARK
 *   WORK_RESUME    an id that is in the journal       TAKEN?, then DONE | LATER | PARK
 *   WORK_SET_ASIDE one of these that has been parked  DONE | LATER | PARK
 *   WORK_CLEAR_UP  the same, after it                 DONE | LATER | PARK
 *   WORK_RECALL    which ids did we leave undone?     LEFT…, then DONE | LATER | PARK
 *   WORK_ADMIT     may its user have a batch queue?   DONE | LATER | PARK
 *   WORK_BATCHES   who has one?                       BATCH…, then DONE | LATER | PARK
 *   WORK_FORGET    the account's queue is gone        DONE | LATER | PARK
 */
#ifndef DCM_WORKER_DISPATCH_H
#define DCM_WORKER_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "schemas/identifier.h"
#include "schemas/request.h"

/* Light ones that a runner has in hand at a time. */
#define WORKS_MOST 16

/* A request that has ended so many attempts by killing its runner is begun no more. */
#define ATTEMPTS_MOST 3

enum work_kind {
    WORK_DELIVERY,
    WORK_RESUME,
    WORK_SET_ASIDE,
    WORK_CLEAR_UP,
    WORK_RECALL,
    WORK_ADMIT,
    WORK_BATCHES,
    WORK_FORGET,
    WORK_COUNT
};

/* Of one that ended without a word. Times are milliseconds since the epoch. */
struct attempt {
    int64_t begun, ended; /* ended: 0 if nobody saw it */
    char end[64];         /* how; "" if nobody saw it */
};

struct work {
    enum work_kind kind;
    bool light;               /* more of them may follow at once (worker/errand.h) */
    uint64_t serial;          /* the link's own number; comes back in every word of it */
    char account[64];         /* of a delivery: its publisher, whom the broker vouches for, or "";
                                 of WORK_FORGET: the user */
    char id[IDENTIFIER_SIZE]; /* of what is in the journal */
    struct attempt last;      /* the one before this, begun 0 if there was none */
    size_t length;            /* of a delivery's body; 0 also when it was too large to read */
    char body[REQUEST_MAX_BYTES];
};

enum word_kind {
    WORD_TAKEN, /* journalled: the delivery may be acknowledged, the id will do from here on */
    WORD_DONE,  /* settled for good */
    WORD_LATER, /* engine or store out of reach, nothing wrong with the request */
    WORD_PARK,  /* no worker can make anything of it: set it aside */
    WORD_LEFT,  /* an id that the journal holds undone */
    WORD_BATCH, /* a user who has a batch queue */
};

struct word {
    enum word_kind kind;
    uint64_t serial;
    bool proven;   /* DONE: engine and store have both answered */
    bool admitted; /* DONE, of WORK_ADMIT: yes, and the journal knows; else it is settled */
    char id[IDENTIFIER_SIZE]; /* TAKEN, LEFT */
    char reason[256];         /* LATER, PARK */
    char account[64];         /* LEFT: the publisher; BATCH: the user */
    bool parked;              /* LEFT: and only to be cleared up after */
    size_t length;            /* LEFT: of the request's body; PARK: of the attempts that the journal
                                 knows, JSON (schemas/parked.h), or 0 */
    char body[REQUEST_MAX_BYTES];
};

/* 0 when a whole message was sent or received. Receiving: 1 when the other side is gone, -1 with
 * err also when interrupted by a signal or, on a non-blocking socket, when there is nothing. A work
 * that was received has a kind that there is, and texts that end. */
int work_send(int socket, const struct work *work, struct error *err);
int work_receive(int socket, struct work *ret_work, struct error *err);
/* Does a message wait to be received? */
bool work_is_there(int socket);
int word_send(int socket, const struct word *word, struct error *err);
int word_receive(int socket, struct word *ret_word, struct error *err);

/* The supervisor hands the link a fresh runner's socket: the slot's number, how the last runner in
 * it ended (waitpid(2); 0 also if there was none), and a descriptor. */
struct slot_news {
    size_t slot;
    int wait_status;
};
int slot_send(int control, const struct slot_news *news, int socket, struct error *err);
int slot_receive(int control, struct slot_news *ret_news, int *ret_socket, struct error *err);

#endif
