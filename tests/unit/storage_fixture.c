#include "tests/unit/storage_fixture.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h> /* last: it defines a macro fail() */

const struct id_map unmapped = {.count = UINT32_MAX};

void path_of(char ret_path[PATH_MAX], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(ret_path, PATH_MAX, format, arguments);
    va_end(arguments);
    assert_in_range(length, 0, PATH_MAX - 1);
}

void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

int places_set_up(void **state)
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

int places_tear_down(void **state)
{
    struct places *places = *state;

    return nftw(places->top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int prepare_as(const struct places *places, const char *user, uid_t uid, const struct id_map *ids,
               struct storage_paths *ret_paths, struct error *err)
{
    static const struct storage_bound unbounded = {.most = INT64_MAX};
    const struct storage_owner owner = {.user = user, .uid = uid, .ids = ids, .bound = &unbounded};
    return storage_prepare(places->storage, places->keys, &owner, ret_paths, err);
}

int prepare(const struct places *places, struct storage_paths *ret_paths, struct error *err)
{
    return prepare_as(places, "alice", ALICE, &unmapped, ret_paths, err);
}
