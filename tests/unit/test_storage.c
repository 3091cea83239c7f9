/* Ownership is the point of most of these, so they need root; without it they are skipped. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/count.h"
#include "worker/storage.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define ALICE 2001

static const struct id_map unmapped = {.count = UINT32_MAX};
static const struct id_map mapped = {.first_uid = 300000, .first_gid = 400000, .count = 65536};

/* A storage and a keys directory with a key of alice's, below a directory of the test's own. */
struct places {
    char top[PATH_MAX];
    char storage[PATH_MAX];
    char keys[PATH_MAX];
};

__attribute__((format(printf, 2, 3))) static void path_of(char ret_path[PATH_MAX],
                                                          const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(ret_path, PATH_MAX, format, arguments);
    va_end(arguments);
    assert_in_range(length, 0, PATH_MAX - 1);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    static struct places places;
    char path[PATH_MAX];

    path_of(places.top, "/tmp/dcm-storage-XXXXXX");
    assert_non_null(mkdtemp(places.top));
    path_of(places.storage, "%.80s/storage", places.top);
    path_of(places.keys, "%.80s/keys", places.top);
    assert_int_equal(mkdir(places.storage, 0755), 0);
    assert_int_equal(mkdir(places.keys, 0755), 0);
    path_of(path, "%.80s/alice", places.keys);
    assert_int_equal(mkdir(path, 0755), 0);
    path_of(path, "%.80s/alice/authorized_keys", places.keys);
    write_file(path, "ssh-ed25519 AAAA alice\n");
    *state = &places;
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static int tear_down(void **state)
{
    struct places *places = *state;

    return nftw(places->top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int prepare_as(const struct places *places, const char *user, uid_t uid,
                      const struct id_map *ids, struct storage_paths *ret_paths, struct error *err)
{
    static const struct storage_bound unbounded = {.most = INT64_MAX};
    const struct storage_owner owner = {.user = user, .uid = uid, .ids = ids, .bound = &unbounded};
    return storage_prepare(places->storage, places->keys, &owner, ret_paths, err);
}

static int prepare(const struct places *places, struct storage_paths *ret_paths, struct error *err)
{
    return prepare_as(places, "alice", ALICE, &unmapped, ret_paths, err);
}

static void assert_owned_by(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
    struct stat status;

    assert_int_equal(lstat(path, &status), 0);
    assert_true(S_ISDIR(status.st_mode));
    assert_int_equal(status.st_uid, uid);
    assert_int_equal(status.st_gid, gid);
    assert_int_equal(status.st_mode & ALLPERMS, mode);
}

static void assert_owned(const char *path, uid_t owner, mode_t mode)
{
    assert_owned_by(path, owner, (gid_t)owner, mode);
}

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

static void what_is_missing_is_made_with_its_owner_and_mode(void **state)
{
    const struct places *places = *state;
    struct storage_paths paths;
    struct error err = {0};
    char path[PATH_MAX];
    mode_t mask = umask(0777); /* must not matter */

    int status = prepare(places, &paths, &err);
    umask(mask);
    if (status)
        fail_msg("%s", err.text);
    path_of(path, "%.80s/alice", places->storage);
    assert_owned(path, 0, 0700);
    assert_owned(paths.root, 0, 0700);
    assert_owned(paths.home, ALICE, 0700);
    path_of(path, "%.80s/alice", places->keys);
    assert_string_equal(paths.keys, path);
}

static void it_can_be_repeated_and_keeps_what_is_inside(void **state)
{
    const struct places *places = *state;
    struct storage_paths paths;
    char path[PATH_MAX];

    assert_int_equal(prepare(places, &paths, NULL), 0);
    path_of(path, "%.100s/file", paths.home);
    write_file(path, "work");
    assert_int_equal(prepare(places, &paths, NULL), 0);
    assert_int_equal(access(path, F_OK), 0);
}

static void a_user_who_gave_his_directories_away_gets_them_back(void **state)
{
    const struct places *places = *state;
    struct storage_paths paths;

    assert_int_equal(prepare(places, &paths, NULL), 0);
    assert_int_equal(chown(paths.root, 1234, 1234), 0);
    assert_int_equal(chmod(paths.root, 0777), 0);
    assert_int_equal(chown(paths.home, 0, 0), 0);
    assert_int_equal(prepare(places, &paths, NULL), 0);
    assert_owned(paths.root, 0, 0700);
    assert_owned(paths.home, ALICE, 0700);
}

static void an_engine_that_maps_ids_gets_directories_of_the_mapped_owners(void **state)
{
    const struct places *places = *state;
    struct storage_paths paths;
    char path[PATH_MAX];

    assert_int_equal(prepare(places, &paths, NULL), 0);
    assert_int_equal(prepare_as(places, "alice", ALICE, &mapped, &paths, NULL), 0);
    assert_owned_by(paths.root, 300000, 400000, 0700);
    assert_owned_by(paths.home, 300000 + ALICE, 400000 + ALICE, 0700);
    path_of(path, "%.80s/alice", places->storage);
    assert_owned(path, 0, 0700);
    assert_int_equal(prepare(places, &paths, NULL), 0);
    assert_owned(paths.root, 0, 0700);
    assert_owned(paths.home, ALICE, 0700);
}

static void a_uid_beyond_the_map_is_denied_and_leaves_nothing_behind(void **state)
{
    const struct places *places = *state;
    struct storage_paths paths;
    struct error err = {0};
    char path[PATH_MAX];

    assert_int_equal(prepare_as(places, "alice", 65536, &mapped, &paths, &err), -1);
    assert_int_equal(err.fault, FAULT_DENIED);
    assert_string_equal(err.text, "alice has uid 65536, and this server's engine maps those below "
                                  "65536 alone; ask the administrator");
    path_of(path, "%.80s/alice", places->storage);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(prepare_as(places, "alice", 65535, &mapped, &paths, NULL), 0);
    assert_owned_by(paths.home, 365535, 465535, 0700);
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

/* As large as the file system is, on which all of the storage is: no more can be in it. */
static struct storage_bound bound_of_all(const struct places *places)
{
    struct storage_bound bound = {.rule = "defaults.storage"};
    struct statvfs status;

    assert_int_equal(statvfs(places->storage, &status), 0);
    bound.most = (int64_t)(status.f_blocks * status.f_frsize);
    return bound;
}

static void storage_that_could_outgrow_its_bound_is_denied_and_not_made(void **state)
{
    const struct places *places = *state;
    struct storage_bound bound = bound_of_all(places);
    const struct storage_owner owner = {
        .user = "alice", .uid = ALICE, .ids = &unmapped, .bound = &bound};
    struct storage_paths paths;
    struct error err = {0};
    char path[PATH_MAX];

    bound.most--;
    assert_int_equal(storage_prepare(places->storage, places->keys, &owner, &paths, &err), -1);
    assert_int_equal(err.fault, FAULT_DENIED);
    assert_string_equal(err.rule, "defaults.storage");
    assert_non_null(strstr(err.text, "does not keep your storage to the "));
    path_of(path, "%.80s/alice/root", places->storage);
    assert_int_not_equal(access(path, F_OK), 0);
    bound.most++;
    assert_int_equal(storage_prepare(places->storage, places->keys, &owner, &paths, NULL), 0);
    assert_owned(paths.home, ALICE, 0700);
}

static void storage_that_is_there_is_looked_at_again(void **state)
{
    const struct places *places = *state;
    struct storage_bound bound = bound_of_all(places);
    struct storage_paths paths;
    struct error err = {0};

    assert_int_equal(storage_check(places->storage, "alice", &bound, &err), -1);
    assert_int_equal(err.fault, FAULT_INTERNAL); /* it is not there */
    assert_int_equal(prepare(places, &paths, NULL), 0);
    assert_int_equal(storage_check(places->storage, "alice", &bound, NULL), 0);
    bound.most--;
    assert_int_equal(storage_check(places->storage, "alice", &bound, &err), -1);
    assert_int_equal(err.fault, FAULT_DENIED);
    bound.most = INT64_MAX;
    assert_int_equal(storage_check(places->storage, "nobody", &bound, NULL), 0);
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

static void several_runners_may_prepare_one_user_at_once(void **state)
{
    const struct places *places = *state;
    struct storage_paths paths;
    pid_t children[8];

    for (size_t i = 0; i < 8; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            int status = 0;
            for (int round = 0; round < 50; round++)
                status |= prepare(places, &paths, NULL);
            _exit(status ? 1 : 0);
        }
    }
    for (size_t i = 0; i < 8; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(prepare(places, &paths, NULL), 0);
    assert_owned(paths.home, ALICE, 0700);
}

#define STORAGE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORAGE_TEST(what_is_missing_is_made_with_its_owner_and_mode),
        STORAGE_TEST(it_can_be_repeated_and_keeps_what_is_inside),
        STORAGE_TEST(a_user_who_gave_his_directories_away_gets_them_back),
        STORAGE_TEST(an_engine_that_maps_ids_gets_directories_of_the_mapped_owners),
        STORAGE_TEST(a_uid_beyond_the_map_is_denied_and_leaves_nothing_behind),
        STORAGE_TEST(a_symbolic_link_is_not_followed),
        STORAGE_TEST(a_users_directory_that_is_a_link_is_not_followed),
        STORAGE_TEST(a_users_directory_that_he_owns_is_refused),
        STORAGE_TEST(a_file_in_the_place_of_a_directory_is_refused),
        STORAGE_TEST(a_missing_configured_directory_is_named),
        STORAGE_TEST(a_user_without_a_key_is_denied_and_leaves_nothing_behind),
        STORAGE_TEST(keys_that_a_user_could_change_are_refused),
        STORAGE_TEST(keys_that_only_root_can_read_are_refused),
        STORAGE_TEST(storage_that_could_outgrow_its_bound_is_denied_and_not_made),
        STORAGE_TEST(storage_that_is_there_is_looked_at_again),
        STORAGE_TEST(neither_root_nor_a_strange_name_gets_storage),
        STORAGE_TEST(several_runners_may_prepare_one_user_at_once),
    };

    if (geteuid() != 0) {
        puts("skipped: needs root");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
