#include "submitter/commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/count.h"
#include "common/members.h"
#include "schemas/units.h"
#include "tests/unit/screen.h"

static void a_command_is_asked_followed_and_told(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(screen_run(&scene->screen, "ping"), 0);
    assert_string_equal(scene->screen.out, "lcg50 answers.\n");
    assert_string_equal(scene->screen.err, "");
    assert_int_equal(scene->fake.submit_calls, 1);
}

static void a_create_asks_for_what_its_options_say(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(screen_run(&scene->screen,
                                "create debian-ssh 80 -p 53/udp --name web "
                                "--memory 6m --cpus 2 --pids 9 --server lcg50 --ttl 8h"),
                     0);
    json_auto_t *expected = json_loads(
        "{\"image\":\"debian-ssh\",\"name\":\"web\",\"server\":\"lcg50\",\"millicpus\":2000,"
        "\"memory\":6291456,\"pids\":9,\"ttl\":28800,\"ports\":["
        "{\"host\":53,\"container\":53,\"protocol\":\"udp\"},"
        "{\"host\":80,\"container\":80,\"protocol\":\"tcp\"}]}",
        0, NULL);
    assert_true(json_equal(scene->fake.args, expected));
}

/* The options of docker run, which policy has to grant one by one. */
static void a_create_asks_for_single_options(void **state)
{
    static const struct {
        const char *line, *args;
    } cases[] = {
        {"--shm-size 1g", "{\"shm_size\":1073741824}"},
        {"--gpus 2", "{\"gpus\":2}"},
        {"--restart on-failure", "{\"restart\":\"on-failure\"}"},
        {"--env TZ=UTC --env A=b=c --env TZ= --env EMPTY=",
         "{\"env\":{\"TZ\":\"\",\"A\":\"b=c\",\"EMPTY\":\"\"}}"},
        {"--device /dev/fuse --device /dev/net/tun",
         "{\"devices\":[\"/dev/fuse\",\"/dev/net/tun\"]}"},
        {"--mount /a:/b --mount /a:/c:ro --mount /a:/d:rw",
         "{\"mounts\":[{\"source\":\"/a\",\"target\":\"/b\",\"read_only\":false},"
         "{\"source\":\"/a\",\"target\":\"/c\",\"read_only\":true},"
         "{\"source\":\"/a\",\"target\":\"/d\",\"read_only\":false}]}"},
        {"--cap-add NET_ADMIN --cap-add NET_RAW", "{\"capabilities\":[\"NET_ADMIN\",\"NET_RAW\"]}"},
    };
    struct scene *scene = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        char line[256];
        json_auto_t *expected = json_loads(cases[i].args, 0, NULL);
        snprintf(line, sizeof(line), "create debian-ssh %s", cases[i].line);
        json_object_set_new(expected, "image", json_string("debian-ssh"));
        assert_int_equal(screen_run(&scene->screen, line), 0);
        if (!json_equal(scene->fake.args, expected))
            fail_msg("%s does not ask for %s", line, cases[i].args);
    }
}

static void what_was_not_asked_for_is_left_out(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(screen_run(&scene->screen, "create debian-ssh"), 0);
    assert_int_equal(json_object_size(scene->fake.args), 1);
}

/* Without ports the present ones stay; the word none asks for none. */
static void a_recreate_asks_for_the_ports_that_it_names(void **state)
{
    static const struct {
        const char *line, *args;
    } cases[] = {
        {"recreate web", "{\"container\":\"web\"}"},
        {"recreate 2635 none", "{\"container\":\"2635\",\"ports\":[]}"},
        {"recreate web 81:80 -p 53/udp",
         "{\"container\":\"web\",\"ports\":[{\"host\":53,\"container\":53,\"protocol\":\"udp\"},"
         "{\"host\":81,\"container\":80,\"protocol\":\"tcp\"}]}"},
    };
    struct scene *scene = *state;

    scene->fake.op = OP_CONTAINER_RECREATE;
    for (size_t i = 0; i < COUNT(cases); i++) {
        json_auto_t *expected = json_loads(cases[i].args, 0, NULL);
        assert_int_equal(screen_run(&scene->screen, cases[i].line), 0);
        assert_true(json_equal(scene->fake.args, expected));
    }
}

