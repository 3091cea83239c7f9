/* Images: found, committed, removed. Against the stand-in engine. */
#include "worker/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/count.h"
#include "common/members.h"
#include "engine_fixture.h"

#define NO_ID "0000000000000000000000000000000000000000000000000000000000000000"
#define OWN_IMAGE "dcm.local/alice/mine:v1"

static void images_are_found_by_name_and_by_id(void **state)
{
    json_auto_t *by_name = NULL;
    json_auto_t *by_id = NULL;

    (void)state;
    assert_int_equal(engine_image_inspect(ENGINE, "lab/tools:2", &by_name, ERR), 0);
    const char *id = text_at(by_name, "Id");
    assert_int_equal(engine_image_inspect(ENGINE, id, &by_id, ERR), 0);
    assert_true(json_equal(by_name, by_id));
}

static void an_unknown_image_is_not_found(void **state)
{
    json_t *image = NULL;

    (void)state;
    assert_fault(engine_image_inspect(ENGINE, "nothing", &image, ERR), FAULT_NOT_FOUND,
                 "No such image: nothing:latest");
    assert_null(image);
}

static void a_container_becomes_an_image_with_other_labels(void **state)
{
    char id[ENGINE_ID_SIZE], image_id[ENGINE_ID_SIZE];
    json_auto_t *config = json_pack("{s:{s:s, s:s}}", "Labels", "dcm.v", "1", "dcm.kind", "image");
    json_auto_t *image = NULL;
    json_auto_t *images = NULL;
    struct engine_commit commit = {
        .container = id, .name = OWN_IMAGE, .message = "why & how", .config = config};

    (void)state;
    standin_container(ALICES, PORT, id);
    assert_int_equal(engine_commit(ENGINE, &commit, image_id, ERR), 0);
    assert_int_equal(engine_image_inspect(ENGINE, OWN_IMAGE, &image, ERR), 0);
    assert_string_equal(text_at(image, "Comment"), "why & how");
    const json_t *labels = json_object_get(json_object_get(image, "Config"), "Labels");
    assert_string_equal(text_at(labels, "dcm.kind"), "image");
    assert_int_equal(engine_image_list(ENGINE, true, &images, ERR), 0);
    assert_int_equal(json_array_size(images), 1);
}

static void an_image_may_have_no_name(void **state)
{
    char id[ENGINE_ID_SIZE], image_id[ENGINE_ID_SIZE];
    json_auto_t *config =
        json_pack("{s:{s:s, s:s}}", "Labels", "dcm.v", "1", "dcm.kind", "changes");
    json_auto_t *image = NULL;
    struct engine_commit commit = {.container = id, .config = config};

    (void)state;
    standin_container(ALICES, PORT, id);
    assert_int_equal(engine_commit(ENGINE, &commit, image_id, ERR), 0);
    assert_int_equal(engine_image_inspect(ENGINE, image_id, &image, ERR), 0);
    assert_int_equal(json_array_size(json_object_get(image, "RepoTags")), 0);
    assert_string_equal(text_at(image, "Comment"), "");
}

static void an_image_in_use_stays_and_one_that_is_gone_is_gone(void **state)
{
    char id[ENGINE_ID_SIZE], image_id[ENGINE_ID_SIZE];
    json_auto_t *config = json_pack("{s:{s:s}}", "Labels", "dcm.v", "1");
    struct engine_commit commit = {.container = id, .name = OWN_IMAGE, .config = config};

    (void)state;
    standin_container(ALICES, PORT, id);
    assert_int_equal(engine_commit(ENGINE, &commit, image_id, ERR), 0);
    assert_fault(engine_image_remove(ENGINE, "debian-ssh", ERR), FAULT_CONFLICT, "using");
    assert_int_equal(engine_image_remove(ENGINE, OWN_IMAGE, ERR), 0);
    assert_int_equal(engine_image_remove(ENGINE, OWN_IMAGE, ERR), 0);
}

static void only_names_of_users_images_are_committed_to(void **state)
{
    static const char *const others[] = {
        "debian-ssh",           "dcm.local/mine",         "dcm.local/alice/",
        "dcm.local/Alice/mine", "dcm.local/alice/x/../y", "example.org/alice/mine",
    };
    char image_id[ENGINE_ID_SIZE];
    struct engine_commit commit = {.container = NO_ID};

    (void)state;
    for (size_t i = 0; i < COUNT(others); i++) {
        commit.name = others[i];
        assert_fault(engine_commit(ENGINE, &commit, image_id, ERR), FAULT_INVALID, "name");
    }
    assert_int_equal(standin_count("POST /commit"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(images_are_found_by_name_and_by_id),
        TEST(an_unknown_image_is_not_found),
        TEST(a_container_becomes_an_image_with_other_labels),
        TEST(an_image_may_have_no_name),
        TEST(an_image_in_use_stays_and_one_that_is_gone_is_gone),
        TEST(only_names_of_users_images_are_committed_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
