/* Commands that read the index, or say what there is: they make no request. */
#include "tests/unit/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/count.h"
#include "common/members.h"

#define OTHER_ID "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9fa0b2"
#define ENGINE_ID "6f55ae927db0776f269f12af4c7a205ba1f647f41854b8fd9f1fc328c90fade7"

static json_t *two_requests(void)
{
    return json_pack("[o, o]", fake_result(OP_PING, OTHER_ID, "done", FAULT_NONE),
                     fake_result(OP_PING, FAKE_ID, "done", FAULT_NONE));
}

static json_t *one_container(void)
{
    return json_pack("[{s:s, s:{s:s, s:s, s:s, s:s, s:i, s:[], s:s, s:s, s:n}}]", "server", "lcg50",
                     "container", "name", "deadbeef1", "id", ENGINE_ID, "state", "running",
                     "address", "10.0.0.1", "ssh_port", 2635, "ports", "image", "debian-ssh",
                     "created", "2026-11-23T21:00:00.000Z", "expires");
}

static void requests_are_found_by_the_end_of_their_id(void **state)
{
    struct scene *scene = *state;
    json_auto_t *requests = two_requests();

    scene->fake.lists[LIST_REQUESTS] = requests;
    assert_int_equal(screen_run(&scene->screen, "wait 8e9fa0b1"), 0);
    assert_int_equal(screen_run(&scene->screen, "status 8A5B-6C7D8E9FA0B2"), 0);
    assert_non_null(strstr(scene->screen.out, OTHER_ID));
    assert_int_equal(screen_run(&scene->screen, "status 9fa0b1"), 2);   /* too few digits */
    assert_int_equal(screen_run(&scene->screen, "status 8e9fa0bx"), 2); /* not all digits */
    assert_int_equal(screen_run(&scene->screen, "status 12345678"), 4);
}

static void an_end_that_fits_two_is_refused(void **state)
{
    struct scene *scene = *state;
    json_auto_t *requests = json_pack(
        "[o, o]", fake_result(OP_PING, "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9fa0b1", "done", FAULT_NONE),
        fake_result(OP_PING, "0193a1b2-7c3d-7e4f-8a5b-ffff8e9fa0b1", "done", FAULT_NONE));

    scene->fake.lists[LIST_REQUESTS] = requests;
    assert_int_equal(screen_run(&scene->screen, "status 8e9fa0b1"), 2);
    assert_non_null(strstr(scene->screen.err, "several requests end with 8e9fa0b1"));
    assert_int_equal(screen_run(&scene->screen, "status 7d8e9fa0b1"), 0);
}

static void without_an_id_it_is_the_latest(void **state)
{
    struct scene *scene = *state;
    json_auto_t *requests = two_requests();
    json_auto_t *none = json_array();

    scene->fake.lists[LIST_REQUESTS] = requests;
    assert_int_equal(screen_run(&scene->screen, "status"), 0);
    assert_non_null(strstr(scene->screen.out, FAKE_ID));
    scene->fake.lists[LIST_REQUESTS] = none;
    assert_int_equal(screen_run(&scene->screen, "status"), 4);
}

static void wait_exits_as_the_requests_would(void **state)
{
    struct scene *scene = *state;

    scene->fake.records[0] = (struct fake_record){.ends_with = FAULT_QUOTA};
    assert_int_equal(screen_run(&scene->screen, "wait " FAKE_ID), 3);
    scene->fake.records[0] = (struct fake_record){.fault = FAULT_NOT_FOUND};
    assert_int_equal(screen_run(&scene->screen, "wait " FAKE_ID), 4);
}

static void status_is_content_with_having_found_it(void **state)
{
    struct scene *scene = *state;

    scene->fake.records[0] = (struct fake_record){.ends_with = FAULT_QUOTA};
    assert_int_equal(screen_run(&scene->screen, "status " FAKE_ID), 0);
    assert_non_null(strstr(scene->screen.out, "state      refused\n"));
}

static void lists_are_one_document(void **state)
{
    struct scene *scene = *state;
    json_auto_t *requests = two_requests(), *containers = one_container();

    scene->fake.lists[LIST_REQUESTS] = requests;
    scene->fake.lists[LIST_CONTAINERS] = containers;
    assert_int_equal(screen_run(&scene->screen, "ps --json"), 0);
    json_auto_t *ps = json_loads(scene->screen.out, 0, NULL);
    const json_t *first = json_array_get(json_object_get(ps, "containers"), 0);
    assert_string_equal(text_at(first, "name"), "deadbeef1");
    assert_string_equal(text_at(first, "server"), "lcg50");

    size_t already = strlen(scene->screen.out);
    assert_int_equal(screen_run(&scene->screen, "jobs --json"), 0);
    json_auto_t *jobs = json_loads(scene->screen.out + already, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(jobs, "jobs")), 2);
}

