/*
 * What link and runner say to each other over their socketpair (SOCK_SEQPACKET, one message a
 * packet): work down, word of it back. Both are this program, forked from one supervisor, so the
 * messages are plain structs. Light deliveries go many in a message, and those that have ended come
 * back in one word: a packet and a wake-up cost more than what such a request is about.
 *
 *   link → runner                                     runner → link
 *   WORK_DELIVERY  a message from the broker          TAKEN?, then DONE | EARLY | ELSEWHERE | LATER
 *                                                     | PARK
 *                  light ones                         ENDED, of all that are; then as above
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

/* Light ones that go to a runner together, and the bytes of their message: any one fits. */
#define WORKS_MOST 64
#define WORKS_BYTES ((size_t)64 * 1024)

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
    const char *body;         /* borrowed; of what was received, from the works it is in */
};

/* Works as they were received: one, or light ones. */
struct works {
    size_t count;
    struct work list[WORKS_MOST];
    char bytes[WORKS_BYTES];
};

enum word_kind {
    WORD_TAKEN,     /* journalled: the delivery may be acknowledged, the id will do from here on */
    WORD_DONE,      /* settled for good */
    WORD_ENDED,     /* light ones, as by DONE: in the body their serials, as they were handed out */
    WORD_LATER,     /* engine or store out of reach, nothing wrong with the request */
    WORD_EARLY,     /* the store cannot say yet whose it is; nothing wrong with engine or store */
    WORD_ELSEWHERE, /* another server has it, and has not ended it */
    WORD_PARK,      /* no worker can make anything of it: set it aside */
    WORD_LEFT,      /* an id that the journal holds undone */
    WORD_BATCH,     /* a user who has a batch queue */
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
                                 knows, JSON (schemas/parked.h), or 0; ENDED: of the serials */
    char body[REQUEST_MAX_BYTES];
};

/* 0 when a whole message was sent or received. Receiving: 1 when the other side is gone, -1 with
 * err also when interrupted by a signal or, on a non-blocking socket, when there is nothing. Works
 * that were received have kinds that there are, texts that end, and bodies within their bytes. */
int works_send(int socket, const struct work *works, size_t count, struct error *err);
int works_receive(int socket, struct works *ret_works, struct error *err);
/* How many bytes of a message it takes. */
size_t work_size(const struct work *work);
int word_send(int socket, const struct word *word, struct error *err);
int word_receive(int socket, struct word *ret_word, struct error *err);
/* Of WORD_ENDED: one more, of at most WORKS_MOST; and the next from *at on, which begins with 0.
 * False: there is none. */
void word_add_serial(struct word *word, uint64_t serial);
bool word_next_serial(const struct word *word, size_t *at, uint64_t *ret_serial);

/* The supervisor hands the link a fresh runner's socket: the slot's number, how the last runner in
 * it ended (waitpid(2); 0 also if there was none), and a descriptor. */
struct slot_news {
    size_t slot;
    int wait_status;
};
int slot_send(int control, const struct slot_news *news, int socket, struct error *err);
int slot_receive(int control, struct slot_news *ret_news, int *ret_socket, struct error *err);

#endif
