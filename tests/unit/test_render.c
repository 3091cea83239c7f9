#include "submitter/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/count.h"
#include "schemas/result.h"
#include "schemas/units.h"
#include "submitter/lists.h"
#include "submitter/printable.h"
#include "submitter/table.h"
#include "tests/unit/screen.h"

#define ENGINE_ID "6f55ae927db0776f269f12af4c7a205ba1f647f41854b8fd9f1fc328c90fade7"

static json_t *sample_container(void)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:[{s:s, s:i, s:i, s:s}], s:s, s:s, s:n}", "name",
                     "container2635", "id", ENGINE_ID, "state", "running", "address",
                     "213.131.25.50", "ssh_port", 2635, "ports", "address", "213.131.25.50", "host",
                     8053, "container", 53, "protocol", "udp", "image", "debian-ssh", "created",
                     "2026-11-23T21:00:00.000Z", "expires");
}

static json_t *created_container(void)
{
    json_t *result = fake_result(OP_CONTAINER_CREATE, FAKE_ID, "done", FAULT_NONE);

    json_object_set_new(result, "container", sample_container());
    return result;
}

static void a_create_tells_people_how_to_connect(void **state)
{
    struct screen screen;
    struct options options = {0};
    json_auto_t *result = created_container();

    (void)state;
    screen_open(&screen, NULL);
    assert_int_equal(render_result(&screen.session, &options, result, "debian-ssh"), 0);
    screen_read(&screen);
    assert_string_equal(screen.out, "Using alias 213.131.25.50\n" ENGINE_ID "\n"
                                    "Container container2635 created successfully.\n"
                                    "To connect use\n"
                                    "  ssh alice@213.131.25.50 -p 2635\n"
                                    "You can also login as root.\n"
                                    "Use name or port number to identify the container to DCM.\n");
    assert_string_equal(screen.err, "");
    screen_close(&screen);
}

static void who_has_an_end_is_told_so(void **state)
{
    struct screen screen;
    struct options options = {0};
    json_auto_t *created = created_container();
    json_auto_t *extended = fake_result(OP_CONTAINER_EXTEND, FAKE_ID, "done", FAULT_NONE);
    json_t *container = sample_container();

    (void)state;
    json_object_set_new(container, "expires", json_string("2026-11-24T21:00:00.000Z"));
    json_object_set(created, "container", container);
    json_object_set_new(extended, "container", container);
    screen_open(&screen, NULL);
    assert_int_equal(render_result(&screen.session, &options, created, "debian-ssh"), 0);
    assert_int_equal(render_result(&screen.session, &options, extended, "web"), 0);
    screen_read(&screen);
    assert_non_null(strstr(screen.out,
                           "identify the container to DCM.\n"
                           "It will be stopped at 2026-11-24T21:00:00.000Z; extend gives it more "
                           "time.\n"
                           "Container container2635 extended to 2026-11-24T21:00:00.000Z.\n"));
    screen_close(&screen);
}

static void json_is_one_line_and_the_whole_result(void **state)
{
    struct screen screen;
    struct options options = {.given = TAKES(OPTION_JSON)};
    json_auto_t *result = created_container(), *back = NULL;

    (void)state;
    screen_open(&screen, NULL);
    assert_int_equal(render_result(&screen.session, &options, result, NULL), 0);
    screen_read(&screen);
    assert_int_equal(strcspn(screen.out, "\n"), strlen(screen.out) - 1);
    back = json_loads(screen.out, 0, NULL);
    assert_true(json_equal(back, result));
    screen_close(&screen);
}

static void quiet_prints_the_id_of_what_it_is_about(void **state)
{
    struct screen screen;
    struct options options = {.given = TAKES(OPTION_QUIET)};
    json_auto_t *created = created_container();
    json_auto_t *pinged = fake_result(OP_PING, FAKE_ID, "done", FAULT_NONE);

    (void)state;
    screen_open(&screen, NULL);
    assert_int_equal(render_result(&screen.session, &options, created, NULL), 0);
    assert_int_equal(render_result(&screen.session, &options, pinged, NULL), 0);
    screen_read(&screen);
    assert_string_equal(screen.out, ENGINE_ID "\n" FAKE_ID "\n");
    screen_close(&screen);
}

static void an_explanation_is_a_table_and_ends_as_the_command_would(void **state)
{
    static const struct {
        const char *explanation, *table;
        int status;
    } rows[] = {
        {"{\"op\":\"container.create\",\"allowed\":false,\"omitted\":2,\"decisions\":["
         "{\"what\":\"image debian-ssh\",\"allowed\":true,\"rule\":\"defaults.images\"},"
         "{\"what\":\"address 10.0.0.9\",\"allowed\":false,\"message\":\"no such\"}]}",
         "VERDICT  WHAT              RULE             WHY\n"
         "allowed  image debian-ssh  defaults.images  -\n"
         "refused  address 10.0.0.9  -                no such\n"
         "and 2 more\n"
         "create would be refused.\n",
         3},
        {"{\"op\":\"ping\",\"allowed\":true,\"decisions\":[]}", "ping would be allowed.\n", 0},
    };
    struct options options = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct screen screen;
        json_auto_t *result = fake_result(OP_POLICY_EXPLAIN, FAKE_ID, "done", FAULT_NONE);
        json_object_set_new(result, "explanation", json_loads(rows[i].explanation, 0, NULL));
        assert_int_equal(result_check(result, NULL), 0);
        screen_open(&screen, NULL);
        assert_int_equal(render_result(&screen.session, &options, result, NULL), rows[i].status);
        screen_read(&screen);
        assert_string_equal(screen.out, rows[i].table);
        assert_string_equal(screen.err, "");
        screen_close(&screen);
    }
}

