/* The engine client's logs and events, against the stand-in. */
#include "worker/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/members.h"
#include "engine_fixture.h"

#define FIRST_LINES "<stdout>a line of standard output\n<stderr>a line of standard error\n"

/* What a stream told, and what the listener does at its turns. */
struct heard {
    char text[4096];
    int turns;
    void (*at_turn)(struct heard *heard);
    const char *ends_at; /* end the stream once the text has this in it */
    char id[ENGINE_ID_SIZE];
};

static int hear_turn(struct heard *heard)
{
    heard->turns++;
    if (heard->at_turn)
        heard->at_turn(heard);
    return !heard->at_turn; /* nothing to do at turns: the first one ends it */
}

static int hear_output(const char *stream, const void *data, size_t length, void *context)
{
    struct heard *heard = context;
    size_t used = strlen(heard->text);

    if (!data)
        return hear_turn(heard);
    snprintf(heard->text + used, sizeof(heard->text) - used, "<%s>%.*s", stream, (int)length,
             (const char *)data);
    return heard->ends_at && strstr(heard->text, heard->ends_at);
}

static int hear_event(const json_t *event, void *context)
{
    struct heard *heard = context;
    size_t used = strlen(heard->text);

    if (!event)
        return hear_turn(heard);
    snprintf(heard->text + used, sizeof(heard->text) - used, "%s ", text_at(event, "Action"));
    return heard->ends_at && strstr(heard->text, heard->ends_at);
}

static void start(struct heard *heard)
{
    standin_container(ALICES, PORT, heard->id);
    assert_int_equal(engine_container_act(ENGINE, ENGINE_START, heard->id, NULL, ERR), 0);
}

static void logs_end_where_the_output_ends(void **state)
{
    struct heard heard = {0};

    (void)state;
    start(&heard);
    const struct engine_logs logs = {.id = heard.id};
    assert_int_equal(engine_container_logs(ENGINE, &logs, hear_output, &heard, ERR), 0);
    assert_string_equal(heard.text, FIRST_LINES);
}

static void logs_begin_where_the_tail_begins(void **state)
{
    struct heard heard = {0};

    (void)state;
    start(&heard);
    const struct engine_logs logs = {.id = heard.id, .tail = 1};
    assert_int_equal(engine_container_logs(ENGINE, &logs, hear_output, &heard, ERR), 0);
    assert_string_equal(heard.text, "<stderr>a line of standard error\n");
}

static void the_output_of_a_terminal_is_raw(void **state)
{
    struct heard heard = {0};
    json_auto_t *body = standin_body("none", PORT);

    (void)state;
    json_object_set_new(body, "Tty", json_true());
    assert_int_equal(engine_container_create(ENGINE, ALICES, body, heard.id, ERR), 0);
    assert_int_equal(engine_container_act(ENGINE, ENGINE_START, heard.id, NULL, ERR), 0);
    const struct engine_logs logs = {.id = heard.id, .tty = true};
    assert_int_equal(engine_container_logs(ENGINE, &logs, hear_output, &heard, ERR), 0);
    assert_string_equal(heard.text,
                        "<stdout>a line of standard output\na line of standard error\n");
}

static void write_a_line(struct heard *heard)
{
    char path[128];
    snprintf(path, sizeof(path), "/standin/logs/%s", heard->id);
    free(standin_raw("POST", path, "{\"text\":\"late\\n\"}"));
}

static void followed_logs_tell_what_comes_later(void **state)
{
    struct heard heard = {.at_turn = write_a_line, .ends_at = "late"};

    (void)state;
    start(&heard);
    const struct engine_logs logs = {.id = heard.id, .follow = true};
    assert_int_equal(engine_container_logs(ENGINE, &logs, hear_output, &heard, ERR), 0);
    assert_string_equal(heard.text, FIRST_LINES "<stdout>late\n");
    assert_int_equal(heard.turns, 1);
}

static void exit_by_itself(struct heard *heard)
{
    char path[128];
    snprintf(path, sizeof(path), "/standin/exit/%s", heard->id);
    free(standin_raw("POST", path, "{\"code\":3}"));
}

static void followed_logs_end_with_the_container(void **state)
{
    struct heard heard = {.at_turn = exit_by_itself};

    (void)state;
    start(&heard);
    const struct engine_logs logs = {.id = heard.id, .follow = true};
    assert_int_equal(engine_container_logs(ENGINE, &logs, hear_output, &heard, ERR), 0);
    assert_string_equal(heard.text, FIRST_LINES);
}

