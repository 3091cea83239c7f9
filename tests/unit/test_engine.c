/* The connection to the engine: versions, outages, limits, and names in URLs. Against the stand-in
 * engine. */
#include "worker/engine.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/count.h"
#include "engine_fixture.h"
#include "worker/engine_private.h"

static void the_engine_says_who_it_is(void **state)
{
    char identity[ENGINE_IDENTITY_SIZE];

    (void)state;
    assert_int_equal(engine_identity(ENGINE, identity, ERR), 0);
    assert_string_equal(identity, "STAN:DIN0:0000:0000");
}

static void the_version_is_checked_once_and_again_after_an_outage(void **state)
{
    char identity[ENGINE_IDENTITY_SIZE];

    (void)state;
    assert_int_equal(engine_identity(ENGINE, identity, ERR), 0);
    assert_int_equal(engine_identity(ENGINE, identity, ERR), 0);
    assert_int_equal(standin_count("GET /version"), 1);
    standin_kill();
    assert_fault(engine_identity(ENGINE, identity, ERR), FAULT_DEPENDENCY, standin.socket_path);
    standin_launch();
    assert_int_equal(engine_identity(ENGINE, identity, ERR), 0);
    assert_int_equal(standin_count("GET /version"), 1);
}

static void what_is_not_an_engine_is_out_of_reach(void **state)
{
    char identity[ENGINE_IDENTITY_SIZE];

    (void)state;
    standin_fault("{\"method\":\"GET\",\"path\":\"/version\",\"status\":404}");
    assert_fault(engine_identity(ENGINE, identity, ERR), FAULT_DEPENDENCY, "not a Docker engine");
    assert_int_equal(engine_identity(ENGINE, identity, ERR), 0);
}

static void an_engine_of_another_api_is_out_of_reach(void **state)
{
    static const struct {
        const char *version;
        bool fits;
    } engines[] = {
        {"{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}", true},
        {"{\"ApiVersion\":\"1.47\",\"MinAPIVersion\":\"1.24\"}", true},
        {"{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.41\"}", true},
        {"{\"ApiVersion\":\"2.0\"}", true},
        {"{\"ApiVersion\":\"1.40\",\"MinAPIVersion\":\"1.12\"}", false},
        {"{\"ApiVersion\":\"1.9\"}", false}, /* not larger than 1.41, as text would be */
        {"{\"ApiVersion\":\"1.52\",\"MinAPIVersion\":\"1.44\"}", false},
        {"{\"ApiVersion\":\"new\"}", false},
        {"{\"ApiVersion\":\"1.41x\"}", false},
        {"{}", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(engines); i++) {
        char *bytes = strdup(engines[i].version);
        const struct engine_answer answer = {200, bytes, strlen(bytes)};
        struct error err = {0};
        int result = engine_check_version(&answer, &err);
        free(bytes);
        assert_int_equal(result, engines[i].fits ? 0 : -1);
        assert_int_equal(err.fault, engines[i].fits ? FAULT_NONE : FAULT_DEPENDENCY);
    }
}

static void an_engine_that_is_not_there_means_retry(void **state)
{
    char identity[ENGINE_IDENTITY_SIZE];

    (void)state;
    standin_kill();
    unlink(standin.socket_path);
    assert_fault(engine_identity(ENGINE, identity, ERR), FAULT_DEPENDENCY,
                 "No such file or directory");
    assert_int_equal(fault_fate(standin.err.fault), FATE_RETRY);
}

static void an_unavailable_engine_means_retry(void **state)
{
    char identity[ENGINE_IDENTITY_SIZE];

    (void)state;
    standin_fault("{\"method\":\"GET\",\"path\":\"/info\",\"status\":503}");
    assert_fault(engine_identity(ENGINE, identity, ERR), FAULT_DEPENDENCY, "told to fail");
}

static void ill_formed_names_never_enter_a_url(void **state)
{
    char id[ENGINE_ID_SIZE];
    json_t *value = NULL;
    json_auto_t *labels = json_object();
    const struct engine_network network = {"dcm.alice/..", "10.201.0.0/26", labels};
    static const char *const names[] = {
        "web", "dcm.alice",       "dcm.alice.",    "dcm..web",   "dcm.a/b.c",
        "",    "dcm.alice.a?b=c", "dcm.Alice.web", "dcm.alice.2"};

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_fault(engine_container_create(ENGINE, names[i], labels, id, ERR), FAULT_INVALID, "");
        assert_fault(engine_container_inspect(ENGINE, names[i], &value, ERR), FAULT_INVALID, "");
        assert_fault(engine_container_remove(ENGINE, names[i], ERR), FAULT_INVALID, "");
    }
    assert_fault(engine_image_inspect(ENGINE, "../info", &value, ERR), FAULT_INVALID, "");
    assert_fault(engine_network_ensure(ENGINE, &network, ERR), FAULT_INVALID, "");
    assert_fault(engine_network_remove(ENGINE, "bridge", ERR), FAULT_INVALID, "");
    assert_fault(engine_container_act(ENGINE, ENGINE_STOP, "dcm.alice.web", NULL, ERR),
                 FAULT_INVALID, "full id");
    assert_int_equal(standin_count("GET /version"), 0);
}

