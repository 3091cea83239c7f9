/* Storage is made for its owner and kept to its bound. Ownership is the point of most of these, so
 * they need root; without it they are skipped. */
#include "tests/unit/storage_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h> /* last: it defines a macro fail() */

static const struct id_map mapped = {.first_uid = 300000, .first_gid = 400000, .count = 65536};

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORAGE_TEST(what_is_missing_is_made_with_its_owner_and_mode),
        STORAGE_TEST(it_can_be_repeated_and_keeps_what_is_inside),
        STORAGE_TEST(a_user_who_gave_his_directories_away_gets_them_back),
        STORAGE_TEST(an_engine_that_maps_ids_gets_directories_of_the_mapped_owners),
        STORAGE_TEST(a_uid_beyond_the_map_is_denied_and_leaves_nothing_behind),
        STORAGE_TEST(storage_that_could_outgrow_its_bound_is_denied_and_not_made),
        STORAGE_TEST(storage_that_is_there_is_looked_at_again),
        STORAGE_TEST(several_runners_may_prepare_one_user_at_once),
    };

    if (geteuid() != 0) {
        puts("skipped: needs root");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