static void a_quiet_stream_turns_once_a_second(void **state)
{
    struct heard heard = {0};
    struct timespec before;
    struct timespec after;

    (void)state;
    start(&heard);
    const struct engine_logs logs = {.id = heard.id, .follow = true};
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(engine_container_logs(ENGINE, &logs, hear_output, &heard, ERR), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_int_equal(heard.turns, 1);
    assert_true(after.tv_sec - before.tv_sec <= 5); /* room for a machine that is busy */
}

static void kill_the_engine(struct heard *heard)
{
    (void)heard;
    standin_kill();
}

static void an_engine_that_goes_while_we_follow_means_retry(void **state)
{
    struct heard heard = {.at_turn = kill_the_engine};

    (void)state;
    start(&heard);
    const struct engine_logs logs = {.id = heard.id, .follow = true};
    assert_int_equal(engine_container_logs(ENGINE, &logs, hear_output, &heard, ERR), -1);
    assert_int_equal(standin.err.fault, FAULT_DEPENDENCY);
}

static void logs_of_no_container_are_not_found(void **state)
{
    struct heard heard = {.id = "0000000000000000000000000000000000000000000000000000000000000000"};
    const struct engine_logs logs = {.id = heard.id};

    (void)state;
    assert_int_equal(engine_container_logs(ENGINE, &logs, hear_output, &heard, ERR), -1);
    assert_int_equal(standin.err.fault, FAULT_NOT_FOUND);
    assert_string_equal(heard.text, "");
}

static void stop_the_container(struct heard *heard)
{
    char path[128];
    snprintf(path, sizeof(path), "/containers/%s/stop", heard->id);
    free(standin_raw("POST", path, ""));
}

static void events_tell_what_was_and_what_comes(void **state)
{
    struct heard heard = {.at_turn = stop_the_container, .ends_at = "stop"};

    (void)state;
    start(&heard);
    assert_int_equal(engine_events(ENGINE, 1, hear_event, &heard, ERR), 0);
    assert_string_equal(heard.text, "create start kill die stop ");
}

static void events_begin_where_they_are_asked_to(void **state)
{
    struct heard heard = {0};

    (void)state;
    start(&heard);
    assert_int_equal(engine_events(ENGINE, time(NULL) + 60, hear_event, &heard, ERR), 0);
    assert_string_equal(heard.text, "");
    assert_int_equal(heard.turns, 1);
}

static void events_of_an_engine_that_goes_mean_retry(void **state)
{
    struct heard heard = {.at_turn = kill_the_engine};

    (void)state;
    assert_int_equal(engine_events(ENGINE, 1, hear_event, &heard, ERR), -1);
    assert_int_equal(standin.err.fault, FAULT_DEPENDENCY);
}

static int ask_again(const json_t *event, void *context)
{
    char identity[ENGINE_IDENTITY_SIZE];
    int *result = context;

    (void)event;
    *result = engine_identity(ENGINE, identity, ERR);
    return 1;
}

static void a_callback_cannot_use_the_engine_that_calls_it(void **state)
{
    struct heard heard = {0};
    int result = 0;

    (void)state;
    start(&heard);
    assert_int_equal(engine_events(ENGINE, 1, ask_again, &result, ERR), 0);
    assert_int_equal(result, -1);
    assert_int_equal(standin.err.fault, FAULT_INTERNAL);
}

static void the_client_goes_on_after_a_stream(void **state)
{
    struct heard heard = {.ends_at = "standard output"};
    json_auto_t *container = NULL;

    (void)state;
    start(&heard);
    const struct engine_logs logs = {.id = heard.id, .follow = true};
    assert_int_equal(engine_container_logs(ENGINE, &logs, hear_output, &heard, ERR), 0);
    assert_int_equal(engine_container_inspect(ENGINE, heard.id, &container, ERR), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(logs_end_where_the_output_ends),
        TEST(logs_begin_where_the_tail_begins),
        TEST(the_output_of_a_terminal_is_raw),
        TEST(followed_logs_tell_what_comes_later),
        TEST(followed_logs_end_with_the_container),
        TEST(a_quiet_stream_turns_once_a_second),
        TEST(an_engine_that_goes_while_we_follow_means_retry),
        TEST(logs_of_no_container_are_not_found),
        TEST(events_tell_what_was_and_what_comes),
        TEST(events_begin_where_they_are_asked_to),
        TEST(events_of_an_engine_that_goes_mean_retry),
        TEST(a_callback_cannot_use_the_engine_that_calls_it),
        TEST(the_client_goes_on_after_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
