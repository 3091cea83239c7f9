/* What tests of users' storage stand on: where it is, and the making of alice's. */
#ifndef DCM_TESTS_STORAGE_FIXTURE_H
#define DCM_TESTS_STORAGE_FIXTURE_H

#include <limits.h>
#include <sys/types.h>

#include "common/error.h"
#include "worker/id_map.h"
#include "worker/storage.h"

#define ALICE 2001

extern const struct id_map unmapped;

/* A storage and a keys directory with a key of alice's, below a directory of the test's own. */
struct places {
    char top[PATH_MAX];
    char storage[PATH_MAX];
    char keys[PATH_MAX];
};
/* For cmocka; *state is the struct places. */
int places_set_up(void **state);
int places_tear_down(void **state);
#define STORAGE_TEST(name) cmocka_unit_test_setup_teardown(name, places_set_up, places_tear_down)

/* Fails the test where the path is too long. */
__attribute__((format(printf, 2, 3))) void path_of(char ret_path[PATH_MAX], const char *format,
                                                   ...);
void write_file(const char *path, const char *text);

/* storage_prepare without a bound; the second for alice, where the engine maps no ids. */
int prepare_as(const struct places *places, const char *user, uid_t uid, const struct id_map *ids,
               struct storage_paths *ret_paths, struct error *err);
int prepare(const struct places *places, struct storage_paths *ret_paths, struct error *err);

#endif
