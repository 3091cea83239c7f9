/* What the store would say to a reservation (dcm_1_consider and its kin), without making one. */
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"

#include "worker/store_containers.h"
#include "worker/store_images.h"
#include <cmocka.h>

#define MIB (INT64_C(1) << 20)

struct heard {
    size_t count, refused;
    char texts[8][512]; /* "what|rule|words of the refusal" */
};

static void hear(const char *what, const char *rule, const struct error *refusal, void *context)
{
    struct heard *heard = context;

    assert_in_range(heard->count, 0, 7);
    heard->refused += refusal != NULL;
    snprintf(heard->texts[heard->count++], sizeof(heard->texts[0]), "%s|%s|%s", what, rule,
             refusal ? refusal->text : "");
}

static struct heard consider(struct store *store, const struct wish *wish)
{
    AUTO(request) struct request request = request_of("alice");
    struct heard heard = {0};

    assert_done(store_consider(store, &request, wish, hear, &heard, err));
    return heard;
}

static void assert_heard(const struct heard *heard, const char *text)
{
    for (size_t i = 0; i < heard->count; i++)
        if (strncmp(heard->texts[i], text, strlen(text)) == 0)
            return;
    for (size_t i = 0; i < heard->count; i++)
        print_error("%s\n", heard->texts[i]);
    fail_msg("nobody said \"%s\"", text);
}

/* How often the store has been written to. */
static long writes(const struct fixture *fixture)
{
    static const char name[] = "rdb_changes_since_last_save:";
    json_auto_t *info = NULL;

    assert_done(redis_link_text(fixture->link, &info, err, "INFO", "persistence", NULL));
    const char *line = strstr(json_string_value(info), name);
    assert_non_null(line);
    return strtol(line + sizeof(name) - 1, NULL, 10);
}

static void every_quota_is_told_and_nothing_is_written(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request first = request_of("alice");
    struct ports ports = ports_of("80");
    struct wish wish = wish_for(&ports);

    wish.memory = 64 * MIB;
    wish.most_memory = 100 * MIB;
    wish.millicpus = 250;
    wish.most_millicpus = 1000;
    wish.most_containers = 3;
    wish.containers_rule = "users.alice.containers";
    wish.memory_rule = "users.alice.memory";
    bound(fixture->store, &first, &wish);
    long before = writes(fixture);
    struct heard heard = consider(fixture->store, &wish);

    assert_int_equal(writes(fixture), before);
    assert_int_equal(heard.count, 4);
    assert_int_equal(heard.refused, 1);
    assert_heard(&heard, "containers in all: 1 more, beside 1 of 3|users.alice.containers|");
    assert_heard(&heard, "memory in all: 64 MiB more, beside 64 MiB of 100 MiB|users.alice.memory|"
                         "memory: 64 MiB asked for, and 64 MiB of 100 MiB in use: remove a "
                         "container, or ask for less");
    assert_heard(&heard, "processors in all: 0.25 more, beside 0.25 of 1||");
}

static void a_taken_port_and_a_taken_name_are_told_as_by_the_reservation(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request alices = request_of("alice"), bobs = request_of("bob");
    static const struct ports no_ports;
    struct ports ports = ports_of("10.0.0.2:80:80");
    struct wish with_port = wish_for(&ports), with_name = wish_for(&no_ports);

    with_name.name = "web";
    bound(fixture->store, &bobs, &with_port);
    struct heard heard = consider(fixture->store, &with_port);
    assert_heard(&heard, "name and ports||port 80/tcp is taken on 10.0.0.2: choose another");
    bound(fixture->store, &alices, &with_name);
    heard = consider(fixture->store, &with_name);
    assert_heard(&heard, "name and ports||you have a container web already");
    assert_int_equal(heard.refused, 1);
}

static void ports_of_a_recreate_are_looked_at_but_not_taken(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const addresses[] = {ALIAS_1, ALIAS_2, NULL};
    AUTO(request) struct request alices = request_of("alice"), bobs = request_of("bob");
    AUTO(request) struct request asked = request_of("alice");
    struct ports free_port = ports_of("81"), taken = ports_of("10.0.0.1:80:80 10.0.0.2:80:80");
    struct ports port = ports_of("80");
    struct wish wish = wish_for(&taken), alone = wish_for(&free_port);

    bound(fixture->store, &bobs, &wish);
    struct reservation mine = bound(fixture->store, &alices, &alone);
    long before = writes(fixture);
    /* Its own ports are no obstacle. */
    assert_done(
        store_consider_ports(fixture->store, &asked, mine.name, &free_port, addresses, err));
    assert_fault(FAULT_CONFLICT,
                 store_consider_ports(fixture->store, &asked, mine.name, &port, addresses, err));
    assert_fault(FAULT_NOT_FOUND,
                 store_consider_ports(fixture->store, &asked, "nobody", &port, addresses, err));
    assert_int_equal(writes(fixture), before);
}

static void room_for_images_is_told_and_what_ran_out_stays(void **state)
{
    const struct fixture *fixture = *state;
    AUTO(request) struct request request = request_of("alice");
    struct image_wish wish = {.name = "b:latest",
                              .bytes = 10 * MIB,
                              .most_images = 1,
                              .most_bytes = 15 * MIB,
                              .images_rule = "defaults.images_kept",
                              .bytes_rule = "defaults.image_bytes"};
    struct heard heard = {0};

    assert_done(
        redis_link_text(fixture->link, NULL, err, "HSET", "dcm:user:alice:images", "a:latest",
                        "{\"request\":\"x\",\"server\":\"lcg50\",\"image\":{\"bytes\":4194304}}",
                        "gone", "{\"bytes\":9,\"until\":1}", NULL));
    long before = writes(fixture);
    assert_done(store_image_consider(fixture->store, &request, &wish, hear, &heard, err));
    assert_int_equal(writes(fixture), before);
    assert_int_equal(heard.count, 2);
    assert_heard(&heard,
                 "images of your own in all: 1 more, beside 1 of 1|defaults.images_kept|images"
                 " of your own: 1 asked for");
    assert_heard(&heard, "bytes of your own images in all: 10 MiB more, beside 4 MiB of 15 MiB|"
                         "defaults.image_bytes|");
    heard = (struct heard){0};
    wish.name = "a:latest";
    assert_done(store_image_consider(fixture->store, &request, &wish, hear, &heard, err));
    assert_heard(&heard, "name and ports||you have an image a:latest already");
}

#define STORED(test) cmocka_unit_test_setup(test, fixture_empty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORED(every_quota_is_told_and_nothing_is_written),
        STORED(a_taken_port_and_a_taken_name_are_told_as_by_the_reservation),
        STORED(ports_of_a_recreate_are_looked_at_but_not_taken),
        STORED(room_for_images_is_told_and_what_ran_out_stays),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