static void reads_survive_an_engine_that_was_restarted(void **state)
{
    char identity[ENGINE_IDENTITY_SIZE];

    (void)state;
    assert_int_equal(engine_identity(ENGINE, identity, ERR), 0);
    standin_kill();
    standin_launch();
    assert_int_equal(engine_identity(ENGINE, identity, ERR), 0);
}

static void the_engine_that_was_met_is_known_again_whatever_it_is_asked(void **state)
{
    char identity[ENGINE_IDENTITY_SIZE], id[ENGINE_ID_SIZE];

    (void)state;
    assert_false(engine_is_met(ENGINE));
    engine_meet(ENGINE); /* nobody has answered yet */
    assert_false(engine_is_met(ENGINE));
    assert_int_equal(engine_identity(ENGINE, identity, ERR), 0);
    assert_false(engine_is_met(ENGINE)); /* its connection came after */
    engine_meet(ENGINE);
    assert_true(engine_is_met(ENGINE));
    for (int i = 0; i < 3; i++) {
        char name[64];
        snprintf(name, sizeof(name), ALICES "%d", i);
        standin_container(name, PORT + i, id); /* calls that act, each on a connection of its own */
        assert_int_equal(engine_container_act(ENGINE, ENGINE_START, id, NULL, ERR), 0);
        assert_int_equal(engine_identity(ENGINE, identity, ERR), 0);
        assert_true(engine_is_met(ENGINE));
    }
}

static void an_engine_that_came_back_has_not_been_met(void **state)
{
    char identity[ENGINE_IDENTITY_SIZE], id[ENGINE_ID_SIZE];

    (void)state;
    for (int act = 0; act < 2; act++) {
        assert_int_equal(engine_identity(ENGINE, identity, ERR), 0);
        engine_meet(ENGINE);
        standin_kill();
        assert_false(engine_is_met(ENGINE));
        standin_launch();
        assert_false(engine_is_met(ENGINE));
        if (act)
            standin_container(ALICES, PORT, id);
        else
            assert_int_equal(engine_identity(ENGINE, identity, ERR), 0);
        assert_false(engine_is_met(ENGINE));
        engine_meet(ENGINE);
        assert_true(engine_is_met(ENGINE));
    }
}

/* Is this descriptor one end of a connection to the stand-in? */
static bool leads_to_the_engine(int fd)
{
    struct sockaddr_un peer = {0};
    socklen_t length = sizeof(peer);
    return getpeername(fd, (struct sockaddr *)&peer, &length) == 0 &&
           strcmp(peer.sun_path, standin.socket_path) == 0;
}

static void the_connection_is_kept_and_not_inherited(void **state)
{
    char identity[ENGINE_IDENTITY_SIZE];
    int connections = 0;

    (void)state;
    assert_int_equal(engine_identity(ENGINE, identity, ERR), 0);
    for (int fd = 0; fd < 256; fd++) {
        if (!leads_to_the_engine(fd))
            continue;
        connections++;
        assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    }
    assert_int_equal(connections, 1);
}

static void an_answer_that_is_too_large_is_refused(void **state)
{
    char id[ENGINE_ID_SIZE];
    json_auto_t *body = standin_body("dcm.alice", PORT);
    json_t *containers = NULL;
    size_t length = ENGINE_RESPONSE_MAX / 3;
    char *large = malloc(length);

    (void)state;
    assert_non_null(large);
    memset(large, 'x', length);
    json_object_set_new(json_object_get(body, "Labels"), "large", json_stringn(large, length));
    free(large);
    for (int i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof(name), ALICES "%d", i);
        assert_int_equal(engine_container_create(ENGINE, name, body, id, ERR), 0);
    }
    assert_fault(engine_container_list(ENGINE, &containers, ERR), FAULT_ENGINE, "larger than");
    assert_null(containers);
    assert_state(id, "created"); /* the client goes on */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_engine_says_who_it_is),
        TEST(the_version_is_checked_once_and_again_after_an_outage),
        TEST(what_is_not_an_engine_is_out_of_reach),
        cmocka_unit_test(an_engine_of_another_api_is_out_of_reach),
        TEST(an_engine_that_is_not_there_means_retry),
        TEST(an_unavailable_engine_means_retry),
        TEST(ill_formed_names_never_enter_a_url),
        TEST(reads_survive_an_engine_that_was_restarted),
        TEST(the_engine_that_was_met_is_known_again_whatever_it_is_asked),
        TEST(an_engine_that_came_back_has_not_been_met),
        TEST(the_connection_is_kept_and_not_inherited),
        TEST(an_answer_that_is_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
