/* Networks: made once, by whoever comes first; removed when nobody is in them. Against the stand-in
 * engine. */
#include "worker/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine_fixture.h"

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

static void a_network_that_the_firewall_does_not_know_is_no_users(void **state)
{
    static const char *const options[] = {"{}",
                                          "{\"com.docker.network.bridge.name\":\"dcmu0ac90000\"}"};
    json_auto_t *labels = json_pack("{s:s}", "dcm.v", "1");
    const struct engine_network network = {"dcm.alice", "10.201.0.64/26", labels};
    const struct engine_network nonsense = {"dcm.bob", "10.201.0/26", labels};
    char made[256];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        snprintf(made, sizeof made,
                 "{\"Name\":\"dcm.alice\",\"Driver\":\"bridge\",\"Options\":%s,"
                 "\"IPAM\":{\"Config\":[{\"Subnet\":\"10.201.0.64/26\"}]}}",
                 options[i]);
        free(standin_raw("POST", "/v1.41/networks/create", made));
        assert_fault(engine_network_ensure(ENGINE, &network, ERR), FAULT_CONFLICT,
                     "not as the bridge dcmu0ac90040 on 10.201.0.64/26");
        assert_int_equal(engine_network_remove(ENGINE, "dcm.alice", ERR), 0);
    }
    assert_fault(engine_network_ensure(ENGINE, &nonsense, ERR), FAULT_INVALID, "10.201.0/26");
}

static void an_engine_without_a_default_network_says_so(void **state)
{
    json_auto_t *network = NULL;

    (void)state;
    assert_fault(engine_default_network(ENGINE, &network, ERR), FAULT_NOT_FOUND, "default network");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_network_is_made_once),
        TEST(a_network_that_the_firewall_does_not_know_is_no_users),
        TEST(an_engine_without_a_default_network_says_so),
        TEST(a_network_that_another_is_making_is_waited_for),
        TEST(a_network_in_use_is_not_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
