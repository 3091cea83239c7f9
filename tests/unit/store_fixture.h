/* What the tests of the store share: a redis-server of their own, and what to ask of it. */
#ifndef DCM_TESTS_STORE_FIXTURE_H
#define DCM_TESTS_STORE_FIXTURE_H

#include <sys/types.h>

#include "common/redis_link.h"
#include "worker/store_containers.h"
#include "worker/store_private.h"

#define ALIAS_1 "10.0.0.1"
#define ALIAS_2 "10.0.0.2"
#define HASH "a3f1a3f1a3f1a3f1a3f1a3f1a3f1a3f1a3f1a3f1a3f1a3f1a3f1a3f1a3f1a3f1"

struct fixture {
    char directory[64];
    char url[96];
    pid_t server;
    struct store *store;     /* of the server "lcg50" */
    struct redis_link *link; /* to look behind the store's back; knows the submitters' functions */
};

/* For cmocka: the server once a program; an empty store before each test. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
int fixture_empty(void **state);

/* As a keeper would, had it put all in order: the store is relied upon as it is. */
void fixture_open(struct store *store);
/* End the server and start it again, empty. */
void fixture_restart(struct fixture *fixture);
/* A second handle, as another worker (or another process) would have it. */
struct store *fixture_store(const struct fixture *fixture, const char *server);

/* A container.create of this user, with a new id; args are owned by the request. */
struct request request_of(const char *user);
/* Room for all: 8 containers, SSH ports 20000 to 29999, both aliases, 64 subnets. */
struct wish wish_for(const struct ports *ports);
/* "80 443/udp 10.0.0.2:53:53": separated by single spaces; "" for none. */
struct ports ports_of(const char *texts);
/* A container as the engine's inspection would give it. New reference. */
json_t *container_of(const struct reservation *reservation);

/* Reserve and bind with the usual wish, and give back what was reserved. */
struct reservation bound(struct store *store, const struct request *request,
                         const struct wish *wish);
/* The reservation must fail with this fault. */
void assert_refused(struct store *store, const struct request *request, const struct wish *wish,
                    enum fault fault, const char *text);

/* A new request of this user's with these ports, and the usual wish: reserved; or refused as a
 * conflict, with this in the message. */
struct reservation reserve_ports(struct store *store, const char *user, const char *texts);
void refuse_ports(struct store *store, const char *user, const char *texts, const char *message);

void sleep_ms(long milliseconds);

/* The call must succeed; the error's text says why it did not. */
#define assert_done(call)                                                                          \
    do {                                                                                           \
        struct error error_ = {0};                                                                 \
        struct error *err = &error_;                                                               \
        if ((call) != 0)                                                                           \
            fail_msg("%s: %s", #call, error_.text);                                                \
    } while (0)

/* The call must fail with this fault. */
#define assert_fault(expected, call)                                                               \
    do {                                                                                           \
        struct error error_ = {0};                                                                 \
        struct error *err = &error_;                                                               \
        assert_int_equal((call), -1);                                                              \
        if (error_.fault != (expected))                                                            \
            fail_msg("%s: fault %d, %s", #call, (int)error_.fault, error_.text);                   \
    } while (0)

#endif
