/* Below /run, which is root's alone: /tmp is not. */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/host_paths.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define PATH_SIZE 200
#define ALICE 2001

static char top[64];

/* Below the test's own directory. Good until the fourth call after. */
static const char *at(const char *name)
{
    static char paths[4][PATH_SIZE];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, PATH_SIZE, "%s%s", top, name);
    return path;
}

static int set_up(void **state)
{
    (void)state;
    snprintf(top, sizeof(top), "/run/dcm-host-XXXXXX");
    assert_non_null(mkdtemp(top));
    assert_int_equal(chmod(top, 0755), 0);
    assert_int_equal(mkdir(at("/data"), 0755), 0);
    assert_int_equal(mkdir(at("/data/maps"), 0755), 0);
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void assert_refused(int (*check)(const char *, struct error *), const char *path,
                           enum fault fault, const char *because)
{
    struct error err = {0};

    if (check(path, &err) == 0)
        fail_msg("%s passes", path);
    assert_int_equal(err.fault, fault);
    if (!strstr(err.text, because))
        fail_msg("%s: \"%s\" does not say \"%s\"", path, err.text, because);
}

static void a_directory_below_directories_of_roots_passes(void **state)
{
    struct error err = {0};
    (void)state;

    assert_int_equal(host_directory_check(at("/data/maps"), &err), 0);
    assert_int_equal(host_directory_check(at("/data"), &err), 0);
    /* Itself it is whose the administrator says. */
    assert_int_equal(chown(at("/data/maps"), ALICE, ALICE), 0);
    assert_int_equal(chmod(at("/data/maps"), 01777), 0);
    assert_int_equal(host_directory_check(at("/data/maps"), &err), 0);
}

static void what_others_could_exchange_is_refused(void **state)
{
    (void)state;

    assert_int_equal(chmod(at("/data"), 0775), 0);
    assert_refused(host_directory_check, at("/data/maps"), FAULT_CONFLICT, "others than root");
    assert_int_equal(chmod(at("/data"), 01757), 0);
    assert_refused(host_directory_check, at("/data/maps"), FAULT_CONFLICT, "others than root");
    assert_int_equal(chmod(at("/data"), 0755), 0);
    assert_int_equal(chown(at("/data"), ALICE, 0), 0);
    assert_refused(host_directory_check, at("/data/maps"), FAULT_CONFLICT, "belongs to uid 2001");
    assert_refused(host_directory_check, "/tmp/x", FAULT_CONFLICT, "others than root");
}

static void no_link_is_followed(void **state)
{
    (void)state;

    assert_int_equal(symlink("/etc", at("/data/link")), 0);
    assert_refused(host_directory_check, at("/data/link"), FAULT_CONFLICT, "symbolic link");
    assert_refused(host_directory_check, at("/data/link/ssl"), FAULT_CONFLICT, "symbolic link");
    assert_int_equal(symlink("maps", at("/data/near")), 0);
    assert_refused(host_directory_check, at("/data/near"), FAULT_CONFLICT, "symbolic link");
}

static void what_is_not_there_or_is_no_directory_is_refused(void **state)
{
    (void)state;

    int file = creat(at("/data/file"), 0644);
    assert_true(file >= 0);
    close(file);
    assert_refused(host_directory_check, at("/data/none"), FAULT_NOT_FOUND, "tell the admin");
    assert_refused(host_directory_check, at("/none/maps"), FAULT_NOT_FOUND, "tell the admin");
    assert_refused(host_directory_check, at("/data/file"), FAULT_CONFLICT, "not a directory");
    assert_refused(host_directory_check, at("/data/file/x"), FAULT_NOT_FOUND, "tell the admin");
    assert_refused(host_directory_check, "/dev/null", FAULT_CONFLICT, "not a directory");
}

static void a_device_is_one_and_nothing_else(void **state)
{
    struct error err = {0};
    (void)state;

    assert_int_equal(host_device_check("/dev/null", &err), 0);
    assert_refused(host_device_check, "/dev/none", FAULT_NOT_FOUND, "tell the administrator");
    assert_refused(host_device_check, "/dev/pts", FAULT_CONFLICT, "not a device");
    assert_refused(host_device_check, "/dev/shm/x", FAULT_CONFLICT, "others than root");
    assert_refused(host_device_check, at("/data/maps"), FAULT_CONFLICT, "not a device");
    assert_int_equal(symlink("/dev/null", at("/data/null")), 0);
    assert_refused(host_device_check, at("/data/null"), FAULT_CONFLICT, "symbolic link");
}

#define HOST_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(a_directory_below_directories_of_roots_passes),
        HOST_TEST(what_others_could_exchange_is_refused),
        HOST_TEST(no_link_is_followed),
        HOST_TEST(what_is_not_there_or_is_no_directory_is_refused),
        HOST_TEST(a_device_is_one_and_nothing_else),
    };

    if (geteuid() != 0) {
        puts("skipped: needs root");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
