/* The client's side of the gate's socket, against gates that behave well, badly, or not at all. */
#include "tests/unit/gate_stage.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/auto.h"
#include "submitter/gate_ask.h"

#include <cmocka.h> /* last: it defines a macro fail() */

static int submit_ping(struct courier *courier, struct error *err)
{
    json_auto_t *args = json_object();
    struct request request = {.id = ID, .op = OP_PING, .user = "alice", .args = args};
    struct error reason;
    int status = courier->methods->submit(courier, &request, 1, 50, &reason);
    if (err)
        *err = reason;
    return status;
}

static void confirm(int listener)
{
    int client = welcome(listener);
    heed(client);
    say(client, "{\"confirmed\":true}");
}

static void a_confirmed_request_is_submitted(void **state)
{
    struct courier *courier = meet(*state, confirm);
    assert_int_equal(submit_ping(courier, NULL), 0);
}

static void leave_at_once(int listener)
{
    close(welcome(listener));
}

static void close_after_the_ask(int listener)
{
    int client = welcome(listener);
    heed(client);
    close(client);
}

static void a_gate_that_dies_with_a_request_leaves_doubt(void **state)
{
    struct courier *courier = meet(*state, close_after_the_ask);
    struct error err = {0};
    assert_int_equal(submit_ping(courier, &err), -1);
    assert_int_equal(err.fault, FAULT_UNCONFIRMED);
}

static void a_gate_that_dies_with_a_question_is_out_of_reach(void **state)
{
    struct courier *courier = meet(*state, close_after_the_ask);
    struct error err = {0};
    json_t *result = NULL;
    assert_int_equal(courier->methods->record(courier, ID, &result, &err), -1);
    assert_int_equal(err.fault, FAULT_DEPENDENCY);
    assert_null(result);
}

static void a_gate_that_stays_silent_leaves_doubt(void **state)
{
    struct courier *courier = meet(*state, stay_silent);
    struct error err = {0};
    assert_int_equal(submit_ping(courier, &err), -1);
    assert_int_equal(err.fault, FAULT_UNCONFIRMED);
}

static void talk_nonsense(int listener)
{
    int client = welcome(listener);
    heed(client);
    say(client, "{\"confirmed\":\"maybe\"}");
}

static void nonsense_in_answer_to_a_request_leaves_doubt(void **state)
{
    struct courier *courier = meet(*state, talk_nonsense);
    struct error err = {0};
    assert_int_equal(submit_ping(courier, &err), -1);
    assert_int_equal(err.fault, FAULT_UNCONFIRMED);
}

static void answer_another_question(int listener)
{
    int client = welcome(listener);
    heed(client);
    say(client, "{\"end\":true}");
}

static void an_answer_to_something_else_leaves_doubt(void **state)
{
    struct courier *courier = meet(*state, answer_another_question);
    struct error err = {0};
    assert_int_equal(submit_ping(courier, &err), -1);
    assert_int_equal(err.fault, FAULT_UNCONFIRMED);
}

static void say_no(int listener)
{
    int client = welcome(listener);
    heed(client);
    say(client, "{\"error\":{\"code\":\"policy_denied\",\"message\":\"no\",\"rule\":\"users.a\"}}");
}

static void close_and_then_say_no(int listener)
{
    close_after_the_ask(listener);
    say_no(listener);
}

/* What came of the first time is not known any better by it. */
static void a_refusal_after_an_ask_without_an_answer_leaves_doubt(void **state)
{
    struct courier *courier = meet(*state, close_and_then_say_no);
    struct error err = {0};
    assert_int_equal(submit_ping(courier, &err), -1);
    assert_int_equal(err.fault, FAULT_UNCONFIRMED);
}

static void a_refused_request_was_not_asked(void **state)
{
    struct courier *courier = meet(*state, say_no);
    struct error err = {0};
    assert_int_equal(submit_ping(courier, &err), -1);
    assert_int_equal(err.fault, FAULT_DENIED);
    assert_string_equal(err.text, "no");
    assert_string_equal(err.rule, "users.a");
}

