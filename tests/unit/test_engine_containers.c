/* Containers: made, driven through their states, listed. Against the stand-in engine. */
#include "worker/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/count.h"
#include "common/members.h"
#include "engine_fixture.h"

#define NO_ID "0000000000000000000000000000000000000000000000000000000000000000"

static void a_container_is_made_as_its_body_says(void **state)
{
    char id[ENGINE_ID_SIZE];
    json_auto_t *body = standin_body("dcm.alice", PORT);
    json_auto_t *container = NULL;
    json_t *config;
    json_t *labels;

    (void)state;
    assert_int_equal(engine_container_create(ENGINE, ALICES, body, id, ERR), 0);
    assert_int_equal(engine_container_inspect(ENGINE, ALICES, &container, ERR), 0);
    assert_string_equal(text_at(container, "Id"), id);
    assert_int_equal(json_unpack(container, "{s:o, s:{s:o}}", "HostConfig", &config, "Config",
                                 "Labels", &labels),
                     0);
    assert_true(json_equal(labels, json_object_get(body, "Labels")));
    assert_true(json_equal(json_object_get(config, "PortBindings"),
                           json_object_get(json_object_get(body, "HostConfig"), "PortBindings")));

    char *sent = standin_raw("GET", "/standin/bodies", "");
    json_auto_t *bodies = json_loads(sent, 0, NULL);
    free(sent);
    assert_true(json_equal(json_object_get(json_array_get(bodies, 0), "body"), body));
}

static void a_container_that_stands_aside_leaves_its_name_to_another(void **state)
{
    char id[ENGINE_ID_SIZE], other[ENGINE_ID_SIZE];
    json_auto_t *container = NULL;

    (void)state;
    standin_container(ALICES, PORT, id);
    for (int i = 0; i < 2; i++) /* the second time it has the name already */
        assert_int_equal(engine_container_rename(ENGINE, id, ALICES ENGINE_ASIDE_RUNNING, ERR), 0);
    assert_int_equal(engine_container_inspect(ENGINE, id, &container, ERR), 0);
    assert_string_equal(text_at(container, "Name"), "/" ALICES ENGINE_ASIDE_RUNNING);
    standin_container(ALICES, PORT, other);
    assert_fault(engine_container_rename(ENGINE, id, ALICES, ERR), FAULT_CONFLICT, "/" ALICES);
    assert_int_equal(engine_container_remove(ENGINE, other, ERR), 0);
    assert_int_equal(engine_container_rename(ENGINE, id, ALICES, ERR), 0);
}

static void only_names_of_containers_are_given(void **state)
{
    static const char *const others[] = {"",
                                         "web",
                                         "dcm.alice",
                                         "dcm.alice.web.OTHER",
                                         "dcm.alice.web.was-running.WAS",
                                         ENGINE_ASIDE_RUNNING,
                                         ("dcm.alice.web?x" ENGINE_ASIDE_STOPPED)};
    char id[ENGINE_ID_SIZE];

    (void)state;
    standin_container(ALICES, PORT, id);
    for (size_t i = 0; i < COUNT(others); i++)
        assert_fault(engine_container_rename(ENGINE, id, others[i], ERR), FAULT_INVALID, "name");
    assert_fault(engine_container_rename(ENGINE, "web", ALICES, ERR), FAULT_INVALID, "id");
    assert_fault(engine_container_rename(ENGINE, NO_ID, ALICES, ERR), FAULT_NOT_FOUND, NO_ID);
    assert_int_equal(standin_count("POST /containers/*/rename"), 0);
}

static void a_name_that_is_taken_is_a_conflict(void **state)
{
    char id[ENGINE_ID_SIZE];
    char other[ENGINE_ID_SIZE] = "untouched";
    json_auto_t *body = standin_body("dcm.alice", PORT);

    (void)state;
    standin_container(ALICES, PORT, id);
    assert_fault(engine_container_create(ENGINE, ALICES, body, other, ERR), FAULT_CONFLICT,
                 "/" ALICES);
    assert_string_equal(other, "untouched");
}

static void a_container_goes_through_its_states(void **state)
{
    char id[ENGINE_ID_SIZE];
    static const struct {
        enum engine_verb verb;
        const char *then;
    } steps[] = {{ENGINE_START, "running"},   {ENGINE_PAUSE, "paused"}, {ENGINE_UNPAUSE, "running"},
                 {ENGINE_RESTART, "running"}, {ENGINE_STOP, "exited"},  {ENGINE_START, "running"}};

    (void)state;
    standin_container(ALICES, PORT, id);
    assert_state(id, "created");
    for (size_t i = 0; i < COUNT(steps); i++) {
        assert_int_equal(engine_container_act(ENGINE, steps[i].verb, id, NULL, ERR), 0);
        assert_state(id, steps[i].then);
    }
}

static void what_is_so_already_is_success(void **state)
{
    char id[ENGINE_ID_SIZE];

    (void)state;
    standin_container(ALICES, PORT, id);
    assert_int_equal(engine_container_act(ENGINE, ENGINE_STOP, id, NULL, ERR), 0);
    assert_int_equal(engine_container_act(ENGINE, ENGINE_START, id, NULL, ERR), 0);
    assert_int_equal(engine_container_act(ENGINE, ENGINE_START, id, NULL, ERR), 0);
    assert_int_equal(engine_container_remove(ENGINE, id, ERR), 0);
    assert_int_equal(engine_container_remove(ENGINE, id, ERR), 0);
    assert_int_equal(engine_network_remove(ENGINE, "dcm.alice", ERR), 0);
    assert_int_equal(engine_network_remove(ENGINE, "dcm.alice", ERR), 0);
}

