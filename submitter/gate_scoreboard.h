/*
 * What each child of the gate is doing, in memory that the supervisor and all children share.
 *
 * A child writes its own place only; the supervisor clears the place of a child that ended. Each
 * place is one atomic word, so that no child that dies in the middle of anything leaves it torn.
 */
#ifndef DCM_SUBMITTER_GATE_SCOREBOARD_H
#define DCM_SUBMITTER_GATE_SCOREBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/error.h"

struct scoreboard;

/* How many children there may be, and how many there are when nothing happens. */
struct scoreboard_limits {
    size_t least, most;
};

/* All places empty. */
int scoreboard_new(struct scoreboard_limits limits, struct scoreboard **ret_board,
                   struct error *err);
void scoreboard_free(struct scoreboard *board); /* accepts NULL */
static inline void auto_scoreboard(struct scoreboard **slot)
{
    scoreboard_free(*slot);
}

void scoreboard_set_empty(struct scoreboard *board, size_t place);
void scoreboard_set_idle(struct scoreboard *board, size_t place);
void scoreboard_set_busy(struct scoreboard *board, size_t place, uid_t uid);

/* How many children serve this user. */
size_t scoreboard_count_user(const struct scoreboard *board, uid_t uid);

/* How many children should run: those that are busy and some to spare, within the limits. */
size_t scoreboard_wanted(const struct scoreboard *board);

/* An idle child asks to end. True: its place is empty now, and it must. */
bool scoreboard_leave(struct scoreboard *board, size_t place);

#endif