static void a_recreate_with_a_faulty_word_asks_nothing(void **state)
{
    static const char *const lines[] = {"recreate", "recreate Bad!", "recreate web 22",
                                        "recreate web none 80", "recreate web -p 80 none"};
    struct scene *scene = *state;

    for (size_t i = 0; i < COUNT(lines); i++)
        assert_int_equal(screen_run(&scene->screen, lines[i]), 2);
    assert_int_equal(scene->fake.submit_calls, 0);
}

static void an_extension_asks_for_seconds_from_now(void **state)
{
    struct scene *scene = *state;

    scene->fake.op = OP_CONTAINER_EXTEND;
    json_auto_t *expected = json_loads("{\"container\":\"web\",\"ttl\":604800}", 0, NULL);
    assert_int_equal(screen_run(&scene->screen, "extend web 7d"), 0);
    assert_true(json_equal(scene->fake.args, expected));
}

static void an_extension_with_a_faulty_word_asks_nothing(void **state)
{
    static const char *const lines[] = {"extend web",      "extend Bad! 7d", "extend web 7",
                                        "extend web 0s",   "extend web -1h", "extend web 7d 8d",
                                        "extend web 3651d"};
    struct scene *scene = *state;

    for (size_t i = 0; i < COUNT(lines); i++)
        assert_int_equal(screen_run(&scene->screen, lines[i]), 2);
    assert_int_equal(scene->fake.submit_calls, 0);
}

static void to_explain_asks_about_what_the_command_would_ask(void **state)
{
    static const struct {
        const char *line, *args;
    } cases[] = {
        {"explain create debian-ssh --pids 9",
         "{\"op\":\"container.create\",\"args\":{\"image\":\"debian-ssh\",\"pids\":9}}"},
        {"explain remove -f web",
         "{\"op\":\"container.remove\",\"args\":{\"container\":\"web\",\"force\":true}}"},
        {"explain recreate web none",
         "{\"op\":\"container.recreate\",\"args\":{\"container\":\"web\",\"ports\":[]}}"},
        {"explain extend web 1h",
         "{\"op\":\"container.extend\",\"args\":{\"container\":\"web\",\"ttl\":3600}}"},
        {"explain logs web --follow",
         "{\"op\":\"container.logs\",\"args\":{\"container\":\"web\",\"follow\":true}}"},
        {"explain ping", "{\"op\":\"ping\",\"args\":{}}"},
    };
    struct scene *scene = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_auto_t *expected = json_loads(cases[i].args, 0, NULL);
        assert_int_equal(screen_run(&scene->screen, cases[i].line), 0);
        assert_true(json_equal(scene->fake.args, expected));
    }
    assert_int_equal(scene->fake.submit_calls, COUNT(cases));
    assert_int_equal(screen_run(&scene->screen, "explain stop a b"), 0);
    assert_int_equal(scene->fake.submit_calls, COUNT(cases) + 2);
}

static void every_kind_of_request_is_what_some_command_asks(void **state)
{
    bool asked[OP_COUNT] = {false};

    (void)state;
    for (size_t i = 0; i < command_count; i++)
        if (commands[i].op != OP_COUNT)
            asked[commands[i].op] = true;
    for (enum op op = 0; op < OP_COUNT; op++)
        if (!asked[op])
            fail_msg("no command asks for %s", op_name(op));
}

static void to_explain_a_faulty_command_asks_nothing(void **state)
{
    static const char logs[] = "explain logs " FAKE_ID;
    static const char *const lines[] = {"explain create",
                                        "explain create Bad!",
                                        "explain stop a B",
                                        "explain recreate web 22",
                                        logs,
                                        "explain create img 22"};
    struct scene *scene = *state;

    for (size_t i = 0; i < COUNT(lines); i++)
        assert_int_equal(screen_run(&scene->screen, lines[i]), 2);
    assert_int_equal(scene->fake.submit_calls, 0);
    assert_non_null(strstr(scene->screen.err, "dcm-submit: create needs an image"));
}

