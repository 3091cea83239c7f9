#include "schemas/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"

/* last: its fail() is a macro */
#include <cmocka.h>

#define ID "0193a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"
#define HEAD                                                                                       \
    "{\"v\":1,\"id\":\"" ID "\",\"user\":\"alice\",\"submitted\":\"2026-11-23T21:00:00.123Z\","
#define SUBMITTED INT64_C(1795467600123)

static void check_refused(const char *text, const char *message)
{
    struct request request = {.submitted = 42};
    struct error err = {0};
    if (!request_decode(text, strlen(text), &request, &err))
        fail_msg("%s is accepted", text);
    assert_int_equal(err.fault, FAULT_INVALID);
    if (strncmp(err.text, message, strlen(message)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", err.text, message);
    assert_int_equal(request.submitted, 42); /* untouched */
}

static void decode(const char *text, struct request *request)
{
    struct error err = {0};
    if (request_decode(text, strlen(text), request, &err))
        fail_msg("%s is refused: %s", text, err.text);
}

static void every_operation_has_a_name_that_leads_back(void **state)
{
    (void)state;
    for (int i = 0; i < OP_COUNT; i++) {
        enum op op = OP_COUNT;
        assert_int_equal(op_from_name(op_name((enum op)i), &op), 0);
        assert_int_equal(op, i);
        assert_true(op_is_known(op_name((enum op)i)));
    }
    assert_string_equal(op_name(OP_CONTAINER_UNPAUSE), "container.unpause");
}

static void other_names_are_no_operations(void **state)
{
    enum op op = OP_CONTAINER_LOGS;
    (void)state;
    assert_int_equal(op_from_name("container.explode", &op), -1);
    assert_int_equal(op_from_name("", &op), -1);
    assert_int_equal(op_from_name(NULL, &op), -1);
    assert_int_equal(op, OP_CONTAINER_LOGS); /* untouched */
    assert_false(op_is_known("Ping"));
}

static void a_message_becomes_a_request(void **state)
{
    AUTO(request) struct request request = {0};
    (void)state;
    decode(HEAD "\"op\":\"container.create\",\"deadline\":\"2026-11-23T22:00:00.000Z\","
                "\"args\":{\"image\":\"debian-ssh\",\"memory\":9007199254740992}}",
           &request);
    assert_string_equal(request.id, ID);
    assert_int_equal(request.op, OP_CONTAINER_CREATE);
    assert_string_equal(request.user, "alice");
    assert_true(request.submitted == SUBMITTED);
    assert_true(request.deadline == INT64_C(1795471200000));
    assert_string_equal(text_at(request.args, "image"), "debian-ssh");
}

static void what_is_to_be_explained_is_checked_as_the_request_itself(void **state)
{
    static const struct {
        const char *args, *message;
    } rows[] = {
        {"{}", "args.op: missing"},
        {"{\"op\":\"policy.explain\",\"args\":{\"op\":\"ping\"}}",
         "args.op: must be an operation that can"},
        {"{\"op\":\"container.stop\"}", "args.args.container: missing"},
        {"{\"op\":\"container.stop\",\"args\":{\"container\":\"Web\"}}",
         "args.args.container: must be"},
        {"{\"op\":\"ping\",\"args\":{\"x\":1}}", "args.args.x: unknown field"},
        {"{\"op\":\"container.create\",\"args\":{\"image\":\"a\",\"ports\":[{\"host\":22,"
         "\"container\":22,\"protocol\":\"tcp\"}]}}",
         "args.args.ports[0]: the container's port 22"},
    };
    AUTO(request) struct request request = {0};
    char text[512];
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        snprintf(text, sizeof(text), HEAD "\"op\":\"policy.explain\",\"args\":%s}", rows[i].args);
        check_refused(text, rows[i].message);
    }
    decode(HEAD "\"op\":\"policy.explain\",\"args\":{\"op\":\"container.stop\","
                "\"args\":{\"container\":\"web\"}}}",
           &request);
    assert_int_equal(request.op, OP_POLICY_EXPLAIN);
}

static void a_message_without_args_has_empty_ones(void **state)
{
    AUTO(request) struct request request = {0};
    (void)state;
    decode(HEAD "\"op\":\"ping\"}", &request);
    assert_true(json_is_object(request.args));
    assert_int_equal(json_object_size(request.args), 0);
    assert_true(request.deadline == 0);
    check_refused(HEAD "\"op\":\"container.stop\"}", "args.container: missing");
}

static void a_deadline_at_the_epoch_is_still_a_deadline(void **state)
{
    AUTO(request) struct request request = {0};
    (void)state;
    decode(HEAD "\"op\":\"ping\",\"deadline\":\"1970-01-01T00:00:00.000Z\"}", &request);
    assert_true(request.deadline > 0);
    assert_true(request.deadline < 1000);
}

static void a_later_version_asks_for_an_upgrade_before_anything_else(void **state)
{
    (void)state;
    check_refused("{\"v\":2,\"op\":\"container.teleport\",\"colour\":\"red\"}",
                  "upgrade this server: ");
    check_refused("{\"v\":9223372036854775807}", "upgrade this server: ");
}

static bool is_of_later_version(const char *text, struct request *ret_request)
{
    return request_of_later_version(text, strlen(text), ret_request);
}

static void a_later_version_can_be_answered_where_id_user_and_op_are_known(void **state)
{
    static const char *const unanswerable[] = {
        "{\"v\":2}",
        "{\"v\":2,\"id\":\"" ID "\",\"user\":\"Alice\",\"op\":\"ping\"}",
        "{\"v\":2,\"id\":\"1\",\"user\":\"alice\",\"op\":\"ping\"}",
        "{\"v\":2,\"id\":\"" ID "\",\"user\":\"alice\",\"op\":\"container.teleport\"}",
        "{\"v\":1,\"id\":\"" ID "\",\"user\":\"alice\",\"op\":\"ping\"}",
        "2",
    };
    AUTO(request) struct request request = {0};
    (void)state;
    for (size_t i = 0; i < COUNT(unanswerable); i++)
        assert_false(is_of_later_version(unanswerable[i], &request));
    assert_true(is_of_later_version("{\"v\":2,\"id\":\"" ID
                                    "\",\"user\":\"alice\",\"op\":\"container.stop\","
                                    "\"where\":\"there\",\"args\":{\"how\":\"gently\"}}",
                                    &request));
    assert_string_equal(request.id, ID);
    assert_string_equal(request.user, "alice");
    assert_int_equal(request.op, OP_CONTAINER_STOP);
}

static void the_version_is_the_number_1(void **state)
{
    static const char *const wrong[] = {"0", "-1", "true", "\"1\"", "1.0", "null", "[2]"};
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char text[256];
        snprintf(text, sizeof(text),
                 "{\"v\":%s,\"id\":\"" ID "\",\"user\":\"alice\",\"op\":\"ping\","
                 "\"submitted\":\"2026-11-23T21:00:00.123Z\"}",
                 wrong[i]);
        check_refused(text, "v: must be ");
    }
}