static void quiet_lists_are_ids(void **state)
{
    struct scene *scene = *state;
    json_auto_t *requests = two_requests(), *containers = one_container();

    scene->fake.lists[LIST_REQUESTS] = requests;
    scene->fake.lists[LIST_CONTAINERS] = containers;
    assert_int_equal(screen_run(&scene->screen, "ps -q"), 0);
    assert_int_equal(screen_run(&scene->screen, "jobs -q"), 0);
    assert_string_equal(scene->screen.out, ENGINE_ID "\n" OTHER_ID "\n" FAKE_ID "\n");
}

static void a_container_is_shown_by_name_or_port(void **state)
{
    struct scene *scene = *state;
    json_auto_t *containers = one_container();

    scene->fake.lists[LIST_CONTAINERS] = containers;
    assert_int_equal(screen_run(&scene->screen, "show deadbeef1"), 0);
    assert_int_equal(screen_run(&scene->screen, "show 2635"), 0);
    assert_int_equal(lines_of(scene->screen.out) % 2, 0);
    assert_int_equal(screen_run(&scene->screen, "show 2636"), 4);
    assert_int_equal(screen_run(&scene->screen, "show Web"), 2);
}

static void a_store_out_of_reach_is_status_6(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(screen_run(&scene->screen, "ps"), 6);
    assert_int_equal(screen_run(&scene->screen, "jobs"), 6);
    assert_int_equal(screen_run(&scene->screen, "wait"), 6);
    assert_int_equal(lines_of(scene->screen.err), 3);
}

static void a_container_that_looks_like_a_request_is_a_container(void **state)
{
    struct scene *scene = *state;
    json_auto_t *containers = one_container();

    scene->fake.lists[LIST_CONTAINERS] = containers;
    assert_int_equal(screen_run(&scene->screen, "logs deadbeef1"), 0);
    assert_int_equal(scene->fake.submit_calls, 1);
}

static void the_containers_are_hosts_for_ssh(void **state)
{
    struct scene *scene = *state;
    json_auto_t *containers = one_container();

    scene->fake.lists[LIST_CONTAINERS] = containers;
    assert_int_equal(screen_run(&scene->screen, "config-ssh"), 0);
    assert_string_equal(scene->screen.out, "# The containers of alice, by dcm-submit config-ssh\n"
                                           "\n"
                                           "Host deadbeef1\n"
                                           "    HostName 10.0.0.1\n"
                                           "    Port 2635\n"
                                           "    User alice\n"
                                           "    HostKeyAlias dcm.alice.lcg50\n");
    size_t already = strlen(scene->screen.out);
    assert_int_equal(screen_run(&scene->screen, "config-ssh --json"), 0);
    assert_string_equal(scene->screen.out + already,
                        "{\"hosts\":[{\"host\":\"deadbeef1\",\"hostname\":\"10.0.0.1\","
                        "\"port\":2635,\"user\":\"alice\"}]}\n");
}

static void nothing_gets_into_a_configuration_that_ssh_would_obey(void **state)
{
    static const struct {
        const char *field, *text;
    } rows[] = {
        {"name", "web\n  ProxyCommand id"}, {"name", "*"},           {"name", "web bar"},
        {"address", "10.0.0.1\nUser root"}, {"address", "evil.org"}, {"ssh_port", "22"},
    };
    struct scene *scene = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        json_auto_t *containers = one_container();
        json_t *container = json_object_get(json_array_get(containers, 0), "container");
        json_object_set_new(container, rows[i].field, json_string(rows[i].text));
        scene->fake.lists[LIST_CONTAINERS] = containers;
        assert_int_equal(screen_run(&scene->screen, "config-ssh"), 0);
    }
    assert_null(strstr(scene->screen.out, "Host"));
    assert_int_equal(lines_of(scene->screen.out), COUNT(rows));
}

/* As one server tells them. */
static json_t *some_limits(void)
{
    /* In brackets, lest where a text is continued a comma look forgotten. */
    static const char *const grants[] = {
        ("{\"what\":\"suspended\",\"rule\":\"suspended\"}"),
        ("{\"what\":\"containers\",\"most\":4,\"used\":1,\"rule\":\"groups.students.containers\"}"),
        ("{\"what\":\"memory\",\"part\":\"usual\",\"most\":536870912,\"rule\":\"groups.students."
         "memory.usual\"}"),
        ("{\"what\":\"memory\",\"part\":\"each\",\"most\":2147483648,"
         "\"rule\":\"users.alice.extra.0.memory.each\",\"until\":\"2026-12-24T17:00:00.000Z\"}"),
        ("{\"what\":\"memory\",\"part\":\"total\",\"most\":2147483648,\"used\":536870912,"
         "\"rule\":\"groups.students.memory.total\"}"),
        ("{\"what\":\"life\",\"most\":null,\"rule\":\"defaults.life\"}"),
        ("{\"what\":\"teleports\",\"most\":3,\"rule\":\"defaults.teleports\"}"),
        ("{\"what\":\"ports\",\"item\":\"80\",\"rule\":\"groups.students.ports\"}"),
        ("{\"what\":\"ports\",\"item\":\"8000-8999\",\"rule\":\"groups.students.ports\"}"),
        ("{\"what\":\"ports\",\"item\":\"443\",\"rule\":\"users.alice.ports\"}"),
    };
    json_t *items = json_array();

    for (size_t i = 0; i < COUNT(grants); i++) {
        json_t *grant = json_loads(grants[i], 0, NULL);
        assert_non_null(grant);
        json_array_append_new(items, json_pack("{s:s, s:o}", "server", "lcg50", "grant", grant));
    }
    return items;
}