/* Without reading, as a gate does that has too many clients. */
static void turn_away(int listener)
{
    int client = welcome(listener);
    say(client, "{\"error\":{\"code\":\"quota_exceeded\",\"message\":\"too many\"}}");
    close(client);
}

static void turn_away_late(int listener)
{
    int client = welcome(listener);
    usleep(100000); /* what is asked lies there unread by now */
    say(client, "{\"error\":{\"code\":\"quota_exceeded\",\"message\":\"too many\"}}");
    close(client);
}

static void who_is_turned_away_at_once_learns_why(void **state)
{
    struct stage *stage = *state;
    struct courier *courier = meet(stage, turn_away);
    struct error err = {0};
    assert_int_equal(waitpid(stage->gate, NULL, 0), stage->gate);
    stage->gate = 0;
    assert_int_equal(submit_ping(courier, &err), -1);
    assert_int_equal(err.fault, FAULT_QUOTA);
    assert_string_equal(err.text, "too many");
}

static void who_is_turned_away_unheard_learns_why(void **state)
{
    struct courier *courier = meet(*state, turn_away_late);
    struct error err = {0};
    assert_int_equal(submit_ping(courier, &err), -1);
    assert_int_equal(err.fault, FAULT_QUOTA);
}

static void have_doubts(int listener)
{
    int client = welcome(listener);
    heed(client);
    say(client, "{\"error\":{\"code\":\"unavailable\",\"message\":\"?\"},\"unconfirmed\":true}");
}

static void the_gates_own_doubt_is_passed_on(void **state)
{
    struct courier *courier = meet(*state, have_doubts);
    struct error err = {0};
    assert_int_equal(submit_ping(courier, &err), -1);
    assert_int_equal(err.fault, FAULT_UNCONFIRMED);
}

#define MANY (GATE_ENQUEUE_MOST + 44) /* two asks */

/* That of the last one says no. */
static void say_outcomes(int client, size_t count, bool last_is_refused)
{
    static char text[GATE_ENQUEUE_MOST * 4];
    size_t length = (size_t)sprintf(text, "{\"outcomes\":[");

    for (size_t i = 1; i < count; i++)
        length += (size_t)sprintf(text + length, "{},");
    sprintf(text + length, "%s]}",
            last_is_refused ? "{\"error\":{\"code\":\"conflict\",\"message\":\"no\"}}" : "{}");
    say(client, text);
}

static int submit_many(struct courier *courier, struct error reasons[MANY])
{
    json_auto_t *args = json_object();
    struct request requests[MANY];

    for (size_t i = 0; i < MANY; i++) {
        requests[i] = (struct request){.op = OP_PING, .user = "alice", .args = args};
        identifier_new(requests[i].id);
    }
    return courier->methods->submit(courier, requests, MANY, 5000, reasons);
}

/* It answers nothing before it has both. */
static void hear_two_asks_first(int listener)
{
    int client = welcome(listener);
    heed(client);
    heed(client);
    say_outcomes(client, GATE_ENQUEUE_MOST, true);
    say_outcomes(client, MANY - GATE_ENQUEUE_MOST, false);
}

static void the_next_ask_does_not_wait_for_the_answer_to_the_last(void **state)
{
    struct courier *courier = meet(*state, hear_two_asks_first);
    struct error reasons[MANY];

    assert_int_equal(submit_many(courier, reasons), -1);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(reasons[i].fault,
                         i == GATE_ENQUEUE_MOST - 1 ? FAULT_CONFLICT : FAULT_NONE);
}

static void answer_one_and_the_other_to_the_next_client(int listener)
{
    int client = welcome(listener);
    heed(client);
    heed(client);
    say_outcomes(client, GATE_ENQUEUE_MOST, false);
    close(client);
    client = welcome(listener);
    heed(client);
    say_outcomes(client, MANY - GATE_ENQUEUE_MOST, false);
}

