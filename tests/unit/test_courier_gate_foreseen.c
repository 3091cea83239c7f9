/* What the gate's courier asks before anybody wants to know it. */
#include "tests/unit/gate_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "common/auto.h"
#include "common/members.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define RESULT                                                                                     \
    "{\"result\":{\"v\":1,\"request\":\"" ID "\",\"op\":\"ping\",\"user\":\"alice\","              \
    "\"state\":\"done\",\"server\":\"lcg50\",\"submitted\":\"2026-11-23T22:10:29.745Z\","          \
    "\"finished\":\"2026-11-23T22:10:29.745Z\"}}"

static int submit_foreseen(struct courier *courier, const char *foreseen, struct error *err)
{
    json_auto_t *args = json_object();
    struct request request = {.id = ID, .op = OP_PING, .user = "alice", .args = args};

    courier_foresee(courier, foreseen, 100);
    return courier->methods->submit(courier, &request, 1, 50, err);
}

static void assert_listed(struct courier *courier)
{
    json_auto_t *list = NULL;

    assert_int_equal(courier->methods->list(courier, LIST_REQUESTS, &list, NULL), 0);
    assert_int_equal(json_array_size(list), 0);
}

/* It answers nothing before it has all three. */
static int hear_all_first(int listener)
{
    int client = welcome(listener);

    for (int i = 0; i < 3; i++)
        heed(client);
    return client;
}

static void answer_all(int listener)
{
    int client = hear_all_first(listener);

    say(client, "{\"confirmed\":true}");
    say(client, "{\"item\":" EVENT("done") ",\"cursor\":\"7-2\"}");
    say(client, "{\"end\":true,\"cursor\":\"7-2\"}");
    say(client, RESULT);
    heed(client);
    say(client, "{\"end\":true}");
}

static void a_follower_finds_events_and_record_asked_for(void **state)
{
    struct courier *courier = meet(*state, answer_all);
    char cursor[COURIER_CURSOR_SIZE] = "0-0";
    json_auto_t *events = NULL, *result = NULL;
    struct error err = {0};

    assert_int_equal(submit_foreseen(courier, ID, &err), 0);
    assert_int_equal(courier->methods->events(courier, ID, cursor, 100, &events, NULL), 0);
    assert_int_equal(json_array_size(events), 1);
    assert_string_equal(cursor, "7-2");
    assert_int_equal(courier->methods->record(courier, ID, &result, NULL), 0);
    assert_string_equal(text_at(result, "state"), "done");
    assert_listed(courier); /* on the same connection */
}

static void list_for_the_next(int listener)
{
    int client = welcome(listener);

    heed(client);
    say(client, "{\"end\":true}");
}

static void confirm_and_serve_the_next(int listener)
{
    int client = hear_all_first(listener);

    say(client, "{\"confirmed\":true}");
    list_for_the_next(listener);
}

static void whoever_wants_something_else_connects_anew(void **state)
{
    struct courier *courier = meet(*state, confirm_and_serve_the_next);
    struct error err = {0};

    assert_int_equal(submit_foreseen(courier, ID, &err), 0);
    assert_listed(courier);
}

static void refuse_and_serve_the_next(int listener)
{
    int client = hear_all_first(listener);

    say(client, "{\"error\":{\"code\":\"quota_exceeded\",\"message\":\"enough\"}}");
    list_for_the_next(listener);
}

static void nobody_waits_for_what_was_foreseen_of_a_refused_request(void **state)
{
    struct courier *courier = meet(*state, refuse_and_serve_the_next);
    struct error err = {0};

    assert_int_equal(submit_foreseen(courier, ID, &err), -1);
    assert_int_equal(err.fault, FAULT_QUOTA);
    assert_listed(courier);
}

static void confirm_and_list(int listener)
{
    int client = welcome(listener);

    heed(client);
    say(client, "{\"confirmed\":true}");
    heed(client);
    say(client, "{\"end\":true}");
}

static void another_request_was_not_foreseen(void **state)
{
    struct courier *courier = meet(*state, confirm_and_list);
    struct error err = {0};

    assert_int_equal(submit_foreseen(courier, "01a20a75-eaec-7a6f-84e4-b4b0d27b8dd2", &err), 0);
    assert_listed(courier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_STAGE(a_follower_finds_events_and_record_asked_for),
        ON_A_STAGE(whoever_wants_something_else_connects_anew),
        ON_A_STAGE(nobody_waits_for_what_was_foreseen_of_a_refused_request),
        ON_A_STAGE(another_request_was_not_foreseen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