static void a_create_without_a_proper_image_asks_nothing(void **state)
{
    static const char *const lines[] = {"create", "create 3", "create Bad!",
                                        "create debian-ssh 22"};
    struct scene *scene = *state;

    for (size_t i = 0; i < COUNT(lines); i++)
        assert_int_equal(screen_run(&scene->screen, lines[i]), 2);
    assert_int_equal(scene->fake.submit_calls, 0);
    assert_string_equal(scene->screen.out, "");
    assert_non_null(
        strstr(scene->screen.err, "create needs an image: dcm-submit create IMAGE [PORT…]\n"));
    assert_non_null(strstr(scene->screen.err, "\"3\" is a number: use the image's name\n"));
    assert_int_equal(lines_of(scene->screen.err), 4);
}

static void all_targets_are_tried_and_the_first_failure_counts(void **state)
{
    struct scene *scene = *state;

    scene->fake.op = OP_CONTAINER_STOP;
    scene->fake.records[1] = (struct fake_record){.ends_with = FAULT_NOT_FOUND};
    scene->fake.records[2] = (struct fake_record){.ends_with = FAULT_CONFLICT};
    scene->fake.records[3] = (struct fake_record){.state = "done"};
    assert_int_equal(screen_run(&scene->screen, "stop --json a b c d"), 4);
    assert_int_equal(scene->fake.submit_calls, 4);
    assert_int_equal(lines_of(scene->screen.out), 4);
    assert_int_equal(lines_of(scene->screen.err), 2);
    assert_string_not_equal(scene->fake.submitted[0], scene->fake.submitted[1]);
}

static void one_ill_named_target_keeps_all_from_being_asked(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(screen_run(&scene->screen, "stop a B"), 2);
    assert_int_equal(screen_run(&scene->screen, "stop a b --id " FAKE_ID), 2);
    assert_int_equal(scene->fake.submit_calls, 0);
}

static void a_given_id_is_the_requests(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(screen_run(&scene->screen, "stop a --id " FAKE_ID), 0);
    assert_string_equal(scene->fake.submitted[0], FAKE_ID);
}

static void a_deadline_counts_from_now(void **state)
{
    struct scene *scene = *state;
    int64_t now = timestamp_now();

    assert_int_equal(screen_run(&scene->screen, "ping --deadline 10m"), 0);
    assert_in_range(scene->fake.deadline - now - 600000, 0, 5000);
}

static void detached_it_prints_the_id_and_reads_nothing(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(screen_run(&scene->screen, "ping -d"), 0);
    assert_int_equal(strlen(scene->screen.out), IDENTIFIER_SIZE);
    assert_memory_equal(scene->screen.out, scene->fake.submitted[0], IDENTIFIER_SIZE - 1);
    assert_int_equal(scene->fake.record_calls + scene->fake.events_calls, 0);
}

static void what_was_not_submitted_says_so_with_status_6(void **state)
{
    struct scene *scene = *state;

    scene->fake.submits[0] = FAULT_DEPENDENCY;
    assert_int_equal(screen_run(&scene->screen, "ping --json"), 6);
    assert_int_equal(lines_of(scene->screen.out), 1);
    assert_non_null(strstr(scene->screen.out, "\"state\":\"failed\""));
    assert_non_null(strstr(scene->screen.err, "not submitted"));
    assert_int_equal(lines_of(scene->screen.err), 1);
    assert_int_equal(scene->fake.record_calls, 0);
}

static void what_was_perhaps_submitted_can_be_repeated_by_its_id(void **state)
{
    struct scene *scene = *state;
    char advice[64];

    scene->fake.submits[0] = FAULT_UNCONFIRMED;
    assert_int_equal(screen_run(&scene->screen, "ping"), 7);
    snprintf(advice, sizeof(advice), "repeat with --id %s\n", scene->fake.submitted[0]);
    assert_non_null(strstr(scene->screen.err, advice));
}

