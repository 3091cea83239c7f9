#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/count.h"
#include "worker/id_map.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define DATA "/var/lib/docker/300000.400000"

/* Two files that are as the test has them. */
static char subuid[] = "/tmp/dcm-subuid-XXXXXX";
static char subgid[] = "/tmp/dcm-subgid-XXXXXX";

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_files(void **state)
{
    (void)state;
    int one = mkstemp(subuid), other = mkstemp(subgid);
    return one < 0 || other < 0 || close(one) || close(other);
}

static int remove_files(void **state)
{
    (void)state;
    return unlink(subuid) || unlink(subgid);
}

static int read_map(const char *option, const char *directory, struct id_map *ret_map,
                    struct error *err)
{
    json_auto_t *info =
        json_pack("{s:[s, s], s:s?}", "SecurityOptions", "name=seccomp,profile=default", option,
                  "DockerRootDir", directory);
    assert_non_null(info);
    return id_map_read(info, subuid, subgid, ret_map, err);
}

static void assert_map(const struct id_map *map, uid_t first_uid, gid_t first_gid, uint32_t count)
{
    assert_int_equal(map->first_uid, first_uid);
    assert_int_equal(map->first_gid, first_gid);
    assert_int_equal(map->count, count);
}

static void assert_fails(const char *directory, const char *because)
{
    struct id_map map = {.count = 7};
    struct error err = {0};

    assert_int_equal(read_map("name=userns", directory, &map, &err), -1);
    assert_int_equal(err.fault, FAULT_INTERNAL);
    if (!strstr(err.text, because))
        fail_msg("%s: expected %s", err.text, because);
    assert_int_equal(map.count, 7);
}

static void without_user_namespaces_every_id_is_itself(void **state)
{
    (void)state;
    struct id_map map;
    json_auto_t *nothing = json_object();

    assert_int_equal(read_map("name=cgroupns", "/var/lib/docker", &map, NULL), 0);
    assert_map(&map, 0, 0, UINT32_MAX);
    /* A directory alone says nothing. */
    assert_int_equal(read_map("name=usernsx", DATA, &map, NULL), 0);
    assert_map(&map, 0, 0, UINT32_MAX);
    assert_int_equal(id_map_read(nothing, subuid, subgid, &map, NULL), 0);
    assert_map(&map, 0, 0, UINT32_MAX);
}

static void with_them_the_directory_says_where_and_the_files_how_far(void **state)
{
    (void)state;
    struct id_map map;

    write_file(subuid, "# a comment\nbob:100000:200000\nnonsense\n:300000:1\ndock:300000:65536\n");
    write_file(subgid, "dock:400000:70000"); /* without an end of line */
    assert_int_equal(read_map("name=userns", DATA, &map, NULL), 0);
    assert_map(&map, 300000, 400000, 65536);
    write_file(subgid, "1001:400000:4096\n");
    assert_int_equal(read_map("name=userns", DATA, &map, NULL), 0);
    assert_map(&map, 300000, 400000, 4096);
}

static void a_directory_that_does_not_say_where_is_an_error(void **state)
{
    static const char *const directories[] = {
        NULL,
        "",
        "/var/lib/docker",
        "300000.400000",
        "/x/300000",
        "/x/0.400000",
        "/x/300000.0",
        "/x/300000.400000/",
        "/x/300000.400000x",
        "/x/-1.400000",
        "/x/ 1.400000",
        "/x/4294967296.1",
        "/x/99999999999999999999.1",
        "/x/300000..1",
    };
    (void)state;

    for (size_t i = 0; i < COUNT(directories); i++)
        assert_fails(directories[i], "does not end with their first ids");
}

static void a_range_that_no_file_has_is_an_error(void **state)
{
    static const char *const texts[] = {
        "",
        "dock:300001:65536\n",
        "dock:300000:0\n",
        "dock:300000:4294967295\n", /* beyond the last id */
        "dock:300000:65536:1\n",
        "dock:300000\n",
        "300000:65536\n",
    };
    (void)state;

    write_file(subgid, "dock:400000:65536\n");
    for (size_t i = 0; i < COUNT(texts); i++) {
        write_file(subuid, texts[i]);
        assert_fails(DATA, "begin at id 300000, but no range in /tmp/dcm-subuid-");
    }
    write_file(subuid, "dock:300000:65536\n");
    write_file(subgid, "dock:300000:65536\n");
    assert_fails(DATA, "begin at id 400000, but no range in /tmp/dcm-subgid-");
    assert_int_equal(unlink(subuid), 0);
    assert_fails(DATA, "No such file");
    write_file(subuid, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_user_namespaces_every_id_is_itself),
        cmocka_unit_test(with_them_the_directory_says_where_and_the_files_how_far),
        cmocka_unit_test(a_directory_that_does_not_say_where_is_an_error),
        cmocka_unit_test(a_range_that_no_file_has_is_an_error),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