static void each_operation_has_its_own_args(void **state)
{
    (void)state;
    check_refused(HEAD "\"op\":\"ping\",\"args\":{\"container\":\"web\"}}",
                  "args.container: unknown");
    check_refused(HEAD "\"op\":\"container.stop\",\"args\":{\"container\":\"web\",\"force\":true}}",
                  "args.force: unknown");
    check_refused(HEAD "\"op\":\"container.create\",\"args\":{\"container\":\"web\"}}",
                  "args.container: unknown");
    check_refused(HEAD "\"op\":\"container.remove\",\"args\":{\"container\":\"web\",\"tail\":1}}",
                  "args.tail: unknown");
    check_refused(HEAD "\"op\":\"container.logs\",\"args\":{\"container\":\"web\",\"tail\":0}}",
                  "args.tail: must be");
    check_refused(HEAD "\"op\":\"container.explode\",\"args\":{}}", "op: must be");
}

static void ports_are_checked_beyond_their_fields(void **state)
{
    (void)state;
    check_refused(HEAD "\"op\":\"container.create\",\"args\":{\"image\":\"a\",\"ports\":["
                       "{\"host\":2222,\"container\":22,\"protocol\":\"tcp\"}]}}",
                  "args.ports[0]: ");
    check_refused(HEAD "\"op\":\"container.create\",\"args\":{\"image\":\"a\",\"ports\":["
                       "{\"host\":80,\"container\":80,\"protocol\":\"tcp\"},"
                       "{\"host\":80,\"container\":81,\"protocol\":\"tcp\"}]}}",
                  "args.ports[1]: ");
    check_refused(HEAD "\"op\":\"container.create\",\"args\":{\"image\":\"a\",\"ports\":["
                       "{\"host\":70000,\"container\":80,\"protocol\":\"tcp\"}]}}",
                  "args.ports[0].host: ");
}

