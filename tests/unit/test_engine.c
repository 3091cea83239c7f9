/* The engine client's calls, against the stand-in. Streams: test_engine_streams.c. */
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

#include "engine_fixture.h"
#include "worker/engine_private.h"

#define ENGINE standin.engine
#define ERR (&standin.err)
#define ALICES "dcm.alice.web"
#define PORT 2201
#define NO_ID "0000000000000000000000000000000000000000000000000000000000000000"

static void assert_fault(int result, enum fault fault, const char *text)
{
    assert_int_equal(result, -1);
    assert_int_equal(standin.err.fault, fault);
    assert_non_null(strstr(standin.err.text, text));
}

static void assert_state(const char *id, const char *status)
{
    json_auto_t *container = NULL;
    assert_int_equal(engine_container_inspect(ENGINE, id, &container, ERR), 0);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(container, "State"), "Status")), status);
}

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
    for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
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

static void images_are_found_by_name_and_by_id(void **state)
{
    json_auto_t *by_name = NULL;
    json_auto_t *by_id = NULL;

    (void)state;
    assert_int_equal(engine_image_inspect(ENGINE, "lab/tools:2", &by_name, ERR), 0);
    const char *id = json_string_value(json_object_get(by_name, "Id"));
    assert_int_equal(engine_image_inspect(ENGINE, id, &by_id, ERR), 0);
    assert_true(json_equal(by_name, by_id));
}

