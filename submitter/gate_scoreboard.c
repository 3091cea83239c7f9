#include "submitter/gate_scoreboard.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum activity { EMPTY, IDLE, BUSY };

/* The activity in the upper half, the user of a busy child in the lower one. */
typedef _Atomic uint64_t place_word;

struct scoreboard {
    struct scoreboard_limits limits;
    place_word places[];
};

static size_t size_of(size_t places)
{
    return sizeof(struct scoreboard) + places * sizeof(place_word);
}

static uint64_t word_of(enum activity activity, uid_t uid)
{
    return (uint64_t)activity << 32 | uid;
}

static enum activity activity_of(uint64_t word)
{
    return (enum activity)(word >> 32);
}

int scoreboard_new(struct scoreboard_limits limits, struct scoreboard **ret_board,
                   struct error *err)
{
    struct scoreboard *board =
        mmap(NULL, size_of(limits.most), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED)
        return fail(err, FAULT_INTERNAL, "shared memory for %zu children: %s", limits.most,
                    strerror(errno));
    board->limits = limits;
    for (size_t place = 0; place < limits.most; place++)
        atomic_init(&board->places[place], word_of(EMPTY, 0));
    *ret_board = board;
    return 0;
}

void scoreboard_free(struct scoreboard *board)
{
    if (board)
        munmap(board, size_of(board->limits.most));
}

void scoreboard_set_empty(struct scoreboard *board, size_t place)
{
    atomic_store(&board->places[place], word_of(EMPTY, 0));
}

void scoreboard_set_idle(struct scoreboard *board, size_t place)
{
    atomic_store(&board->places[place], word_of(IDLE, 0));
}

void scoreboard_set_busy(struct scoreboard *board, size_t place, uid_t uid)
{
    atomic_store(&board->places[place], word_of(BUSY, uid));
}

size_t scoreboard_count_user(const struct scoreboard *board, uid_t uid)
{
    size_t count = 0;
    for (size_t place = 0; place < board->limits.most; place++)
        count += atomic_load(&board->places[place]) == word_of(BUSY, uid);
    return count;
}

static size_t count(const struct scoreboard *board, enum activity activity)
{
    size_t found = 0;
    for (size_t place = 0; place < board->limits.most; place++)
        found += activity_of(atomic_load(&board->places[place])) == activity;
    return found;
}

/* A quarter to spare: a burst of clients doubles the children in a few rounds of forking, and a few
 * busy ones do not raise their number at all. */
size_t scoreboard_wanted(const struct scoreboard *board)
{
    size_t busy = count(board, BUSY);
    size_t wanted = busy + 1 + busy / 4;

    if (wanted < board->limits.least)
        return board->limits.least;
    return wanted < board->limits.most ? wanted : board->limits.most;
}

/* Leaves first and counts then: of two that go at once at least one sees the other gone. */
bool scoreboard_leave(struct scoreboard *board, size_t place)
{
    scoreboard_set_empty(board, place);
    if (count(board, IDLE) + count(board, BUSY) >= scoreboard_wanted(board))
        return true;
    scoreboard_set_idle(board, place);
    return false;
}
