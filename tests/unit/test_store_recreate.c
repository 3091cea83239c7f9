/* Entry and leases of a container that is made anew with other ports: all change, or nothing. */
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "worker/store_containers.h"

#include <cmocka.h>

static const char *const aliases[] = {ALIAS_1, ALIAS_2, NULL};

struct scene {
    const struct fixture *fixture;
    struct request request; /* of the recreate; owned */
    struct reservation web; /* the present one */
};

static struct reservation create(struct store *store, const char *user, const char *name,
                                 const char *texts)
{
    AUTO(request) struct request request = request_of(user);
    struct ports ports = ports_of(texts);
    struct wish wish = wish_for(&ports);
    wish.name = name;
    return bound(store, &request, &wish);
}

static struct scene begin(void **state)
{
    struct scene scene = {.fixture = *state, .request = request_of("alice")};
    scene.web = create(scene.fixture->store, "alice", "web", "80 81");
    return scene;
}

static struct ports reserve(const struct scene *scene, const char *texts)
{
    struct ports wanted = ports_of(texts), ports = {0};
    assert_done(store_reserve_ports(scene->fixture->store, &scene->request, "web", &wanted, aliases,
                                    &ports, err));
    return ports;
}

static void refuse(const struct scene *scene, const struct request *request, const char *texts,
                   enum fault fault)
{
    struct ports wanted = ports_of(texts), ports = {0};
    assert_fault(fault, store_reserve_ports(scene->fixture->store, request, "web", &wanted, aliases,
                                            &ports, err));
}

/* The ports leased on this server, of tcp and below 1000, which leaves out SSH's: "80 81". */
static void assert_leases(const struct scene *scene, const char *expected)
{
    json_auto_t *fields = NULL;
    char text[256] = "";
    size_t used = 0;
    assert_done(redis_link_text(scene->fixture->link, &fields, err, "HKEYS",
                                "dcm:server:lcg50:ports", NULL));
    for (unsigned port = 1; port < 1000; port++)
        for (size_t i = 0; i < json_array_size(fields); i++) {
            char field[16];
            snprintf(field, sizeof(field), "tcp/%u", port);
            if (strcmp(json_string_value(json_array_get(fields, i)), field) == 0)
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u", used ? " " : "",
                                         port);
        }
    assert_string_equal(text, expected);
}

static json_t *container_with(const struct scene *scene, const struct ports *ports)
{
    struct reservation reservation = scene->web;
    reservation.ports = *ports;
    return container_of(&reservation);
}

static void replace(const struct scene *scene, const struct ports *ports)
{
    json_auto_t *container = container_with(scene, ports);
    assert_done(store_replace(scene->fixture->store, &scene->request, container, err));
}

static json_t *entry_of(const struct scene *scene)
{
    json_t *entry = NULL;
    assert_done(store_container(scene->fixture->store, "alice", "web", &entry, err));
    return entry;
}

static void the_new_ports_take_the_old_ones_place_at_once(void **state)
{
    struct scene scene = begin(state);
    struct ports ports = reserve(&scene, "81 82");
    assert_leases(&scene, "80 81 82");
    replace(&scene, &ports);
    assert_leases(&scene, "81 82");
    json_auto_t *entry = entry_of(&scene);
    assert_string_equal(text_at(entry, "request"), scene.request.id);
    assert_int_equal(number_at(entry, "ssh_port"), scene.web.ssh_port);
    assert_int_equal(number_at(entry, "until"), 0);
    assert_int_equal(number_at(entry, "memory"), 512 << 20);
    assert_int_equal(json_array_size(json_object_get(entry, "ports")), 2);
    assert_null(json_object_get(entry, "heir"));
    request_clear(&scene.request);
}

static void each_step_may_be_repeated(void **state)
{
    struct scene scene = begin(state);
    reserve(&scene, "90 91");
    struct ports ports = reserve(&scene, "82");
    assert_leases(&scene, "80 81 82");
    replace(&scene, &ports);
    replace(&scene, &ports);
    assert_leases(&scene, "82");
    request_clear(&scene.request);
}

static void what_was_reserved_is_given_back(void **state)
{
    struct scene scene = begin(state);
    json_auto_t *before = entry_of(&scene);
    reserve(&scene, "81 82");
    for (int i = 0; i < 2; i++)
        assert_done(store_release_ports(scene.fixture->store, &scene.request, "web", err));
    json_auto_t *after = entry_of(&scene);
    assert_true(json_equal(before, after));
    assert_leases(&scene, "80 81");
    request_clear(&scene.request);
}

static void a_port_that_is_somebody_elses_changes_nothing(void **state)
{
    struct scene scene = begin(state);
    create(scene.fixture->store, "bob", "his", ALIAS_1 ":90:90 " ALIAS_2 ":90:90");
    json_auto_t *before = entry_of(&scene);
    refuse(&scene, &scene.request, "82 90", FAULT_CONFLICT);
    json_auto_t *after = entry_of(&scene);
    assert_true(json_equal(before, after));
    assert_leases(&scene, "80 81 90");
    struct ports ports = ports_of(ALIAS_1 ":90:90");
    json_auto_t *container = container_with(&scene, &ports);
    assert_fault(FAULT_CONFLICT,
                 store_replace(scene.fixture->store, &scene.request, container, err));
    assert_leases(&scene, "80 81 90");
    request_clear(&scene.request);
}

static void its_own_ssh_port_is_no_other_port_of_its(void **state)
{
    struct scene scene = begin(state);
    char text[16];
    snprintf(text, sizeof(text), "%u:80", scene.web.ssh_port);
    refuse(&scene, &scene.request, text, FAULT_CONFLICT);
    request_clear(&scene.request);
}

static void what_is_reserved_for_it_nobody_else_gets(void **state)
{
    struct scene scene = begin(state);
    AUTO(request) struct request create_request = request_of("bob");
    AUTO(request) struct request rival = request_of("alice");
    struct ports ports = ports_of(ALIAS_1 ":82:82");
    struct wish wish = wish_for(&ports);
    reserve(&scene, ALIAS_1 ":82:82");
    assert_refused(scene.fixture->store, &create_request, &wish, FAULT_CONFLICT, "82");
    refuse(&scene, &rival, "83", FAULT_CONFLICT);
    request_clear(&scene.request);
}

static void removing_the_container_frees_what_was_reserved_too(void **state)
{
    struct scene scene = begin(state);
    reserve(&scene, "82");
    assert_done(store_release(scene.fixture->store, "alice", "web", NULL, NULL, err));
    assert_leases(&scene, "");
    refuse(&scene, &scene.request, "82", FAULT_NOT_FOUND);
    request_clear(&scene.request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_new_ports_take_the_old_ones_place_at_once, fixture_empty),
        cmocka_unit_test_setup(each_step_may_be_repeated, fixture_empty),
        cmocka_unit_test_setup(what_was_reserved_is_given_back, fixture_empty),
        cmocka_unit_test_setup(a_port_that_is_somebody_elses_changes_nothing, fixture_empty),
        cmocka_unit_test_setup(its_own_ssh_port_is_no_other_port_of_its, fixture_empty),
        cmocka_unit_test_setup(what_is_reserved_for_it_nobody_else_gets, fixture_empty),
        cmocka_unit_test_setup(removing_the_container_frees_what_was_reserved_too, fixture_empty),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