static void options_of_docker_run_are_checked_beyond_their_fields(void **state)
{
    static const struct {
        const char *args, *message;
    } refused[] = {
        {"\"capabilities\":[\"NET_RAW\",\"NET_ADMIN\",\"NET_RAW\"]",
         "args.capabilities: NET_RAW is there twice"},
        {"\"devices\":[\"/dev/fuse\",\"/dev/fuse\"]", "args.devices: /dev/fuse is there twice"},
        {"\"mounts\":[{\"source\":\"/a\",\"target\":\"/t\"},{\"source\":\"/b\",\"target\":\"/t\"}]",
         "args.mounts[1].target: /t and /t are one"},
        {"\"mounts\":[{\"source\":\"/a\",\"target\":\"/t/x\"},{\"source\":\"/b\",\"target\":\"/"
         "t\"}]",
         "args.mounts[1].target: /t/x and /t are one, or one in the other"},
        {"\"mounts\":[{\"source\":\"/a\",\"target\":\"/etc\"}]", "args.mounts[0].target: must be"},
        {"\"mounts\":[{\"source\":\"/a/../b\",\"target\":\"/t\"}]",
         "args.mounts[0].source: must be"},
        {"\"capabilities\":[\"SYS_ADMIN\"]", "args.capabilities[0]: must be"},
        {"\"env\":{\"DCM_UID\":\"0\"}", "args.env.DCM_UID: the name must be"},
        {"\"env\":{\"TZ\":\"a\\nb\"}", "args.env.TZ: must be"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(refused); i++) {
        char text[512];
        snprintf(text, sizeof(text),
                 HEAD "\"op\":\"container.create\",\"args\":{\"image\":\"a\",%s}}",
                 refused[i].args);
        check_refused(text, refused[i].message);
    }
}

static void a_message_is_one_object_of_bounded_length(void **state)
{
    char text[REQUEST_MAX_BYTES + 2];
    struct error err = {0};
    struct request request = {0};
    (void)state;
    check_refused("", "1:0: ");
    check_refused("[]", "the document must be an object");
    memset(text, ' ', sizeof(text));
    assert_int_equal(request_decode(text, REQUEST_MAX_BYTES + 1, &request, &err), -1);
    assert_string_equal(err.text, "longer than 32768 bytes");
}

static struct request make(enum op op, const char *user, const char *args)
{
    struct request request = {.id = ID, .op = op, .submitted = SUBMITTED};
    snprintf(request.user, sizeof(request.user), "%s", user);
    request.args = json_loads(args, 0, NULL);
    assert_non_null(request.args);
    return request;
}

static void what_is_encoded_is_decoded_again(void **state)
{
    struct error err = {0};
    AUTO(request)
    struct request request =
        make(OP_CONTAINER_REMOVE, "alice", "{\"container\":\"web\",\"force\":true}");
    AUTO(request) struct request again = {0};
    AUTO(string) char *text = NULL;
    (void)state;
    request.deadline = SUBMITTED + 1;
    assert_int_equal(request_encode(&request, &text, &err), 0);
    assert_string_equal(text,
                        "{\"v\":1,\"id\":\"" ID "\",\"op\":\"container.remove\",\"user\":\"alice\","
                        "\"submitted\":\"2026-11-23T21:00:00.123Z\","
                        "\"deadline\":\"2026-11-23T21:00:00.124Z\","
                        "\"args\":{\"container\":\"web\",\"force\":true}}");
    decode(text, &again);
    assert_int_equal(again.op, request.op);
    assert_true(again.submitted == request.submitted && again.deadline == request.deadline);
    assert_true(json_equal(again.args, request.args));
}

static void no_deadline_is_not_written(void **state)
{
    AUTO(request) struct request request = make(OP_PING, "alice", "{}");
    AUTO(string) char *text = NULL;
    (void)state;
    assert_int_equal(request_encode(&request, &text, NULL), 0);
    assert_null(strstr(text, "deadline"));
}

static void encoding_refuses_what_decoding_would(void **state)
{
    struct error err = {0};
    AUTO(request) struct request wrong_args = make(OP_CONTAINER_STOP, "alice", "{}");
    AUTO(request) struct request wrong_user = make(OP_PING, "Alice", "{}");
    AUTO(request) struct request not_utf8 = make(OP_PING, "al\xff", "{}");
    char *text = NULL;
    (void)state;
    assert_int_equal(request_encode(&wrong_args, &text, &err), -1);
    assert_string_equal(err.text, "args.container: missing");
    assert_int_equal(request_encode(&wrong_user, &text, &err), -1);
    assert_int_equal(strncmp(err.text, "user: ", 6), 0);
    assert_int_equal(request_encode(&not_utf8, &text, &err), -1);
    assert_int_equal(err.fault, FAULT_INVALID);
    assert_null(text);
}

/* printf '{"args":{"container":"web"},"op":"container.stop","user":"alice"}' | sha256sum */
static void the_hash_is_of_the_canonical_text(void **state)
{
    AUTO(request)
    struct request request = make(OP_CONTAINER_STOP, "alice", "{\"container\":\"web\"}");
    char hash[REQUEST_HASH_SIZE];
    (void)state;
    request_hash(&request, hash);
    assert_string_equal(hash, "a729791e30dda6af12edc293840f8ae02195824e9bac60ab8473de8b28c7fb3c");
}

static void the_hash_is_of_what_is_asked_and_not_of_how(void **state)
{
    char first[REQUEST_HASH_SIZE], second[REQUEST_HASH_SIZE];
    AUTO(request)
    struct request request =
        make(OP_CONTAINER_CREATE, "alice", "{\"image\":\"a\",\"memory\":6291456}");
    AUTO(request)
    struct request same =
        make(OP_CONTAINER_CREATE, "alice", "{ \"memory\" : 6291456, \"image\" : \"\\u0061\" }");
    AUTO(request)
    struct request other_user =
        make(OP_CONTAINER_CREATE, "bob", "{\"image\":\"a\",\"memory\":6291456}");
    AUTO(request)
    struct request other_args =
        make(OP_CONTAINER_CREATE, "alice", "{\"image\":\"a\",\"memory\":4194305}");
    (void)state;
    same.submitted = 1;
    same.deadline = 2;
    memset(same.id, '0', 8);
    request_hash(&request, first);
    request_hash(&same, second);
    assert_string_equal(first, second);
    request_hash(&other_user, second);
    assert_string_not_equal(first, second);
    request_hash(&other_args, second);
    assert_string_not_equal(first, second);
}

static void the_same_args_for_another_operation_hash_differently(void **state)
{
    char first[REQUEST_HASH_SIZE], second[REQUEST_HASH_SIZE];
    AUTO(request) struct request stop = make(OP_CONTAINER_STOP, "alice", "{\"container\":\"web\"}");
    AUTO(request)
    struct request start = make(OP_CONTAINER_START, "alice", "{\"container\":\"web\"}");
    (void)state;
    request_hash(&stop, first);
    request_hash(&start, second);
    assert_string_not_equal(first, second);
}

static void clearing_twice_is_harmless(void **state)
{
    struct request request = make(OP_PING, "alice", "{}");
    (void)state;
    request_clear(&request);
    assert_null(request.args);
    request_clear(&request);
    assert_string_equal(request.id, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_has_a_name_that_leads_back),
        cmocka_unit_test(other_names_are_no_operations),
        cmocka_unit_test(a_message_becomes_a_request),
        cmocka_unit_test(what_is_to_be_explained_is_checked_as_the_request_itself),
        cmocka_unit_test(a_message_without_args_has_empty_ones),
        cmocka_unit_test(a_deadline_at_the_epoch_is_still_a_deadline),
        cmocka_unit_test(a_later_version_asks_for_an_upgrade_before_anything_else),
        cmocka_unit_test(a_later_version_can_be_answered_where_id_user_and_op_are_known),
        cmocka_unit_test(the_version_is_the_number_1),
        cmocka_unit_test(each_operation_has_its_own_args),
        cmocka_unit_test(ports_are_checked_beyond_their_fields),
        cmocka_unit_test(options_of_docker_run_are_checked_beyond_their_fields),
        cmocka_unit_test(a_message_is_one_object_of_bounded_length),
        cmocka_unit_test(what_is_encoded_is_decoded_again),
        cmocka_unit_test(no_deadline_is_not_written),
        cmocka_unit_test(encoding_refuses_what_decoding_would),
        cmocka_unit_test(the_hash_is_of_the_canonical_text),
        cmocka_unit_test(the_hash_is_of_what_is_asked_and_not_of_how),
        cmocka_unit_test(the_same_args_for_another_operation_hash_differently),
        cmocka_unit_test(clearing_twice_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