static void an_unknown_image_is_not_found(void **state)
{
    json_t *image = NULL;

    (void)state;
    assert_fault(engine_image_inspect(ENGINE, "nothing", &image, ERR), FAULT_NOT_FOUND,
                 "No such image: nothing:latest");
    assert_null(image);
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
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
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
    assert_string_equal(json_string_value(json_object_get(container, "Id")), id);
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
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
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

static void reads_survive_an_engine_that_was_restarted(void **state)
{
    char identity[ENGINE_IDENTITY_SIZE];

    (void)state;
    assert_int_equal(engine_identity(ENGINE, identity, ERR), 0);
    standin_kill();
    standin_launch();
    assert_int_equal(engine_identity(ENGINE, identity, ERR), 0);
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
    assert_string_equal(json_string_value(json_object_get(json_array_get(containers, 0), "Id")),
                        id);
    assert_int_equal(engine_network_list(ENGINE, &networks, ERR), 0);
    assert_int_equal(json_array_size(networks), 1);
}

static void a_network_is_made_once(void **state)
{
    json_auto_t *labels = json_pack("{s:s}", "dcm.v", "1");
    const struct engine_network network = {"dcm.alice", "10.201.0.0/26", labels};
    const struct engine_network moved = {"dcm.alice", "10.201.0.64/26", labels};
    const struct engine_network crowded = {"dcm.bob", "10.201.0.0/28", labels};

    (void)state;
    assert_int_equal(engine_network_ensure(ENGINE, &network, ERR), 0);
    assert_int_equal(engine_network_ensure(ENGINE, &network, ERR), 0);
    assert_int_equal(standin_count("POST /networks/create"), 1);
    assert_fault(engine_network_ensure(ENGINE, &moved, ERR), FAULT_CONFLICT, "10.201.0.64/26");
    assert_fault(engine_network_ensure(ENGINE, &crowded, ERR), FAULT_CONFLICT, "Pool overlaps");
}

/* What one process meets while another one's network is half made: refused, then there. */
static void a_network_that_another_is_making_is_waited_for(void **state)
{
    json_auto_t *labels = json_pack("{s:s}", "dcm.v", "1");
    const struct engine_network network = {"dcm.alice", "10.201.0.0/26", labels};

    (void)state;
    standin_fault("{\"method\":\"POST\",\"path\":\"/networks/create\",\"status\":403,"
                  "\"after\":true}");
    assert_int_equal(engine_network_ensure(ENGINE, &network, ERR), 0);
    assert_int_equal(standin_count("POST /networks/create"), 1);
    assert_int_equal(standin_count("GET /networks/*"), 2);
}

static void a_network_in_use_is_not_removed(void **state)
{
    char id[ENGINE_ID_SIZE];

    (void)state;
    standin_container(ALICES, PORT, id);
    assert_int_equal(engine_container_act(ENGINE, ENGINE_START, id, NULL, ERR), 0);
    assert_fault(engine_network_remove(ENGINE, "dcm.alice", ERR), FAULT_CONFLICT,
                 "has active endpoints");
    assert_int_equal(engine_container_remove(ENGINE, id, ERR), 0);
    assert_int_equal(engine_network_remove(ENGINE, "dcm.alice", ERR), 0);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, standin_start, standin_end)

#define OWN_IMAGE "dcm.local/alice/mine:v1"

static void a_container_becomes_an_image_with_other_labels(void **state)
{
    char id[ENGINE_ID_SIZE], image_id[ENGINE_ID_SIZE];
    json_auto_t *config = json_pack("{s:{s:s, s:s}}", "Labels", "dcm.v", "1", "dcm.kind", "image");
    json_auto_t *image = NULL;
    json_auto_t *images = NULL;
    struct engine_commit commit = {
        .container = id, .name = OWN_IMAGE, .message = "why & how", .config = config};

    (void)state;
    standin_container(ALICES, PORT, id);
    assert_int_equal(engine_commit(ENGINE, &commit, image_id, ERR), 0);
    assert_int_equal(engine_image_inspect(ENGINE, OWN_IMAGE, &image, ERR), 0);
    assert_string_equal(json_string_value(json_object_get(image, "Comment")), "why & how");
    const json_t *labels = json_object_get(json_object_get(image, "Config"), "Labels");
    assert_string_equal(json_string_value(json_object_get(labels, "dcm.kind")), "image");
    assert_int_equal(engine_image_list(ENGINE, true, &images, ERR), 0);
    assert_int_equal(json_array_size(images), 1);
}

static void an_image_in_use_stays_and_one_that_is_gone_is_gone(void **state)
{
    char id[ENGINE_ID_SIZE], image_id[ENGINE_ID_SIZE];
    json_auto_t *config = json_pack("{s:{s:s}}", "Labels", "dcm.v", "1");
    struct engine_commit commit = {.container = id, .name = OWN_IMAGE, .config = config};

    (void)state;
    standin_container(ALICES, PORT, id);
    assert_int_equal(engine_commit(ENGINE, &commit, image_id, ERR), 0);
    assert_fault(engine_image_remove(ENGINE, "debian-ssh", ERR), FAULT_CONFLICT, "using");
    assert_int_equal(engine_image_remove(ENGINE, OWN_IMAGE, ERR), 0);
    assert_int_equal(engine_image_remove(ENGINE, OWN_IMAGE, ERR), 0);
}

static void only_names_of_users_images_are_committed_to(void **state)
{
    static const char *const others[] = {
        "debian-ssh",           "dcm.local/mine",         "dcm.local/alice/",
        "dcm.local/Alice/mine", "dcm.local/alice/x/../y", "example.org/alice/mine",
    };
    char image_id[ENGINE_ID_SIZE];
    struct engine_commit commit = {.container = NO_ID};

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        commit.name = others[i];
        assert_fault(engine_commit(ENGINE, &commit, image_id, ERR), FAULT_INVALID, "name");
    }
    assert_int_equal(standin_count("POST /commit"), 0);
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
        TEST(images_are_found_by_name_and_by_id),
        TEST(an_unknown_image_is_not_found),
        TEST(ill_formed_names_never_enter_a_url),
        TEST(a_container_is_made_as_its_body_says),
        TEST(a_name_that_is_taken_is_a_conflict),
        TEST(a_container_goes_through_its_states),
        TEST(what_is_so_already_is_success),
        TEST(the_wrong_state_is_a_conflict),
        TEST(an_unknown_container_is_not_found),
        TEST(a_port_that_a_program_holds_is_told_apart),
        TEST(a_port_that_a_container_holds_is_told_apart),
        TEST(another_failure_to_start_is_not_about_ports),
        TEST(a_lost_answer_means_retry_and_nothing_is_sent_twice),
        TEST(reads_survive_an_engine_that_was_restarted),
        TEST(the_connection_is_kept_and_not_inherited),
        TEST(only_our_own_are_listed),
        TEST(a_network_is_made_once),
        TEST(a_network_that_another_is_making_is_waited_for),
        TEST(a_network_in_use_is_not_removed),
        TEST(an_answer_that_is_too_large_is_refused),
        TEST(a_container_becomes_an_image_with_other_labels),
        TEST(an_image_in_use_stays_and_one_that_is_gone_is_gone),
        TEST(only_names_of_users_images_are_committed_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