static void the_wrong_state_is_a_conflict(void **state)
{
    char id[ENGINE_ID_SIZE];

    (void)state;
    standin_container(ALICES, PORT, id);
    assert_fault(engine_container_act(ENGINE, ENGINE_PAUSE, id, NULL, ERR), FAULT_CONFLICT,
                 "is not running");
    assert_fault(engine_container_act(ENGINE, ENGINE_UNPAUSE, id, NULL, ERR), FAULT_CONFLICT,
                 "is not paused");
}

static void an_unknown_container_is_not_found(void **state)
{
    json_t *container = NULL;

    (void)state;
    assert_fault(engine_container_inspect(ENGINE, ALICES, &container, ERR), FAULT_NOT_FOUND,
                 "No such container");
    assert_fault(engine_container_act(ENGINE, ENGINE_STOP, NO_ID, NULL, ERR), FAULT_NOT_FOUND,
                 "No such container");
}

static void a_port_that_a_program_holds_is_told_apart(void **state)
{
    char id[ENGINE_ID_SIZE];
    bool no_port = false;

    (void)state;
    standin_container(ALICES, TAKEN_PORT, id);
    assert_fault(engine_container_act(ENGINE, ENGINE_START, id, &no_port, ERR), FAULT_ENGINE,
                 "address already in use");
    assert_true(no_port);
    assert_state(id, "created");
}

static void a_port_that_a_container_holds_is_told_apart(void **state)
{
    char id[ENGINE_ID_SIZE];
    char other[ENGINE_ID_SIZE];
    bool no_port = false;

    (void)state;
    standin_container(ALICES, PORT, id);
    standin_container("dcm.alice.other", PORT, other);
    assert_int_equal(engine_container_act(ENGINE, ENGINE_START, id, &no_port, ERR), 0);
    assert_false(no_port);
    assert_fault(engine_container_act(ENGINE, ENGINE_START, other, &no_port, ERR), FAULT_ENGINE,
                 "port is already allocated");
    assert_true(no_port);
    assert_int_equal(engine_container_remove(ENGINE, id, ERR), 0);
    assert_int_equal(engine_container_act(ENGINE, ENGINE_START, other, &no_port, ERR), 0);
    assert_false(no_port);
}

static void another_failure_to_start_is_not_about_ports(void **state)
{
    char id[ENGINE_ID_SIZE];
    bool no_port = true;

    (void)state;
    standin_container(ALICES, PORT, id);
    assert_int_equal(engine_network_remove(ENGINE, "dcm.alice", ERR), 0);
    /* A 404 about the network must not read as "no such container". */
    assert_fault(engine_container_act(ENGINE, ENGINE_START, id, &no_port, ERR), FAULT_ENGINE,
                 "network dcm.alice not found");
    assert_false(no_port);
}

static void a_lost_answer_means_retry_and_nothing_is_sent_twice(void **state)
{
    char id[ENGINE_ID_SIZE];

    (void)state;
    standin_container(ALICES, PORT, id);
    assert_state(id, "created"); /* leaves a connection that libcurl could use again */
    standin_fault("{\"method\":\"POST\",\"path\":\"/containers/*/start\",\"status\":0,"
                  "\"after\":true}");
    assert_fault(engine_container_act(ENGINE, ENGINE_START, id, NULL, ERR), FAULT_DEPENDENCY,
                 "without an answer");
    assert_int_equal(standin_count("POST /containers/*/start"), 1);
    assert_state(id, "running");
}

static void only_our_own_are_listed(void **state)
{
    char id[ENGINE_ID_SIZE];
    json_auto_t *containers = NULL;
    json_auto_t *networks = NULL;

    (void)state;
    standin_container(ALICES, PORT, id);
    free(
        standin_raw("POST", "/v1.41/containers/create?name=foreign", "{\"Image\":\"debian-ssh\"}"));
    free(
        standin_raw("POST", "/v1.41/networks/create",
                    "{\"Name\":\"foreign\",\"IPAM\":{\"Config\":[{\"Subnet\":\"10.9.0.0/24\"}]}}"));
    assert_int_equal(engine_container_list(ENGINE, &containers, ERR), 0);
    assert_int_equal(json_array_size(containers), 1);
    assert_string_equal(text_at(json_array_get(containers, 0), "Id"), id);
    assert_int_equal(engine_network_list(ENGINE, &networks, ERR), 0);
    assert_int_equal(json_array_size(networks), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_container_is_made_as_its_body_says),
        TEST(a_container_that_stands_aside_leaves_its_name_to_another),
        TEST(only_names_of_containers_are_given),
        TEST(a_name_that_is_taken_is_a_conflict),
        TEST(a_container_goes_through_its_states),
        TEST(what_is_so_already_is_success),
        TEST(the_wrong_state_is_a_conflict),
        TEST(an_unknown_container_is_not_found),
        TEST(a_port_that_a_program_holds_is_told_apart),
        TEST(a_port_that_a_container_holds_is_told_apart),
        TEST(another_failure_to_start_is_not_about_ports),
        TEST(a_lost_answer_means_retry_and_nothing_is_sent_twice),
        TEST(only_our_own_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
