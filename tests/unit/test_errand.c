#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/count.h"
#include "worker/errand.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define HEAD "{\"v\":1,\"id\":\"0193a1b2-0000-7000-8000-000000000001\",\"user\":\"alice\","
#define TIME "\"submitted\":\"2026-11-23T21:00:00.123Z\","

static struct errand errand_of(const char *op, const char *args)
{
    struct errand errand;
    char body[512];
    snprintf(body, sizeof body, HEAD TIME "\"op\":\"%s\",\"args\":{%s}}", op, args);
    errand_read(body, strlen(body), &errand);
    return errand;
}

static void the_container_is_read_from_whatever_names_it(void **state)
{
    (void)state;
    struct errand stop = errand_of("container.stop", "\"container\":\"web\"");
    assert_string_equal(stop.user, "alice");
    assert_string_equal(stop.container, "web");
    assert_true(stop.slow);
    struct errand create =
        errand_of("container.create", "\"image\":\"debian-ssh\",\"name\":\"web\"");
    assert_string_equal(create.container, "web");
    assert_false(create.slow || create.light);
    assert_true(errand_of("ping", "").light);
    assert_true(errand_clashes(&stop, &create));
}

static void a_recreate_may_take_as_long_as_a_commit(void **state)
{
    (void)state;
    struct errand recreate = errand_of("container.recreate", "\"container\":\"web\"");
    assert_true(recreate.slow);
    assert_string_equal(recreate.container, "web");
}

static void what_does_not_decode_is_in_nobodys_way(void **state)
{
    (void)state;
    struct errand nothing, stop = errand_of("container.stop", "\"container\":\"web\"");
    errand_read("{\"user\":\"alice\"", 15, &nothing);
    assert_string_equal(nothing.user, "");
    assert_false(errand_clashes(&nothing, &stop));
    errand_read(NULL, 0, &nothing);
    assert_false(errand_clashes(&nothing, &nothing));
}

static void a_neighbours_container_of_the_same_name_is_another(void **state)
{
    (void)state;
    struct errand hers = {.user = "alice", .container = "web"};
    struct errand his = {.user = "bob", .container = "web"};
    assert_false(errand_clashes(&hers, &his));
}

static void requests_about_no_container_do_not_clash(void **state)
{
    (void)state;
    struct errand ping = errand_of("ping", "");
    struct errand unnamed = errand_of("container.create", "\"image\":\"debian-ssh\"");
    assert_false(errand_clashes(&ping, &ping));
    assert_false(errand_clashes(&unnamed, &unnamed));
}

static void a_port_may_be_that_of_any_chosen_name(void **state)
{
    (void)state;
    static const struct {
        const char *one, *other;
        bool clash;
    } cases[] = {
        {"22635", "22635", true},
        {"22635", "22636", false},
        {"22635", "container22635", true},
        {"22635", "container22636", false},
        {"22635", "web", true},
        {"container22635", "web", false},
        {"container", "22635", true},
        {"web", "web", true},
        {"web", "db", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct errand one = {.user = "alice"}, other = {.user = "alice"};
        snprintf(one.container, sizeof(one.container), "%s", cases[i].one);
        snprintf(other.container, sizeof(other.container), "%s", cases[i].other);
        assert_int_equal(errand_clashes(&one, &other), cases[i].clash);
        assert_int_equal(errand_clashes(&other, &one), cases[i].clash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_container_is_read_from_whatever_names_it),
        cmocka_unit_test(a_recreate_may_take_as_long_as_a_commit),
        cmocka_unit_test(what_does_not_decode_is_in_nobodys_way),
        cmocka_unit_test(a_neighbours_container_of_the_same_name_is_another),
        cmocka_unit_test(requests_about_no_container_do_not_clash),
        cmocka_unit_test(a_port_may_be_that_of_any_chosen_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
