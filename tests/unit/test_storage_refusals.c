/* Places, keys and names with which there is no storage. Most of these change owners, so they need
 * root; without it they are skipped. */
#include "tests/unit/storage_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/count.h"

#include <cmocka.h> /* last: it defines a macro fail() */

static void assert_fails(const struct places *places, enum fault fault, const char *because)
{
    struct storage_paths paths = {.root = "untouched"};
    struct error err = {0};

    assert_int_equal(prepare(places, &paths, &err), -1);
    assert_int_equal(err.fault, fault);
    if (!strstr(err.text, because))
        fail_msg("%s: expected %s", err.text, because);
    assert_string_equal(paths.root, "untouched");
}

static void a_symbolic_link_is_not_followed(void **state)
{
    const struct places *places = *state;
    struct storage_paths paths;
    char target[PATH_MAX];
    struct stat status;

    assert_int_equal(prepare(places, &paths, NULL), 0);
    path_of(target, "%.80s/target", places->top);
    assert_int_equal(mkdir(target, 0755), 0);
    assert_int_equal(rmdir(paths.home), 0);
    assert_int_equal(symlink(target, paths.home), 0);
    assert_fails(places, FAULT_INTERNAL, "/alice/home: ");
    assert_int_equal(stat(target, &status), 0);
    assert_int_equal(status.st_uid, 0);
}

static void a_users_directory_that_is_a_link_is_not_followed(void **state)
{
    const struct places *places = *state;
    char path[PATH_MAX];

    path_of(path, "%.80s/alice", places->storage);
    assert_int_equal(symlink(places->keys, path), 0);
    assert_fails(places, FAULT_INTERNAL, "alice: ");
}

static void a_users_directory_that_he_owns_is_refused(void **state)
{
    const struct places *places = *state;
    char path[PATH_MAX];

    path_of(path, "%.80s/alice", places->storage);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(chown(path, ALICE, ALICE), 0);
    assert_fails(places, FAULT_INTERNAL, "belongs to uid 2001");
    assert_int_equal(chown(path, 0, 0), 0);
    assert_int_equal(chmod(path, 0777), 0);
    assert_fails(places, FAULT_INTERNAL, "can write to it");
}

static void a_file_in_the_place_of_a_directory_is_refused(void **state)
{
    const struct places *places = *state;
    struct storage_paths paths;

    assert_int_equal(prepare(places, &paths, NULL), 0);
    assert_int_equal(rmdir(paths.root), 0);
    write_file(paths.root, "");
    assert_fails(places, FAULT_INTERNAL, "/alice/root: Not a directory");
}

static void a_missing_configured_directory_is_named(void **state)
{
    struct places *places = *state;

    path_of(places->storage, "/nonexistent/storage");
    assert_fails(places, FAULT_INTERNAL, "the storage directory /nonexistent/storage: No such");
    path_of(places->keys, "/nonexistent/keys");
    assert_fails(places, FAULT_INTERNAL, "the keys directory /nonexistent/keys: No such");
}

static void a_user_without_a_key_is_denied_and_leaves_nothing_behind(void **state)
{
    const struct places *places = *state;
    char path[PATH_MAX];

    path_of(path, "%.80s/alice/authorized_keys", places->keys);
    assert_int_equal(truncate(path, 0), 0);
    assert_fails(places, FAULT_DENIED, "alice has no SSH key on this server");
    assert_int_equal(unlink(path), 0);
    assert_fails(places, FAULT_DENIED, "alice has no SSH key on this server");
    path_of(path, "%.80s/alice", places->keys);
    assert_int_equal(rmdir(path), 0);
    assert_fails(places, FAULT_DENIED, "alice has no SSH key on this server");
    path_of(path, "%.80s/alice", places->storage);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void keys_that_a_user_could_change_are_refused(void **state)
{
    const struct places *places = *state;
    char path[PATH_MAX];

    path_of(path, "%.80s/alice/authorized_keys", places->keys);
    assert_int_equal(chown(path, ALICE, ALICE), 0);
    assert_fails(places, FAULT_INTERNAL, "belongs to uid 2001");
    path_of(path, "%.80s/alice", places->keys);
    assert_int_equal(chmod(path, 0777), 0);
    assert_fails(places, FAULT_INTERNAL, "can write to it");
}

static void keys_that_only_root_can_read_are_refused(void **state)
{
    const struct places *places = *state;
    char path[PATH_MAX];

    path_of(path, "%.80s/alice/authorized_keys", places->keys);
    assert_int_equal(chmod(path, 0600), 0);
    assert_fails(places, FAULT_INTERNAL, "others than root cannot read the keys");
    assert_int_equal(chmod(path, 0644), 0);
    path_of(path, "%.80s/alice", places->keys);
    assert_int_equal(chmod(path, 0711), 0);
    assert_fails(places, FAULT_INTERNAL, "others than root cannot read the keys");
}

static void neither_root_nor_a_strange_name_gets_storage(void **state)
{
    static const char *const names[] = {"..", ".", "", "a/b", "Alice", "alice/../bob"};
    const struct places *places = *state;
    struct storage_paths paths;
    struct error err = {0};

    for (size_t i = 0; i < COUNT(names); i++) {
        err = (struct error){0};
        assert_int_equal(prepare_as(places, names[i], ALICE, &unmapped, &paths, &err), -1);
        assert_int_equal(err.fault, FAULT_INTERNAL);
        assert_non_null(strstr(err.text, "no storage for user"));
    }
    assert_int_equal(prepare_as(places, "alice", 0, &unmapped, &paths, &err), -1);
    assert_non_null(strstr(err.text, "of uid 0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORAGE_TEST(a_symbolic_link_is_not_followed),
        STORAGE_TEST(a_users_directory_that_is_a_link_is_not_followed),
        STORAGE_TEST(a_users_directory_that_he_owns_is_refused),
        STORAGE_TEST(a_file_in_the_place_of_a_directory_is_refused),
        STORAGE_TEST(a_missing_configured_directory_is_named),
        STORAGE_TEST(a_user_without_a_key_is_denied_and_leaves_nothing_behind),
        STORAGE_TEST(keys_that_a_user_could_change_are_refused),
        STORAGE_TEST(keys_that_only_root_can_read_are_refused),
        STORAGE_TEST(neither_root_nor_a_strange_name_gets_storage),
    };

    if (geteuid() != 0) {
        puts("skipped: needs root");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
