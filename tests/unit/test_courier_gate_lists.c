/* What the gate's courier reads, item by item. */
#include "tests/unit/gate_stage.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/auto.h"
#include "common/members.h"

#include <cmocka.h> /* last: it defines a macro fail() */

static void give_events(int listener)
{
    int client = welcome(listener);
    heed(client);
    say(client, "{\"item\":" EVENT("placed") ",\"cursor\":\"0-0\"}");
    say(client, "{\"item\":{\"v\":9,\"kind\":\"omen\"},\"cursor\":\"0-0\"}");
    say(client, "{\"item\":" EVENT("done") ",\"cursor\":\"7-2\"}");
    say(client, "{\"end\":true,\"cursor\":\"7-3\"}");
}

static void events_that_we_know_come_with_the_cursor_of_the_end(void **state)
{
    struct courier *courier = meet(*state, give_events);
    char cursor[COURIER_CURSOR_SIZE] = "0-0";
    json_auto_t *events = NULL;
    assert_int_equal(courier->methods->events(courier, ID, cursor, 100, &events, NULL), 0);
    assert_int_equal(json_array_size(events), 2);
    assert_string_equal(text_at(json_array_get(events, 1), "phase"), "done");
    assert_string_equal(cursor, "7-3");
}

static void break_off_in_the_middle(int listener)
{
    int client = welcome(listener);
    heed(client);
    say(client, "{\"item\":" EVENT("placed") ",\"cursor\":\"0-0\"}");
    close(client);
}

static void half_a_list_of_events_moves_no_cursor(void **state)
{
    struct courier *courier = meet(*state, break_off_in_the_middle);
    char cursor[COURIER_CURSOR_SIZE] = "0-0";
    json_t *events = NULL;
    struct error err = {0};
    assert_int_equal(courier->methods->events(courier, ID, cursor, 100, &events, &err), -1);
    assert_int_equal(err.fault, FAULT_DEPENDENCY);
    assert_string_equal(cursor, "0-0");
    assert_null(events);
}

static void on_alarm(int number)
{
    (void)number;
}

static void a_signal_ends_the_wait_for_events_and_nothing_is_wrong(void **state)
{
    struct courier *courier = meet(*state, stay_silent);
    struct sigaction action = {.sa_handler = on_alarm}; /* and no SA_RESTART */
    struct itimerval soon = {.it_value = {.tv_usec = 100000}};
    char cursor[COURIER_CURSOR_SIZE] = "3-1";
    json_auto_t *events = NULL;

    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    assert_int_equal(courier->methods->events(courier, ID, cursor, 5000, &events, NULL), 0);
    assert_int_equal(json_array_size(events), 0);
    assert_string_equal(cursor, "3-1");
}

static void list_twice(int listener)
{
    for (int i = 0; i < 2; i++) {
        int client = welcome(listener);
        heed(client);
        say(client, "{\"end\":true}");
        close(client);
    }
}

static void what_the_gate_closed_is_opened_again(void **state)
{
    struct courier *courier = meet(*state, list_twice);
    for (int i = 0; i < 2; i++) {
        json_auto_t *list = NULL;
        assert_int_equal(courier->methods->list(courier, LIST_REQUESTS, &list, NULL), 0);
        assert_int_equal(json_array_size(list), 0);
        usleep(50000); /* the gate closes */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_STAGE(events_that_we_know_come_with_the_cursor_of_the_end),
        ON_A_STAGE(half_a_list_of_events_moves_no_cursor),
        ON_A_STAGE(a_signal_ends_the_wait_for_events_and_nothing_is_wrong),
        ON_A_STAGE(what_the_gate_closed_is_opened_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