static void the_end_of_a_request_decides_the_exit_status(void **state)
{
    static const struct {
        enum fault fault;
        int status;
    } ends[] = {
        {FAULT_INVALID, 2},
        {FAULT_DENIED, 3},
        {FAULT_QUOTA, 3},
        {FAULT_CONFLICT, 1},
        {FAULT_NOT_FOUND, 4},
        {FAULT_ENGINE, 1},
        {FAULT_EXPIRED, 1},
        {FAULT_CANCELLED, 1},
        {FAULT_INTERNAL, 1},
        /* It was asked and has ended, whatever was out of reach: neither 6 nor 7. */
        {FAULT_DEPENDENCY, 1},
        {FAULT_UNCONFIRMED, 1},
    };
    struct options options = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(ends); i++) {
        struct screen screen;
        json_auto_t *result = fake_result(OP_CONTAINER_STOP, FAKE_ID, NULL, ends[i].fault);
        screen_open(&screen, NULL);
        assert_int_equal(render_result(&screen.session, &options, result, "web"), ends[i].status);
        screen_read(&screen);
        assert_string_equal(screen.out, "");
        assert_non_null(strstr(screen.err, "dcm-submit: stop web: no luck"));
        screen_close(&screen);
    }
}

static void a_refusal_names_its_rule(void **state)
{
    struct screen screen;
    struct options options = {0};
    json_auto_t *result = fake_result(OP_CONTAINER_CREATE, FAKE_ID, NULL, FAULT_DENIED);

    (void)state;
    screen_open(&screen, NULL);
    assert_int_equal(render_result(&screen.session, &options, result, "evil"), 3);
    screen_read(&screen);
    assert_string_equal(screen.err, "dcm-submit: create evil: no luck (rule defaults.images)\n");
    screen_close(&screen);
}

static void a_request_under_way_is_unfinished(void **state)
{
    struct screen screen;
    struct options options = {0};
    json_auto_t *result = fake_result(OP_PING, FAKE_ID, "running", FAULT_NONE);

    (void)state;
    screen_open(&screen, NULL);
    assert_int_equal(render_result(&screen.session, &options, result, NULL), 5);
    screen_close(&screen);
}

static void a_mistake_is_one_line_whatever_its_words_hold(void **state)
{
    struct screen screen;
    struct error reason = {.fault = FAULT_ENGINE, .text = "no\nsuch\x1b[2Jthing \xff"};

    (void)state;
    screen_open(&screen, NULL);
    assert_int_equal(render_error(&screen.session, "stop", "a\rb", &reason), 1);
    screen_read(&screen);
    assert_string_equal(screen.err, "dcm-submit: stop a\\x0db: no\\x0asuch\\x1b[2Jthing \\xff\n");
    screen_close(&screen);
}

static char *escaped(const char *bytes, size_t length)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    print_escaped(out, bytes, length);
    fclose(out);
    return text;
}

static void output_keeps_its_lines_and_loses_its_control_bytes(void **state)
{
    static const char bytes[] = "a\tb\r\n\x1b]0;title\x07\0\xc2\x9b"
                                "31m \xe2\x86\x92 \xc3";
    char *text = escaped(bytes, sizeof(bytes) - 1);

    (void)state;
    assert_string_equal(text, "a\tb\r\n\\x1b]0;title\\x07\\x00\\xc2\\x9b31m \xe2\x86\x92 \\xc3");
    free(text);
}

static void progress_is_one_line_and_names_each_phase_once(void **state)
{
    struct screen screen;

    (void)state;
    screen_open(&screen, NULL);
    struct progress progress = {.out = screen.session.err, .subject = "web"};
    progress_show(&progress, "queued");
    progress_show(&progress, "placed");
    progress_show(&progress, "placed");
    progress_show(&progress, "done");
    progress_end(&progress);
    progress_end(&progress);
    screen_read(&screen);
    assert_string_equal(screen.err, "web: queued → placed → done\n");
    screen_close(&screen);
}

static void a_table_is_as_wide_as_its_cells(void **state)
{
    static const char *const headings[] = {"NAME", "STATE", "LEFT", NULL};
    static const char *const cells[] = {"a-long-name", "up", NULL, "é", "stopped", "2d"};
    struct screen screen;
    struct table table;

    (void)state;
    screen_open(&screen, NULL);
    table_begin(&table, headings);
    for (size_t i = 0; i < COUNT(cells); i++)
        table_add(&table, cells[i]);
    table_end(&table, screen.session.out);
    screen_read(&screen);
    assert_string_equal(screen.out, "NAME         STATE    LEFT\n"
                                    "a-long-name  up       -\n"
                                    "é            stopped  2d\n");
    screen_close(&screen);
}

