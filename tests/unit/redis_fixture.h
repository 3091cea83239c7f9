/* A link to a store that says what the test wants: a child process on a socket, which answers each
 * command with the next text of its script, "" with nothing. It goes on where it was when somebody
 * connects anew. */
#ifndef DCM_TESTS_REDIS_FIXTURE_H
#define DCM_TESTS_REDIS_FIXTURE_H

#include <sys/types.h>

#include "common/redis_link.h"

#define HANG_UP "hang up"         /* close the connection before the next command */
#define SAY_NOTHING "say nothing" /* read until the other side gives up, then the same */

extern struct fixture {
    char directory[32];
    char socket[64];
    char url[80];
    pid_t server;
    struct redis_link *link;
    struct error err;
} fixture;

/* For cmocka. */
int redis_fixture_set_up(void **state);
int redis_fixture_tear_down(void **state);
#define SCRIPTED(test)                                                                             \
    cmocka_unit_test_setup_teardown(test, redis_fixture_set_up, redis_fixture_tear_down)

/* The store, with this script (it ends with NULL), and the fixture's link to it. */
void serve(const char *const *script);

/* One command; fixture.err says why it fails. */
int ask(json_t **ret_reply);
/* expected: the reply as JSON. */
void assert_asked(const char *expected);

#endif