static void out_of_time_it_says_how_to_come_back(void **state)
{
    struct scene *scene = *state;
    char advice[80];

    scene->fake.records[0] = (struct fake_record){.state = "running"};
    assert_int_equal(screen_run(&scene->screen, "ping --json --timeout 0s"), 5);
    snprintf(advice, sizeof(advice), "goes on: dcm-submit wait %s\n", scene->fake.submitted[0]);
    assert_non_null(strstr(scene->screen.err, advice));
    assert_non_null(strstr(scene->screen.out, "\"state\":\"running\""));
    assert_int_equal(lines_of(scene->screen.out), 1);
}

static void a_signal_ends_in_the_same_way(void **state)
{
    struct scene *scene = *state;

    scene->fake.records[0] = (struct fake_record){.state = "queued"};
    scene->fake.interrupt_at = 1;
    assert_int_equal(screen_run(&scene->screen, "ping"), 5);
    assert_non_null(strstr(scene->screen.err, "interrupted; goes on: dcm-submit wait "));
}

static void output_goes_where_the_container_wrote_it(void **state)
{
    struct scene *scene = *state;

    scene->fake.op = OP_CONTAINER_LOGS;
    scene->fake.events[0].texts[0] = FAKE_OUTPUT("stdout", "aGVsbG8K"); /* hello */
    scene->fake.events[0].texts[1] = FAKE_OUTPUT("stderr", "b29wcwo="); /* oops */
    scene->fake.events[0].texts[2] = FAKE_OUTPUT("stdout", "G1sybQ=="); /* ESC [2m */
    assert_int_equal(screen_run(&scene->screen, "logs web --tail 5"), 0);
    assert_string_equal(scene->screen.out, "hello\n\x1b[2m");
    assert_string_equal(scene->screen.err, "oops\n");
    assert_int_equal(number_at(scene->fake.args, "tail"), 5);
}

static void output_to_a_terminal_holds_no_control_bytes(void **state)
{
    struct scene *scene = *state;

    scene->screen.session.out_is_terminal = true;
    scene->fake.op = OP_CONTAINER_LOGS;
    scene->fake.events[0].texts[0] = FAKE_OUTPUT("stdout", "G1sybQ==");
    assert_int_equal(screen_run(&scene->screen, "logs web"), 0);
    assert_string_equal(scene->screen.out, "\\x1b[2m");
}

static void the_output_of_a_request_is_read_again_without_asking(void **state)
{
    struct scene *scene = *state;

    scene->fake.events[0].texts[0] = FAKE_PROGRESS("placed");
    scene->fake.events[0].texts[1] = FAKE_OUTPUT("stdout", "aGVsbG8K");
    assert_int_equal(screen_run(&scene->screen, "logs " FAKE_ID), 0);
    assert_string_equal(scene->screen.out, "hello\n");
    assert_int_equal(scene->fake.submit_calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(a_command_is_asked_followed_and_told),
        SCENE(a_create_asks_for_what_its_options_say),
        SCENE(a_create_asks_for_single_options),
        SCENE(what_was_not_asked_for_is_left_out),
        SCENE(a_recreate_asks_for_the_ports_that_it_names),
        SCENE(a_recreate_with_a_faulty_word_asks_nothing),
        SCENE(an_extension_asks_for_seconds_from_now),
        SCENE(an_extension_with_a_faulty_word_asks_nothing),
        SCENE(to_explain_asks_about_what_the_command_would_ask),
        SCENE(every_kind_of_request_is_what_some_command_asks),
        SCENE(to_explain_a_faulty_command_asks_nothing),
        SCENE(a_create_without_a_proper_image_asks_nothing),
        SCENE(all_targets_are_tried_and_the_first_failure_counts),
        SCENE(one_ill_named_target_keeps_all_from_being_asked),
        SCENE(a_given_id_is_the_requests),
        SCENE(a_deadline_counts_from_now),
        SCENE(detached_it_prints_the_id_and_reads_nothing),
        SCENE(what_was_not_submitted_says_so_with_status_6),
        SCENE(what_was_perhaps_submitted_can_be_repeated_by_its_id),
        SCENE(out_of_time_it_says_how_to_come_back),
        SCENE(a_signal_ends_in_the_same_way),
        SCENE(output_goes_where_the_container_wrote_it),
        SCENE(output_to_a_terminal_holds_no_control_bytes),
        SCENE(the_output_of_a_request_is_read_again_without_asking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
