#include "schemas/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "schemas/topology.h"

#include <cmocka.h>

#define ID "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"

static void check_user_key(enum user_key key, const char *id, const char *expected)
{
    char text[KEY_SIZE];
    key_of_user(text, key, "alice", id);
    assert_string_equal(text, expected);
}

static void a_users_keys_stand_under_one_prefix(void **state)
{
    (void)state;
    check_user_key(KEY_CONTAINERS, NULL, "dcm:user:alice:containers");
    check_user_key(KEY_REQUESTS, NULL, "dcm:user:alice:requests");
    check_user_key(KEY_REQUEST, ID, "dcm:user:alice:request:" ID);
    check_user_key(KEY_EVENTS, ID, "dcm:user:alice:events:" ID);
    check_user_key(KEY_FOLLOWER, ID, "dcm:user:alice:follower:" ID);
}

static void check_server_key(enum server_key key, const char *expected)
{
    char text[KEY_SIZE];
    key_of_server(text, key, "lcg50");
    assert_string_equal(text, expected);
}

static void a_servers_keys_stand_under_one_prefix(void **state)
{
    (void)state;
    check_server_key(KEY_SERVER, "dcm:server:lcg50");
    check_server_key(KEY_PORTS, "dcm:server:lcg50:ports");
    check_server_key(KEY_LEASED, "dcm:server:lcg50:leased");
    check_server_key(KEY_SUBNETS, "dcm:server:lcg50:subnets");
    check_server_key(KEY_USERS, "dcm:server:lcg50:users");
    check_server_key(KEY_ASKED, "dcm:server:lcg50:asked");
}

static void the_longest_names_fit(void **state)
{
    char text[KEY_SIZE], expected[KEY_SIZE];
    char user[32], server[64];
    (void)state;
    memset(user, 'u', 31);
    user[31] = '\0';
    memset(server, 's', 63);
    server[63] = '\0';
    key_of_user(text, KEY_FOLLOWER, user, ID);
    snprintf(expected, sizeof(expected), "dcm:user:%s:follower:" ID, user);
    assert_string_equal(text, expected);
    key_of_server(text, KEY_SUBNETS, server);
    snprintf(expected, sizeof(expected), "dcm:server:%s:subnets", server);
    assert_string_equal(text, expected);
}

/* FUNCTION LOAD wants the library's name in the first line, and there only. */
static void is_library(const char *functions, const char *name)
{
    char first[64];
    snprintf(first, sizeof(first), "#!lua name=%s\n", name);
    assert_int_equal(strncmp(functions, first, strlen(first)), 0);
    assert_null(strstr(functions + 1, "#!lua"));
    assert_int_equal(functions[strlen(functions) - 1], '\n');
}

static void submitters_functions_have_a_name_that_stays(void **state)
{
    (void)state;
    is_library(queue_functions, "dcm_1");
    assert_non_null(strstr(queue_functions, "redis.register_function('dcm_1_queue'"));
    assert_null(strstr(queue_functions, "dcm_1_claim"));
}

static void workers_functions_are_named_by_their_content(void **state)
{
    (void)state;
    is_library(store_functions, store_library);
    assert_int_equal(strlen(store_library), strlen("dcm_") + 12);
    assert_non_null(strstr(store_functions, store_library));
    assert_null(strstr(store_functions, "dcm_1_"));
}

static void a_batch_request_goes_to_its_users_queue_and_others_to_one_for_all(void **state)
{
    char queue[QUEUE_NAME_SIZE], route[ROUTE_SIZE], user[USER_NAME_MAX + 1] = {0};
    (void)state;
    memset(user, 'u', USER_NAME_MAX);
    queue_of_user(queue, user);
    assert_int_equal(strlen(queue), strlen("dcm.batch.") + USER_NAME_MAX);
    route_of(route, user, true);
    assert_string_equal(route, queue + strlen("dcm."));
    route_of(route, user, false);
    assert_string_equal(route, "interactive");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_users_keys_stand_under_one_prefix),
        cmocka_unit_test(a_servers_keys_stand_under_one_prefix),
        cmocka_unit_test(the_longest_names_fit),
        cmocka_unit_test(a_batch_request_goes_to_its_users_queue_and_others_to_one_for_all),
        cmocka_unit_test(submitters_functions_have_a_name_that_stays),
        cmocka_unit_test(workers_functions_are_named_by_their_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
