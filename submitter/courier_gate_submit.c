/* Requests, many at a time: while the gate has one ask of them, the next is on its way. */
#include "submitter/courier_gate_private.h"

#include "common/auto.h"
#include "common/clock.h"

#define GRACE_MS 2000    /* beyond what the gate itself may take */
#define UNDER_WAY_MOST 3 /* the gate has two in hand; the next is there when it wants it */

struct submission {
    struct gate_courier *gate;
    const struct request *requests;
    struct error *reasons; /* what became of requests[i] */
    size_t count;
    size_t next; /* the first of them that has not been asked */
    struct gate_ask asks[UNDER_WAY_MOST];
    size_t asked, answered; /* asks[i]: at i % UNDER_WAY_MOST */
    int64_t until;
    int timeout_ms;
};

static struct error *reasons_of(const struct submission *submission,
                                const struct gate_ask *question)
{
    return submission->reasons + (question->requests - submission->requests);
}

static void set_all(struct error *reasons, size_t count, const struct error *reason)
{
    for (size_t i = 0; i < count; i++)
        reasons[i] = *reason;
}

/* ---- answers ---- */

static bool is_about_all(const struct gate_answer *answer, const struct gate_ask *question)
{
    if (question->kind == ASK_SUBMIT)
        return answer->kind == ANSWER_CONFIRMED;
    return answer->kind == ANSWER_OUTCOMES && json_array_size(answer->value) == question->count;
}

/* False: the connection is gone, and what has been asked may be on its way or not. */
static bool take_answer(struct gate_courier *gate, const struct gate_ask *question,
                        struct error *reasons)
{
    AUTO(gate_answer) struct gate_answer answer = {0};
    struct error reason = {0};
    int64_t until = clock_ms() + question->wait_ms + GRACE_MS;

    if (gate_hear(gate, until, &answer, NULL, &reason) == 0 && !is_about_all(&answer, question))
        gate_refuse_answer(gate, &reason);
    if (gate->fd == -1)
        reason.fault = FAULT_UNCONFIRMED;
    if (reason.fault != FAULT_NONE)
        set_all(reasons, question->count, &reason);
    else
        for (size_t i = 0; i < question->count; i++)
            gate_outcome_read(json_array_get(answer.value, i), &reasons[i]);
    return gate->fd != -1;
}

/* The same ids once more: what has been published already is done once all the same. Where that
 * fails too, what came of the first time stays open. */
static void ask_again(struct gate_courier *gate, struct gate_ask *question, struct error *reasons)
{
    struct error reason = {0};
    size_t count = question->count;

    if (gate_ask(gate, question, &reason) == -1)
        set_all(reasons, count, &reason);
    else
        take_answer(gate, question, reasons);
    for (size_t i = 0; i < count; i++)
        if (reasons[i].fault != FAULT_NONE)
            reasons[i].fault = FAULT_UNCONFIRMED;
}

/* With the connection all that was under way on it is in doubt. A gate that closes without an
 * answer may just be started anew. */
static void hear_oldest(struct submission *submission)
{
    struct gate_courier *gate = submission->gate;
    struct gate_ask *question = &submission->asks[submission->answered % UNDER_WAY_MOST];
    struct error *reasons = reasons_of(submission, question);

    if (take_answer(gate, question, reasons)) {
        submission->answered++;
        return;
    }
    struct error doubt = reasons[0];
    bool again = gate->closed;
    for (; submission->answered < submission->asked; submission->answered++) {
        question = &submission->asks[submission->answered % UNDER_WAY_MOST];
        set_all(reasons_of(submission, question), question->count, &doubt);
        if (again)
            ask_again(gate, question, reasons_of(submission, question));
    }
}

/* ---- asks ---- */

static struct gate_ask next_ask(const struct submission *submission)
{
    return (struct gate_ask){
        .kind = submission->count == 1 ? ASK_SUBMIT : ASK_ENQUEUE,
        .requests = submission->requests + submission->next,
        .count = submission->count - submission->next,
        .wait_ms = clock_left(submission->until, submission->timeout_ms),
    };
}

static void note_asked(struct submission *submission, const struct gate_ask *question)
{
    submission->asks[submission->asked++ % UNDER_WAY_MOST] = *question;
    submission->next += question->count;
    if (question->kind == ASK_SUBMIT)
        gate_ask_foreseen(submission->gate, question->requests);
}

/* Nothing is under way. A gate that closes at once may just be started anew as well. */
static void ask_first(struct submission *submission)
{
    struct gate_courier *gate = submission->gate;
    struct gate_ask question = next_ask(submission), again = question;
    struct error *reasons = reasons_of(submission, &question);
    struct error reason = {0};

    gate->closed = false;
    if (question.wait_ms <= 0) {
        fail(&reason, FAULT_DEPENDENCY, "the gate took too long");
        set_all(reasons, question.count, &reason);
        submission->next = submission->count;
    } else if (gate_ask(gate, &question, &reason) == 0) {
        note_asked(submission, &question);
    } else if (gate->closed && gate_ask(gate, &again, &reason) == 0) {
        note_asked(submission, &again);
    } else {
        size_t count = question.count > 0 ? question.count : 1; /* not even one was written */
        set_all(reasons, count, &reason);
        submission->next += count;
    }
}

/* False: an answer has to come first. */
static bool ask_behind(struct submission *submission)
{
    struct gate_ask question = next_ask(submission);

    if (submission->asked - submission->answered == UNDER_WAY_MOST || question.count == 0 ||
        question.wait_ms <= 0 || !gate_ask_behind(submission->gate, &question))
        return false;
    note_asked(submission, &question);
    return true;
}

int gate_submit(struct courier *courier, const struct request *requests, size_t count,
                int timeout_ms, struct error *reasons)
{
    struct submission submission = {
        .gate = gate_of(courier),
        .requests = requests,
        .reasons = reasons,
        .count = count,
        .until = clock_ms() + timeout_ms,
        .timeout_ms = timeout_ms,
    };
    int status = 0;

    while (submission.next < count || submission.answered < submission.asked) {
        if (submission.answered == submission.asked)
            ask_first(&submission);
        else if (!ask_behind(&submission))
            hear_oldest(&submission);
    }
    for (size_t i = 0; i < count; i++)
        if (reasons[i].fault != FAULT_NONE)
            status = -1;
    if (status == -1 && submission.gate->foreseen.taken < submission.gate->foreseen.asked)
        gate_disconnect(submission.gate); /* nobody follows what has not been asked */
    return status;
}