static void a_list_of_containers_shows_where_and_how_old(void **state)
{
    struct screen screen;
    int64_t now = 0;
    json_auto_t *list =
        json_pack("[{s:s, s:o}]", "server", "lcg50", "container", sample_container());

    (void)state;
    screen_open(&screen, NULL);
    assert_int_equal(timestamp_parse("2026-11-23T23:30:00.000Z", &now, NULL), 0);
    print_containers(screen.session.out, list, now);
    screen_read(&screen);
    assert_string_equal(
        screen.out,
        "NAME           STATE    SERVER  ADDRESS        SSH   PORTS                      "
        "IMAGE       AGE  LEFT\n"
        "container2635  running  lcg50   213.131.25.50  2635  213.131.25.50:8053:53/udp  "
        "debian-ssh  2h   -\n");
    screen_close(&screen);
}

static void what_waits_for_an_address_says_for_which(void **state)
{
    struct screen screen;
    json_t *container = sample_container();
    json_auto_t *list = json_pack("[{s:s, s:o}]", "server", "lcg50", "container", container);

    (void)state;
    screen_open(&screen, NULL);
    json_object_set_new(container, "state", json_string("stopped"));
    json_object_set_new(container, "waits_for", json_string("213.131.25.50"));
    print_containers(screen.session.out, list, 0);
    print_container_page(screen.session.out, json_array_get(list, 0), 0);
    screen_read(&screen);
    assert_non_null(strstr(screen.out, "  stopped, waits for 213.131.25.50  lcg50"));
    assert_non_null(strstr(screen.out, "state      stopped, waits for 213.131.25.50\n"));
    screen_close(&screen);
}

static void a_list_of_containers_shows_how_much_time_is_left(void **state)
{
    static const struct {
        const char *now, *left;
    } cases[] = {
        {"2026-11-23T21:00:00.001Z", "  7h\n"},
        {"2026-11-24T04:59:59.500Z", "  0s\n"},
        {"2026-11-24T05:00:00.000Z", "  expired\n"},
        {"2026-11-29T05:00:00.000Z", "  expired\n"},
    };
    json_t *container = sample_container();
    json_auto_t *list = json_pack("[{s:s, s:o}]", "server", "lcg50", "container", container);

    (void)state;
    json_object_set_new(container, "expires", json_string("2026-11-24T05:00:00.000Z"));
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct screen screen;
        int64_t now = 0;
        screen_open(&screen, NULL);
        assert_int_equal(timestamp_parse(cases[i].now, &now, NULL), 0);
        print_containers(screen.session.out, list, now);
        screen_read(&screen);
        assert_non_null(strstr(screen.out, cases[i].left));
        screen_close(&screen);
    }
}

static void a_list_of_requests_shows_what_became_of_them(void **state)
{
    struct screen screen;
    json_auto_t *list = json_array();

    (void)state;
    screen_open(&screen, NULL);
    json_array_append_new(list, fake_result(OP_PING, FAKE_ID, "queued", FAULT_NONE));
    json_array_append_new(list, fake_result(OP_CONTAINER_CREATE, FAKE_ID, NULL, FAULT_QUOTA));
    print_requests(screen.session.out, list, 1795467600000 + 90000);
    screen_read(&screen);
    assert_string_equal(
        screen.out,
        "REQUEST       WHAT              STATE    SERVER  CONTAINER  AGE  ERROR\n"
        "6c7d8e9fa0b1  ping              queued   -       -          1m   -\n"
        "6c7d8e9fa0b1  container.create  refused  lcg50   -          1m   quota_exceeded\n");
    screen_close(&screen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_create_tells_people_how_to_connect),
        cmocka_unit_test(who_has_an_end_is_told_so),
        cmocka_unit_test(json_is_one_line_and_the_whole_result),
        cmocka_unit_test(quiet_prints_the_id_of_what_it_is_about),
        cmocka_unit_test(an_explanation_is_a_table_and_ends_as_the_command_would),
        cmocka_unit_test(the_end_of_a_request_decides_the_exit_status),
        cmocka_unit_test(a_refusal_names_its_rule),
        cmocka_unit_test(a_request_under_way_is_unfinished),
        cmocka_unit_test(a_mistake_is_one_line_whatever_its_words_hold),
        cmocka_unit_test(output_keeps_its_lines_and_loses_its_control_bytes),
        cmocka_unit_test(progress_is_one_line_and_names_each_phase_once),
        cmocka_unit_test(a_table_is_as_wide_as_its_cells),
        cmocka_unit_test(a_list_of_containers_shows_where_and_how_old),
        cmocka_unit_test(what_waits_for_an_address_says_for_which),
        cmocka_unit_test(a_list_of_containers_shows_how_much_time_is_left),
        cmocka_unit_test(a_list_of_requests_shows_what_became_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
