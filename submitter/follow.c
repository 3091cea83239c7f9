#include "submitter/follow.h"

#include <string.h>
#include <time.h>

#include "common/auto.h"
#include "common/clock.h"
#include "common/members.h"
#include "schemas/event.h"
#include "schemas/result.h"

#define PAUSE_FIRST_MS 50
#define PAUSE_LAST_MS 1000
#define SUBMIT_MS 4000

const struct pace follow_pace = {
    .wait_ms = 1000, .look_ms = 5000, .patience_ms = 60000, .again_ms = 10000};

/* How far we are. */
struct turn {
    const struct following *following;
    char cursor[COURIER_CURSOR_SIZE];
    int64_t look_at; /* when to read the record */
    int64_t heard;   /* when the store last answered */
    int pause_ms;
    int64_t missing; /* since when there has been no record; 0: there is one */
    bool told_all;   /* the event that comes with the final record has come: it is the last */
};

static bool is_interrupted(const struct following *following)
{
    return following->interrupted && *following->interrupted;
}

static int check_stop(const struct following *following, struct error *err)
{
    if (is_interrupted(following))
        return fail(err, FAULT_UNFINISHED, "interrupted");
    if (following->until && clock_ms() >= following->until)
        return fail(err, FAULT_UNFINISHED, "not finished in time");
    return 0;
}

/* A signal ends the pause early. */
static void pause_for(int milliseconds)
{
    struct timespec pause = {.tv_sec = milliseconds / 1000,
                             .tv_nsec = (long)(milliseconds % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

/* 0: try again. The store may be restarting, and the request goes on without us. */
static int bear(struct turn *turn, struct error *err)
{
    const struct following *following = turn->following;

    if (err->fault != FAULT_DEPENDENCY)
        return -1;
    if (clock_ms() - turn->heard >= following->pace->patience_ms) {
        err->fault = FAULT_UNFINISHED;
        return fail_while(err, "cannot be followed");
    }
    pause_for(following->until ? clock_left(following->until, turn->pause_ms) : turn->pause_ms);
    turn->pause_ms = turn->pause_ms * 2 < PAUSE_LAST_MS ? turn->pause_ms * 2 : PAUSE_LAST_MS;
    turn->look_at = 0;
    return 0;
}

static void hear(struct turn *turn)
{
    turn->heard = clock_ms();
    turn->pause_ms = PAUSE_FIRST_MS;
}

static bool is_last(const json_t *event)
{
    const char *phase = text_at(event, "phase");
    return phase && strcmp(phase, phase_name(PHASE_DONE)) == 0;
}

/* Wait for events, and hand them over. *ret_count: how many there were. */
static int listen_for(struct turn *turn, int wait_ms, size_t *ret_count, struct error *err)
{
    const struct following *following = turn->following;
    json_auto_t *events = NULL;

    if (following->courier->methods->events(following->courier, following->id, turn->cursor,
                                            wait_ms, &events, err) == -1)
        return -1;
    hear(turn);

    size_t i;
    json_t *event;
    json_array_foreach(events, i, event)
    {
        turn->told_all |= is_last(event);
        if (following->heed && following->heed(event, following->context) != 0)
            return fail(err, FAULT_UNFINISHED, "nobody reads on");
    }
    *ret_count = json_array_size(events);
    return 0;
}

/* What the stream holds now. Its last entries may come after the record that made them the last. */
static int drain(struct turn *turn, struct error *err)
{
    char before[COURIER_CURSOR_SIZE];
    size_t count = 1;

    while (count > 0 && !turn->told_all) {
        if (is_interrupted(turn->following))
            return fail(err, FAULT_UNFINISHED, "interrupted");
        memcpy(before, turn->cursor, sizeof(before));
        if (listen_for(turn, 0, &count, err) == -1)
            return -1;
        if (memcmp(before, turn->cursor, sizeof(before)) == 0)
            break; /* nothing was taken off: it would go on for ever */
    }
    return 0;
}

/* There is no record, and yet the request is, or may be. Whoever has asked asks again, which is
 * asking once: what was begun is in a worker's journal, and the rest is in the queue or nowhere. */
static int miss(struct turn *turn, const struct error *reason, struct error *err)
{
    const struct following *following = turn->following;
    int64_t now = clock_ms();

    if (turn->missing == 0)
        turn->missing = now;
    if (following->request && now - turn->missing >= following->pace->again_ms) {
        struct error unheard = {0};
        following->courier->methods->submit(following->courier, following->request, 1, SUBMIT_MS,
                                            &unheard);
        turn->missing = clock_ms();
    }
    if (reason->fault == FAULT_UNFINISHED && !following->submitted &&
        now - turn->missing >= following->pace->patience_ms)
        return fail(err, reason->fault, "%s", reason->text);
    return 0;
}

/* *ret_result stays NULL while the request has not ended. */
static int look(struct turn *turn, json_t **ret_result, struct error *err)
{
    const struct following *following = turn->following;
    json_auto_t *result = NULL;
    struct error reason = {0};

    int status =
        following->courier->methods->record(following->courier, following->id, &result, &reason);
    bool missing = reason.fault == FAULT_UNFINISHED ||
                   (reason.fault == FAULT_NOT_FOUND && following->submitted);
    if (status == -1 && !missing) {
        if (err)
            *err = reason;
        return -1;
    }
    hear(turn);
    turn->look_at = turn->heard + following->pace->look_ms;
    if (status == -1)
        return miss(turn, &reason, err);
    turn->missing = 0;
    if (!result || !result_is_final(result))
        return 0;
    if (drain(turn, &reason) == -1 && reason.fault == FAULT_UNFINISHED)
        return fail(err, reason.fault, "%s", reason.text);
    *ret_result = TAKE(result);
    return 0;
}

/* Read the record if it is time, otherwise wait for events. */
static int take_turn(struct turn *turn, json_t **ret_result, struct error *err)
{
    const struct following *following = turn->following;
    size_t count = 0;

    if (clock_ms() >= turn->look_at)
        return look(turn, ret_result, err);

    int wait_ms = clock_left(turn->look_at, following->pace->wait_ms);
    if (following->until)
        wait_ms = clock_left(following->until, wait_ms);
    if (listen_for(turn, wait_ms, &count, err) == -1)
        return -1;
    if (count > 0)
        turn->look_at = 0;
    return 0;
}

static struct turn first_turn(const struct following *following)
{
    struct turn turn = {.following = following, .cursor = "0-0"};
    hear(&turn);
    if (following->fresh && check_stop(following, NULL) == 0)
        turn.look_at = turn.heard + following->pace->wait_ms;
    return turn;
}

int follow(const struct following *following, json_t **ret_result, struct error *err)
{
    struct turn turn = first_turn(following);
    struct error reason = {0};
    json_t *result = NULL;

    while (!result) {
        /* Looked at once even with no time left: it may well have ended. */
        if ((turn.look_at > 0 && check_stop(following, &reason) == -1) ||
            (take_turn(&turn, &result, &reason) == -1 &&
             (bear(&turn, &reason) == -1 || check_stop(following, &reason) == -1))) {
            if (err)
                *err = reason;
            return -1;
        }
    }
    *ret_result = result;
    return 0;
}

int follow_past(const struct following *following, struct error *err)
{
    struct turn turn = first_turn(following);
    return drain(&turn, err);
}