static void limits_are_a_line_for_each_thing(void **state)
{
    struct scene *scene = *state;
    json_auto_t *items = some_limits();

    scene->fake.lists[LIST_LIMITS] = items;
    assert_int_equal(screen_run(&scene->screen, "limits"), 0);
    assert_string_equal(
        scene->screen.out,
        "You are suspended on lcg50: nothing can be created, started or restarted. Ask the "
        "administrator.\n"
        "WHAT        USED  MOST  PER CONTAINER  USUAL  UNTIL                 RULE                  "
        "                              SERVER\n"
        "containers  1     4     -              -      -                     "
        "groups.students.containers                          lcg50\n"
        "memory      512m  2g    2g             512m   2026-12-24T17:00:00Z  "
        "groups.students.memory, users.alice.extra.0.memory  lcg50\n"
        "life        -     -     no end         -      -                     defaults.life         "
        "                              lcg50\n"
        "teleports   -     3     -              -      -                     defaults.teleports    "
        "                              lcg50\n"
        "\n"
        "WHAT   GRANTED        UNTIL  RULE                   SERVER\n"
        "ports  80, 8000-8999  -      groups.students.ports  lcg50\n"
        "ports  443            -      users.alice.ports      lcg50\n");
}

static void limits_are_one_document_for_programs(void **state)
{
    struct scene *scene = *state;
    json_auto_t *items = some_limits();

    scene->fake.lists[LIST_LIMITS] = items;
    assert_int_equal(screen_run(&scene->screen, "limits --json"), 0);
    json_auto_t *document = json_loads(scene->screen.out, 0, NULL);
    const json_t *told = json_object_get(document, "limits");
    const json_t *grants = json_object_get(told, "grants");
    assert_string_equal(json_string_value(json_array_get(json_object_get(told, "suspended"), 0)),
                        "lcg50");
    assert_int_equal(json_array_size(grants), json_array_size(items) - 1);
    json_auto_t *expected =
        json_pack("{s:s, s:i, s:i, s:s, s:s}", "what", "containers", "most", 4, "used", 1, "rule",
                  "groups.students.containers", "server", "lcg50");
    assert_true(json_equal(json_array_get(grants, 0), expected));
}

static void without_a_word_of_any_server_limits_says_so(void **state)
{
    struct scene *scene = *state;
    json_auto_t *none = json_array();

    scene->fake.lists[LIST_LIMITS] = none;
    assert_int_equal(screen_run(&scene->screen, "limits"), 0);
    assert_string_equal(scene->screen.out, "");
    assert_int_equal(lines_of(scene->screen.err), 1);
    assert_int_equal(screen_run(&scene->screen, "limits --json"), 0);
    assert_string_equal(scene->screen.out, "{\"limits\":{\"suspended\":[],\"grants\":[]}}\n");
}

static void the_list_of_commands_ends_with_where_the_containers_are(void **state)
{
    static const char last[] = "your containers: ps\n";
    struct scene *scene = *state;

    assert_int_equal(screen_run(&scene->screen, "list"), 0);
    size_t length = strlen(scene->screen.out);
    assert_true(length > sizeof(last));
    assert_string_equal(scene->screen.out + length - (sizeof(last) - 1), last);
}

static void help_explains_one_command(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(screen_run(&scene->screen, "help rm"), 0);
    assert_non_null(strstr(scene->screen.out, "usage: dcm-submit remove [OPTION…] CONTAINER…"));
    assert_non_null(strstr(scene->screen.out, "-f, --force"));
    assert_int_equal(screen_run(&scene->screen, "help dance"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(requests_are_found_by_the_end_of_their_id),
        SCENE(an_end_that_fits_two_is_refused),
        SCENE(without_an_id_it_is_the_latest),
        SCENE(wait_exits_as_the_requests_would),
        SCENE(status_is_content_with_having_found_it),
        SCENE(lists_are_one_document),
        SCENE(quiet_lists_are_ids),
        SCENE(a_container_is_shown_by_name_or_port),
        SCENE(a_store_out_of_reach_is_status_6),
        SCENE(a_container_that_looks_like_a_request_is_a_container),
        SCENE(the_containers_are_hosts_for_ssh),
        SCENE(nothing_gets_into_a_configuration_that_ssh_would_obey),
        SCENE(limits_are_a_line_for_each_thing),
        SCENE(limits_are_one_document_for_programs),
        SCENE(without_a_word_of_any_server_limits_says_so),
        SCENE(the_list_of_commands_ends_with_where_the_containers_are),
        SCENE(help_explains_one_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