static void what_a_gate_left_unanswered_is_asked_again(void **state)
{
    struct courier *courier = meet(*state, answer_one_and_the_other_to_the_next_client);
    struct error reasons[MANY];
    assert_int_equal(submit_many(courier, reasons), 0);
}

static void answer_one_and_close_both(int listener)
{
    int client = welcome(listener);
    heed(client);
    heed(client);
    say_outcomes(client, GATE_ENQUEUE_MOST, false);
    close(client);
    close_after_the_ask(listener);
}

static void what_was_never_answered_is_in_doubt_and_the_rest_is_not(void **state)
{
    struct courier *courier = meet(*state, answer_one_and_close_both);
    struct error reasons[MANY];

    assert_int_equal(submit_many(courier, reasons), -1);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(reasons[i].fault, i < GATE_ENQUEUE_MOST ? FAULT_NONE : FAULT_UNCONFIRMED);
}

static void where_no_gate_is_the_error_says_where(void **state)
{
    struct stage *stage = *state;
    struct courier *courier = NULL;
    struct error err = {0};
    char elsewhere[80];
    snprintf(elsewhere, sizeof(elsewhere), "%s.none", stage->path);
    assert_int_equal(courier_gate_open(elsewhere, NULL, &courier, &err), -1);
    assert_int_equal(err.fault, FAULT_DEPENDENCY);
    assert_non_null(strstr(err.text, elsewhere));
    assert_null(courier);
}

static void an_id_that_only_begins_well_is_refused(void **state)
{
    struct courier *courier = meet(*state, leave_at_once);
    struct error err = {0};
    json_t *result = NULL;
    assert_int_equal(courier->methods->record(courier, ID "0", &result, &err), -1);
    assert_int_equal(err.fault, FAULT_INVALID);
}

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

/* Unheard, it would leave the gate to be waited for, and the error to say that there is none. */
static void a_signal_ends_the_wait_for_a_gate(void **state)
{
    struct stage *stage = *state;
    struct courier *courier = NULL;
    struct sigaction action = {.sa_handler = interrupt};
    struct itimerval soon = {.it_value = {.tv_usec = 100000}};
    struct error err = {0};
    char elsewhere[80];

    snprintf(elsewhere, sizeof(elsewhere), "%s.none", stage->path);
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    assert_int_equal(courier_gate_open(elsewhere, &interrupted, &courier, &err), -1);
    assert_int_equal(err.fault, FAULT_DEPENDENCY);
    assert_non_null(strstr(err.text, "interrupted"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_STAGE(a_confirmed_request_is_submitted),
        ON_A_STAGE(a_gate_that_dies_with_a_request_leaves_doubt),
        ON_A_STAGE(a_gate_that_dies_with_a_question_is_out_of_reach),
        ON_A_STAGE(a_gate_that_stays_silent_leaves_doubt),
        ON_A_STAGE(nonsense_in_answer_to_a_request_leaves_doubt),
        ON_A_STAGE(an_answer_to_something_else_leaves_doubt),
        ON_A_STAGE(a_refused_request_was_not_asked),
        ON_A_STAGE(a_refusal_after_an_ask_without_an_answer_leaves_doubt),
        ON_A_STAGE(who_is_turned_away_at_once_learns_why),
        ON_A_STAGE(who_is_turned_away_unheard_learns_why),
        ON_A_STAGE(the_gates_own_doubt_is_passed_on),
        ON_A_STAGE(the_next_ask_does_not_wait_for_the_answer_to_the_last),
        ON_A_STAGE(what_a_gate_left_unanswered_is_asked_again),
        ON_A_STAGE(what_was_never_answered_is_in_doubt_and_the_rest_is_not),
        ON_A_STAGE(where_no_gate_is_the_error_says_where),
        ON_A_STAGE(a_signal_ends_the_wait_for_a_gate),
        ON_A_STAGE(an_id_that_only_begins_well_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
