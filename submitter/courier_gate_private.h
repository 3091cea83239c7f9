/*
 * What the files of the gate's courier share, and nobody else includes:
 *
 *   courier_gate.c         opening, closing; one record
 *   courier_gate_link.c    the connection: asks out, answers in
 *   courier_gate_submit.c  requests, many on their way at a time
 *   courier_gate_lists.c   events and lists
 */
#ifndef DCM_SUBMITTER_COURIER_GATE_PRIVATE_H
#define DCM_SUBMITTER_COURIER_GATE_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

#include "submitter/courier.h"
#include "submitter/gate_answer.h"
#include "submitter/gate_ask.h"

#define GATE_READ_MS 5000 /* for answers that wait for nothing */

/* What is asked behind a submission, before its answer has come: what a follower asks next, which
 * is its events and then its record. Each is answered in turn; whoever asks for something else has
 * to connect anew. */
struct foreseen {
    char id[IDENTIFIER_SIZE]; /* of the request that will be submitted and followed; "" if none */
    int wait_ms;
    size_t asked, taken; /* how many of these asks are out, and have been asked for since */
};

struct gate_courier {
    struct courier courier; /* first: what callers hold is a pointer to it */
    struct sockaddr_un address;
    int fd; /* -1 while unconnected, and again as soon as we are out of step with the gate */
    const volatile sig_atomic_t *interrupted; /* a signal has come; or NULL */
    bool closed;                              /* by the gate, which left us without an answer */
    struct foreseen foreseen;
};

static inline struct gate_courier *gate_of(struct courier *courier)
{
    return (struct gate_courier *)courier;
}

int gate_connect(struct gate_courier *gate, struct error *err);
void gate_disconnect(struct gate_courier *gate);

/* Of an enqueue's requests as many go as fit: question->count. A failure means that nothing has
 * been asked. */
int gate_ask(struct gate_courier *gate, struct gate_ask *question, struct error *err);
/* The same while other asks are not answered yet. False: nothing has been asked, as it cannot be
 * sent at once; hear an answer first. */
bool gate_ask_behind(struct gate_courier *gate, struct gate_ask *question);

/* Behind the request that is being submitted, if it is the one that was foreseen. */
void gate_ask_foreseen(struct gate_courier *gate, const struct request *request);

/* The next answer. An error among the answers is the gate's own word, and becomes *err. After every
 * other failure we are out of step: the connection is gone. `interrupted`, if it is given, is set
 * when a signal comes first; without it, signals do not end the wait. */
int gate_hear(struct gate_courier *gate, int64_t until, struct gate_answer *ret_answer,
              bool *interrupted, struct error *err);
/* It came unasked, or in answer to something else. */
int gate_refuse_answer(struct gate_courier *gate, struct error *err);

/* Make it an ask about this request; FAULT_INVALID. */
int gate_about(struct gate_ask *question, const char *id, struct error *err);

/* Each as in courier.h. */
int gate_submit(struct courier *courier, const struct request *requests, size_t count,
                int timeout_ms, struct error *reasons);
int gate_events(struct courier *courier, const char *id, char cursor[COURIER_CURSOR_SIZE],
                int wait_ms, json_t **ret_events, struct error *err);
int gate_list(struct courier *courier, enum listing listing, json_t **ret_list, struct error *err);

#endif
