/* Images by the numbers of a list: at a prompt, and nowhere else. */
#include "tests/unit/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIRST "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define SECOND "sha256:2222222222222222222222222222222222222222222222222222222222222222"

static json_t *image(const char *name, const char *id)
{
    return json_pack("{s:s, s:{s:s, s:s, s:n, s:i, s:s}}", "server", "lcg50", "image", "name", name,
                     "id", id, "owner", "bytes", 0, "created", "2026-11-23T21:00:00.000Z");
}

static json_t *two_images(void)
{
    return json_pack("[o, o]", image("debian-ssh", FIRST), image("mine:latest", SECOND));
}

static const char *asked_image(const struct scene *scene)
{
    return json_string_value(json_object_get(scene->fake.args, "image"));
}

static void a_number_is_the_id_that_was_listed(void **state)
{
    struct scene *scene = *state;
    json_auto_t *images = two_images();
    json_auto_t *numbered = NULL;

    scene->fake.lists[LIST_IMAGES] = images;
    scene->screen.session.numbered = &numbered;
    assert_int_equal(screen_run(&scene->screen, "images"), 0);
    assert_int_equal(screen_run(&scene->screen, "create 2 80"), 0);
    assert_string_equal(asked_image(scene), SECOND);
    assert_int_equal(screen_run(&scene->screen, "rmi 1"), 0);
    assert_string_equal(asked_image(scene), FIRST);
}

static void a_create_without_an_image_numbers_them_too(void **state)
{
    struct scene *scene = *state;
    json_auto_t *images = two_images();
    json_auto_t *numbered = NULL;

    scene->fake.lists[LIST_IMAGES] = images;
    scene->screen.session.numbered = &numbered;
    assert_int_equal(screen_run(&scene->screen, "create"), 2);
    assert_non_null(strstr(scene->screen.err, "debian-ssh"));
    assert_non_null(strstr(scene->screen.err, "a number of that list\n"));
    assert_string_equal(scene->screen.out, "");
    scene->screen.session.err_is_terminal = true;
    assert_int_equal(screen_run(&scene->screen, "create 1"), 0);
    assert_string_equal(asked_image(scene), FIRST);
    assert_non_null(strstr(scene->screen.err, "debian-ssh: queued"));
}

static void what_a_number_asks_is_told_by_the_name_beside_it(void **state)
{
    struct scene *scene = *state;
    json_auto_t *images = two_images();
    json_auto_t *numbered = NULL;

    scene->fake.lists[LIST_IMAGES] = images;
    scene->screen.session.numbered = &numbered;
    scene->screen.session.err_is_terminal = true;
    assert_int_equal(screen_run(&scene->screen, "images"), 0);
    assert_int_equal(screen_run(&scene->screen, "rmi 2 debian-ssh"), 0);
    assert_string_equal(scene->screen.err, "mine:latest: queued\ndebian-ssh: queued\n");
}

static void a_list_that_changes_meanwhile_moves_no_number(void **state)
{
    struct scene *scene = *state;
    json_auto_t *images = two_images();
    json_auto_t *fewer = json_pack("[o]", image("mine:latest", SECOND));
    json_auto_t *numbered = NULL;

    scene->fake.lists[LIST_IMAGES] = images;
    scene->screen.session.numbered = &numbered;
    assert_int_equal(screen_run(&scene->screen, "images"), 0);
    scene->fake.lists[LIST_IMAGES] = fewer;
    assert_int_equal(screen_run(&scene->screen, "images --json"), 0);
    assert_int_equal(screen_run(&scene->screen, "images -q"), 0);
    assert_int_equal(screen_run(&scene->screen, "create 1"), 0);
    assert_string_equal(asked_image(scene), FIRST);
    assert_int_equal(screen_run(&scene->screen, "images"), 0);
    assert_int_equal(screen_run(&scene->screen, "create 1"), 0);
    assert_string_equal(asked_image(scene), SECOND);
}

static void a_number_that_was_not_listed_asks_nothing(void **state)
{
    static const char *const lines[] = {"create 0", "create 3", "rmi 1 3",
                                        "create 18446744073709551615"};
    struct scene *scene = *state;
    json_auto_t *images = two_images();
    json_auto_t *numbered = NULL;

    scene->fake.lists[LIST_IMAGES] = images;
    scene->screen.session.numbered = &numbered;
    assert_int_equal(screen_run(&scene->screen, "create 1"), 2);
    assert_non_null(strstr(scene->screen.err, "no list has given an image the number 1 yet"));
    assert_int_equal(screen_run(&scene->screen, "images"), 0);
    for (size_t i = 0; i + 1 < sizeof(lines) / sizeof(lines[0]); i++)
        assert_int_equal(screen_run(&scene->screen, lines[i]), 2);
    assert_int_equal(scene->fake.submit_calls, 0);
    assert_int_equal(screen_run(&scene->screen, lines[3]), 0); /* that long it is an id */
    assert_string_equal(asked_image(scene), "18446744073709551615");
}

static void elsewhere_a_number_is_refused_with_the_name_to_use(void **state)
{
    struct scene *scene = *state;
    json_auto_t *images = two_images();

    scene->fake.lists[LIST_IMAGES] = images;
    assert_int_equal(screen_run(&scene->screen, "images"), 0);
    assert_int_equal(screen_run(&scene->screen, "create 2 80"), 2);
    assert_int_equal(screen_run(&scene->screen, "rmi 1"), 2);
    assert_string_equal(scene->screen.err,
                        "dcm-submit: \"2\" is a number: use the image's name, mine:latest\n"
                        "dcm-submit: rmi: \"1\" is a number: use the image's name, debian-ssh\n");
    assert_int_equal(scene->fake.submit_calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(a_number_is_the_id_that_was_listed),
        SCENE(a_create_without_an_image_numbers_them_too),
        SCENE(what_a_number_asks_is_told_by_the_name_beside_it),
        SCENE(a_list_that_changes_meanwhile_moves_no_number),
        SCENE(a_number_that_was_not_listed_asks_nothing),
        SCENE(elsewhere_a_number_is_refused_with_the_name_to_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
