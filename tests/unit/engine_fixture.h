/* A stand-in engine for one test: started before it, ended after it. */
#ifndef DCM_TESTS_UNIT_ENGINE_FIXTURE_H
#define DCM_TESTS_UNIT_ENGINE_FIXTURE_H

#include <jansson.h>
#include <sys/types.h>

#include "worker/engine.h"

#define ENGINE standin.engine
#define ERR (&standin.err)
#define ALICES "dcm.alice.web"
#define PORT 2201
#define TAKEN_PORT 18081 /* "some program of the host" holds it */
#define TEST(name) cmocka_unit_test_setup_teardown(name, standin_start, standin_end)

extern struct standin {
    char directory[32];
    char socket_path[64];
    pid_t pid;
    struct engine *engine; /* a client of it */
    struct error err;      /* for the test's calls */
} standin;

int standin_start(void **state);
int standin_end(void **state);
void standin_kill(void); /* at once, as by a crash */
void standin_launch(void);

/* A request of the test's own, past the client under test: raw HTTP. Returns the body, "" if the
 * connection was closed; the caller's to free. */
char *standin_raw(const char *method, const char *path, const char *body);
void standin_fault(const char *json);
/* How often this route was called: "POST /containers/create". */
json_int_t standin_count(const char *route);

/* A container's body: image debian-ssh, label dcm.v=1, the network, one published port. */
json_t *standin_body(const char *network, int host_port);
/* Creates it, and the network dcm.alice. */
void standin_container(const char *name, int host_port, char ret_id[ENGINE_ID_SIZE]);

/* result is that of a call which left its error in standin.err, with this text in it. */
void assert_fault(int result, enum fault fault, const char *text);
/* The engine's own word for the container's state. */
void assert_state(const char *id, const char *status);

#endif
